// A real Slurm of one machine for tests, from experiments/slurm/one-node; and a fake one, for what a real one cannot be
// made to say.
using System.Diagnostics;
using Xunit;

namespace RlLeap.Tests.Cli;

/// <summary>A test on a real Slurm: skipped where its daemons are not installed or may not be started.</summary>
public sealed class SlurmFactAttribute : FactAttribute
{
    public SlurmFactAttribute() => Skip = SlurmCluster.SkipReason;
}

/// <summary>A test on a real Slurm that takes minutes.</summary>
public sealed class LongSlurmFactAttribute : FactAttribute
{
    public LongSlurmFactAttribute() =>
        Skip = SlurmCluster.SkipReason ?? (Tier.Long ? null : "long: runs with `./rlleap test --long`");
}

/// <summary>
/// munged, slurmctld and slurmd on free ports of the loopback interface, in a temporary folder; started with the first
/// test that needs them.
/// </summary>
public sealed class SlurmCluster : IDisposable
{
    private static readonly string Script = Path.Combine(Repository.Root, "experiments", "slurm", "one-node");
    private readonly TempFolder _folder = new();

    public SlurmCluster()
    {
        if (SkipReason is not null) return;
        // More cores than there are: what is tested is order, not speed.
        var (code, _, error) = Run(Script, new() { ["ONE_NODE_CPUS"] = "8" }, "start", Folder);
        Assert.True(code == 0, error);
        Environment = new Dictionary<string, string> { ["SLURM_CONF"] = Path.Combine(Folder, "slurm.conf") };
    }

    internal static string? SkipReason { get; } =
        !OperatingSystem.IsLinux() ? "needs Linux"
        : new[] { "slurmctld", "slurmd", "munged", "sbatch" }.FirstOrDefault(command =>
            !new[] { "/usr/sbin", "/usr/bin" }.Any(folder => File.Exists(Path.Combine(folder, command)))) is { } missing
            ? $"needs Slurm: there is no {missing}; as root: experiments/slurm/one-node install"
        : System.Environment.UserName != "root"
        ? "needs root: Slurm's daemons start jobs as the user who submits them" : null;

    /// <summary>Where the cluster's files are.</summary>
    public string Folder => _folder["cluster"];

    /// <summary>What a process needs to use it.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>();

    /// <summary>One of Slurm's commands.</summary>
    public string Command(string command, params string[] arguments) =>
        Run(command, new(Environment), arguments).Output;

    /// <summary>Kills a daemon, as a crash would.</summary>
    public void Kill(string daemon) =>
        Run("kill", [], "-9", File.ReadAllText(Path.Combine(Folder, daemon + ".pid")).Trim());

    /// <summary>Starts a daemon again.</summary>
    public void Start(string daemon)
    {
        var (code, _, error) = Run(Script, [], "start-part", Folder, daemon);
        Assert.True(code == 0, error);
    }

    /// <summary>Numbers of the processes of this machine whose command line has all the words.</summary>
    public static IReadOnlyList<int> Processes(params string[] words) =>
    [
        .. from folder in Directory.GetDirectories("/proc")
        where int.TryParse(Path.GetFileName(folder), out var id) && id != System.Environment.ProcessId
        let line = CommandLine(folder)
        where words.All(word => line.Contains(word, StringComparison.Ordinal))
        select int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture)
    ];

    /// <summary>Number of the slurmstepd that started a job's process; null where it has none any more.</summary>
    public static int? StepdOf(int process)
    {
        try
        {
            var parent = int.Parse(File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("PPid:",
                StringComparison.Ordinal))[5..], System.Globalization.CultureInfo.InvariantCulture);
            return File.ReadAllText($"/proc/{parent}/comm").Trim() == "slurmstepd" ? parent : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    public void Dispose()
    {
        if (Environment.Count > 0) Run(Script, [], "stop", Folder);
        try { _folder.Dispose(); }
        catch (IOException) { } // a daemon's last line of log
    }

    private static string CommandLine(string folder)
    {
        try { return File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' '); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return ""; }
    }

    private static (int Code, string Output, string Error) Run(string command, Dictionary<string, string> environment,
        params string[] arguments)
    {
        // Daemons keep what they inherit open: output goes to files, or reading it would wait for them.
        var start = new ProcessStartInfo("bash", ["-c", "out=$(mktemp) err=$(mktemp); \"$@\" > $out 2> $err < "
            + "/dev/null; code=$?; cat $out; cat $err >&2; rm -f $out $err; exit $code", "x", command, .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return ProgramProcess.Wait(Process.Start(start)!);
    }
}

/// <summary>
/// sbatch, squeue and scancel as shell scripts: jobs are processes of this machine. What a test wants them to do wrong
/// stands in files.
/// </summary>
/// <remarks>
/// Also the shortest example of what another scheduler must offer to be driven as Slurm is (docs/cluster.md).
/// </remarks>
internal sealed class FakeSlurm
{
    private readonly TempFolder _folder;

    public FakeSlurm(TempFolder folder, string? sbatch = null)
    {
        _folder = folder;
        Write("sbatch", sbatch ?? """
            for a; do case $a in --array=*) list=${a#*=}; list=${list%%%*} ;; esac; done
            script=$a
            echo "$list" >> "$state/submitted"
            for i in ${list//,/ }; do
                log=$(dirname "$script")/job-$i.log
                (export SLURM_ARRAY_TASK_ID=$i; exec setsid bash "$script") >> "$log" 2>&1 < /dev/null &
                echo "$i $!" >> "$state/jobs"
            done
            if [ -f "$state/lose-the-answer" ]; then
                rm "$state/lose-the-answer"
                echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
                exit 1
            fi
            echo 7
            """);
        Write("squeue", """
            [ -f "$state/jobs" ] || exit 0
            while read -r i pid; do
                kill -0 "$pid" 2> /dev/null && echo "7_$i|$i|RUNNING|here|None"
            done < "$state/jobs"
            exit 0
            """);
        Write("scancel", """
            echo "$@" >> "$state/cancelled"
            [ -f "$state/jobs" ] && while read -r i pid; do kill "$pid" 2> /dev/null; done < "$state/jobs"
            exit 0
            """);
        Write("scontrol", "echo JobId=7 JobState=FAILED Reason=NonZeroExitCode ExitCode=0:53 NodeList=n1 Other=x");
    }

    /// <summary>What a process needs to use it.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    { ["PATH"] = $"{_folder["fake/bin"]}:{System.Environment.GetEnvironmentVariable("PATH")}" };

    /// <summary>
    /// Full path of a file that the commands write or look for: submitted, cancelled, lose-the-answer.
    /// </summary>
    public string this[string file] => _folder[$"fake/{file}"];

    private void Write(string command, string body)
    {
        var path = _folder.Write($"fake/bin/{command}", $"#!/bin/bash\nstate='{_folder["fake"]}'\n{body}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | UnixFileMode.UserExecute);
    }
}
