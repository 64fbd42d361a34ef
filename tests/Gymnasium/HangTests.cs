// An environment that does not answer, in a process of its own: the program says so and leaves, whatever Python is
// doing meanwhile.
using System.Diagnostics;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

[Collection("python")]
public sealed class HangTests
{
    [PythonTheory]
    [InlineData("sleep")] // asleep, the GIL free
    [InlineData("spin")] // in Python code, the GIL taken again and again
    [InlineData("native")] // in native code that keeps the GIL
    public void AHangEndsInAMessageAndAnExitCodeInsteadOfForEver(string how)
    {
        var (exit, _, error) = Program("envs", "check", $"gym:rlleap_fixture:Hanging?how={how}&timeout=1",
            "--steps", "20");
        Assert.Equal(1, exit);
        Assert.Contains("step 2 after its last reset did not return within 1 s", error, StringComparison.Ordinal);
    }

    [PythonTheory]
    [InlineData("Hanging?how=native&after=60&timeout=1", "step 61 after its last reset did not return within 1 s")]
    [InlineData("Hanging?how=sleep&after=60&timeout=1", "step 61 after its last reset did not return within 1 s")]
    [InlineData("Raising?after=60", "ValueError: the wheels came off")]
    public void ATrainingWhoseEnvironmentFailsIsSavedAndLeaves(string id, string expected)
    {
        using var folder = new TempFolder();
        var (exit, _, error) = Program("train", "gym:rlleap_fixture:" + id, "--directory", folder["r"], "--agent-steps",
            "100000", "--set", "agent={preset: a2c, network: mlp, environments: 2}");
        Assert.Equal(1, exit);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        // 60 steps of two copies are twelve rollouts of five; what was learned of them is there though no checkpoint
        // was due.
        Assert.Equal("000000000120",
            Path.GetFileName(Assert.Single(Directory.GetDirectories(folder["r/checkpoints"]))));
        (exit, _, error) = Program("train", "--resume", folder["r"]);
        Assert.Equal(1, exit); // it fails again, after as many steps
        Assert.Contains("resumed at agent step 120 with fresh episodes", error, StringComparison.Ordinal);
        Assert.True(Directory.Exists(folder["r/checkpoints/000000000240"]));
    }

