// What `rlleap train` says when an environment of Python's raises or leaves its space.
using RlLeap.Cli.Runs;
using RlLeap.Testing;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

public sealed class TrainErrorTests
{
    [PythonFact]
    public void An_error_in_a_run_is_one_line_and_its_traceback_is_in_the_log()
    {
        using var folder = new TempFolder();
        var (code, _, error) = Train("gym:rlleap_fixture:Raising?after=300", folder["r"]);
        Assert.Equal(1, code);
        Assert.Contains("Python raised ValueError: the wheels came off (step 301 after its last reset, "
            + "rlleap_fixture.py, line", error, StringComparison.Ordinal);
        Assert.Contains($"the traceback is in {folder["r"]}", error, StringComparison.Ordinal);
        Assert.DoesNotContain("Traceback", error, StringComparison.Ordinal);
        Assert.Contains("in inner_detail_of_the_fixture", File.ReadAllText(folder["r/run.log"]),
            StringComparison.Ordinal);
    }

    [PythonFact]
    public void A_wrong_option_says_first_what_is_wrong_and_then_where()
    {
        using var folder = new TempFolder();
        var (code, _, error) = Train("gym:rlleap_fixture:Raising?wheels=3", folder["r"]);
        Assert.Equal(1, code);
        var lines = error.Split('\n');
        Assert.Contains("Python raised TypeError", lines[0], StringComparison.Ordinal);
        Assert.Contains("wheels", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("Traceback", lines[1], StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["r"]));
    }

    [PythonFact]
    public void Observations_outside_bounds_of_their_own_are_named_once_and_counted_in_the_result()
    {
        using var folder = new TempFolder();
        var (code, _, error) = Train("gym:rlleap_faults:Narrow", folder["r"], "2400");
        Assert.Equal(0, code);
        // In each copy at step 4 of each episode of ten.
        const string First = "element 0 of the observation is 50, outside 0 to 1 (copy 0 of 16, agent step 64)";
        Assert.Equal(2, error.Split(First).Length);
        var record = Result.Load(folder["r/result.json"]).Record!;
        Assert.Equal(First, record["first-observation-outside"]);
        Assert.Equal($"{19 * 16}", record["observations-outside-their-space"]);
    }

    private static (int Code, string Output, string Error) Train(string id, string directory,
        string steps = "20000")
    {
        var path = string.Join(Path.PathSeparator,
            new[] { RunningPython.Fixtures, Environment.GetEnvironmentVariable("PYTHONPATH") }
                .Where(folder => !string.IsNullOrEmpty(folder)));
        return ProgramProcess.Wait(ProgramProcess.StartWith(new Dictionary<string, string> { ["PYTHONPATH"] = path },
            "train", id, "--agent-steps", steps, "--directory", directory));
    }
}