    [PythonFact]
    public void AnEvaluationWhoseEnvironmentFailsLeavesTheTrainingSaved()
    {
        using var folder = new TempFolder();
        var (exit, _, error) = Program("train", "gym:rlleap_fixture:Raising?after=60", "--directory", folder["r"],
            "--agent-steps", "100000",
            "--set", "agent={preset: a2c, network: mlp, environments: 2}", "--set", "record.evaluate-every=50",
            "--set", "record.evaluation-episodes=2");
        Assert.Equal(1, exit);
        Assert.Contains("ValueError: the wheels came off", error, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["r/checkpoints/000000000050/evaluate-first"]));
    }

    [PythonTheory]
    [InlineData("Hanging?how=native&after=60&timeout=1", "step 61 after its last reset did not return within 1 s")]
    [InlineData("Raising?after=60", "ValueError: the wheels came off")]
    public void AMetaTrainingWhoseEnvironmentFailsIsSavedAndLeaves(string id, string expected)
    {
        using var folder = new TempFolder();
        // The other task waits for the GIL of the one that hangs, and must not wait out its own limit.
        var (exit, _, error) = MetaTrain(folder, id, "Walk?length=4&timeout=10000");
        Assert.Equal(1, exit);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        // The failed task and the one that was stopped for it.
        Assert.Equal(2, Directory.GetFiles(folder["r/work/step-000000"], "*.checkpoint").Length);
    }

    // One meta-step over environments of the fixture, all side by side.
    private static (int Exit, string Output, string Error) MetaTrain(TempFolder folder, params string[] ids) =>
        Program("meta-train", folder.Write("c.yaml", $$"""
        run: {directory: {{folder["r"]}}, seed: 3, parallel: {{ids.Length}}}
        suite: games
        games:
          pool: [{{string.Join(", ", ids.Select(id => $"'gym:rlleap_fixture:{id}'"))}}]
          agent-steps: 100000
          agent: {preset: minatar, network: mlp, environments: 2}
        method: {name: leap}
        meta: {steps: 1, batch: {{ids.Length}}}
        """));

    [PythonFact]
    public void TasksThatOnlyBeginWhileOneHangsDoNotKeepTheProgram()
    {
        using var folder = new TempFolder();
        var (exit, _, error) = MetaTrain(folder, ["Hanging?how=native&after=-1&timeout=2",
            .. Enumerable.Range(4, 4).Select(length => $"Walk?length={length}&timeout=10000")]);
        Assert.Equal(1, exit);
        Assert.Contains("reset did not return within 2 s", error, StringComparison.Ordinal);
    }

    [PythonFact]
    public void AnEpisodeOfImagesIsRecordedWithoutAnythingThatDraws()
    {
        using var folder = new TempFolder();
        string[] small = ["--agent-steps", "40", "--set", "agent.environments=2", "--set", "agent.network=mlp", "--set",
            "record.evaluation-episodes=0"];
        Assert.Equal(0, Program(["train", "gym:rlleap_fixture:Picture", "--directory", folder["r"], .. small]).Exit);
        var (exit, output, error) = Program("play", folder["r"], "--record", folder["episode.png"], "--max-steps", "7");
        Assert.True(exit == 0, error);
        Assert.Contains("7 pictures in", output, StringComparison.Ordinal);
        var png = File.ReadAllBytes(folder["episode.png"]);
        Assert.Equal((315, 225), (png[18] << 8 | png[19], png[22] << 8 | png[23])); // 7 x 5 pixels, 45 times as large
        Assert.Equal(0, Program(["train", "gym:rlleap_fixture:Walk", "--directory", folder["w"], .. small]).Exit);
        (exit, _, error) = Program("play", folder["w"], "--record", folder["none.png"]);
        Assert.Equal(1, exit);
        Assert.Contains("'gym:rlleap_fixture:Walk?render_mode=rgb_array'", error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["none.png"]));
    }

    [PythonFact]
    public void AProgramThatUsedPythonEndsByItself()
    {
        var (exit, output, _) = Program("envs", "check", "gym:rlleap_fixture:Walk", "--steps", "20");
        Assert.Equal(0, exit);
        Assert.Contains("keeps all", output, StringComparison.Ordinal);
    }

    [Fact]
    public void APythonThatIsNotThereIsNamed()
    {
        var (exit, _, error) =
            Program(("RLLEAP_PYTHON", "/no/such/python3"), "envs", "check", "gym:rlleap_fixture:Walk");
        Assert.Equal(1, exit);
        Assert.Contains("/no/such/python3 (RLLEAP_PYTHON): there is no such file", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AProgramThatIsNoPythonIsNamed()
    {
        var (exit, _, error) = Program(("RLLEAP_PYTHON", "/bin/false"), "envs", "check", "gym:rlleap_fixture:Walk");
        Assert.Equal(1, exit);
        Assert.Contains("/bin/false (RLLEAP_PYTHON): it does not run", error, StringComparison.Ordinal);
        (exit, _, error) = Program(("RLLEAP_PYTHON", "/bin/ls"), "envs", "check", "gym:rlleap_fixture:Walk");
        Assert.Equal(1, exit);
        Assert.Contains("/bin/ls (RLLEAP_PYTHON): it does not run", error, StringComparison.Ordinal);
        // Ls answers with the whole question
        Assert.DoesNotContain("sysconfig.get_config_var", error, StringComparison.Ordinal);
    }

    [PythonFact]
    public void ALibraryThatIsNoLibpythonIsRefused()
    {
        if (OperatingSystem.IsWindows()) return;
        // An interpreter that answers like one, but names a library that is none.
        using var temp = new TempFolder();
        var fake = temp.Write("python3", "#!/bin/sh\necho '{\"executable\": \"" + temp["python3"]
            + "\", \"version\": \"3.11.2\", \"library\": \"/usr/lib/x86_64-linux-gnu/libz.so.1\", \"missing\": null, "
            + "\"minor\": \"3.11\", \"free_threaded\": false}'\n");
        File.SetUnixFileMode(fake, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        var (exit, _, error) = Program(("RLLEAP_PYTHON", fake), "envs", "check", "gym:rlleap_fixture:Walk");
        Assert.Equal(1, exit);
        Assert.Contains("libz.so.1", error, StringComparison.Ordinal);
        Assert.Contains("cannot be used", error, StringComparison.Ordinal);
    }

    private static (int Exit, string Output, string Error) Program(params string[] arguments) =>
        Program(("RLLEAP_TEST", "1"), arguments);

    private static (int Exit, string Output, string Error) Program((string Name, string Value) variable,
        params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true, RedirectStandardError = true
        };
        if (Path.GetFileNameWithoutExtension(start.FileName) != "dotnet") start.FileName = "dotnet";
        foreach (var argument in arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "rlleap.dll")))
            start.ArgumentList.Add(argument);
        start.Environment["PYTHONPATH"] = RunningPython.Fixtures + Path.PathSeparator
            + Environment.GetEnvironmentVariable("PYTHONPATH");
        start.Environment[variable.Name] = variable.Value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"rlleap {string.Join(' ', arguments)} did not end.");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
