// Slurm's commands, each with a time-out, and their errors in Slurm's own words.
using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace RlLeap.Cli.Slurm;

/// <summary>Slurm's controller does not answer; it may later.</summary>
internal sealed class SlurmUnreachableException(string message) : RlLeapException(message);

/// <summary>A job of an array that waits or runs.</summary>
/// <param name="Id">"17_3".</param>
/// <param name="Index">Its index in the array.</param>
/// <param name="State">PENDING, RUNNING, COMPLETING, ...</param>
/// <param name="Node">Where it runs; empty while it waits.</param>
/// <param name="Reason">Why it waits.</param>
internal sealed record SlurmJob(string Id, int Index, string State, string Node, string Reason)
{
    public bool IsWaiting => State is "PENDING" or "REQUEUED" or "REQUEUE_HOLD" or "SPECIAL_EXIT" or "CONFIGURING";

    /// <summary>Slurm could not start it on its node and holds it until somebody releases it.</summary>
    public bool IsHeldAfterFailure =>
        State is "REQUEUE_HOLD" or "SPECIAL_EXIT" || Reason is "JobHoldMaxRequeue"
        || Reason.Contains("held", StringComparison.OrdinalIgnoreCase)
        && Reason.Contains("launch", StringComparison.OrdinalIgnoreCase);

    /// <summary>It waits for something that will not come.</summary>
    public bool NeverStarts => IsWaiting && Reason is "PartitionTimeLimit" or "PartitionNodeLimit" or "BadConstraints"
        or "InvalidAccount" or "InvalidQOS" or "DependencyNeverSatisfied";
}

/// <summary>sbatch, squeue, scancel, scontrol. Never sacct: it needs an accounting database.</summary>
internal static partial class SlurmCommands
{
    /// <summary>Throws where jobs cannot be submitted from this machine.</summary>
    public static void Check()
    {
        foreach (var command in new[] { "sbatch", "squeue", "scancel", "scontrol" })
            if (!SystemNames.OnPath(command).Any())
                throw new RlLeapException(
                    $"executor.kind is slurm, but there is no {command} on the PATH of this machine. Run this where "
                        + "jobs are submitted (a login node; `module load slurm` where that is the custom), "
                    + "try Slurm on this machine as docs/cluster.md says, or train on threads: --set "
                    + "executor.kind=threads.");
    }

    /// <summary>Submits a script as an array and returns the array's job id.</summary>
    /// <exception cref="SlurmUnreachableException">No answer; the array may have been submitted all the
    /// same.</exception>
    /// <exception cref="RlLeapException">Slurm refused: its words, and the script.</exception>
    public static string Submit(string script, string array)
    {
        var (code, output, error) = Run(60, "sbatch", "--parsable", "--array=" + array, script);
        if (code == 0 && Id().Match(output.Trim()) is { Success: true } id) return id.Groups[1].Value;
        var words = string.Join("\n", new[] { error.Trim(), output.Trim() }.Where(text => text.Length > 0));
        // Above 128 a signal ended it: a terminal that is closed hangs up on it too.
        if (code is null or > 128 || Unreachable().IsMatch(words)) throw new SlurmUnreachableException(words.Length > 0
            ? words : code is null ? "sbatch gave no answer within 60 s" : $"sbatch ended with {code}");
        throw new RlLeapException($"""
            Slurm did not take the job (sbatch ended with {code}):
            {Indent(words.Length > 0 ? words : "it said nothing")}
            Submitted was, by sbatch --array={array} {script}:
            {Indent(File.ReadAllText(script))}
            What to do: {Remedy(words)}
            Nothing is lost: go on by --resume, and change settings with --set executor.KEY=VALUE (docs/cluster.md).
            """);
    }

    /// <summary>What waits or runs under a name; null where the controller does not answer.</summary>
    public static IReadOnlyList<SlurmJob>? Queue(string name)
    {
        var (code, output, _) = Run(30, "squeue", "--noheader", "--array", "--name=" + name, "--format=%i|%K|%T|%N|%r");
        if (code != 0) return null; // also 1 when the controller is down: never "there is no job"
        return [.. from line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                   let fields = line.Trim().Split('|')
                   where fields.Length == 5 && int.TryParse(fields[1], out _)
                   select new SlurmJob(fields[0], int.Parse(fields[1]), fields[2],
                       fields[3], fields[4])];
    }

    /// <summary>Cancels all jobs of a name: running ones get TERM, and KILL later.</summary>
    public static bool CancelAll(string name) => Run(30, "scancel", "--name=" + name).Code == 0;

    /// <summary>Cancels one job of an array.</summary>
    public static void Cancel(string id) => Run(30, "scancel", id);

    /// <summary>What Slurm remembers of a job: state, exit code, node; null once it has forgotten it.</summary>
    public static string? Describe(string id)
    {
        var (code, output, _) = Run(30, "scontrol", "--oneliner", "show", "job", id);
        var facts = output.Split(' ').Where(fact => fact.Split('=')[0] is "JobState" or "Reason" or "ExitCode"
            or "NodeList" or "RunTime" or "TimeLimit");
        return code == 0 && string.Join(' ', facts) is { Length: > 0 } text ? text : null;
    }

    /// <summary>What to do about what sbatch said.</summary>
    internal static string Remedy(string words) => words switch
    {
        // sbatch is installed, and knows of no cluster.
        _ when words.Contains("configuration source", StringComparison.OrdinalIgnoreCase)
            || words.Contains("configuration file", StringComparison.OrdinalIgnoreCase)
            => "Slurm finds no cluster: set SLURM_CONF to its slurm.conf (experiments/slurm/one-node prints that "
                + "line), or take executor.kind=threads.",
        _ when words.Contains("partition", StringComparison.OrdinalIgnoreCase) =>
            "sinfo lists the partitions; set executor.partition.",
        _ when words.Contains("array", StringComparison.OrdinalIgnoreCase) => "the cluster allows no array as large "
            + "(MaxArraySize in `scontrol show config`); put several tasks into a job by executor.tasks-per-job.",
        _ when words.Contains("account", StringComparison.OrdinalIgnoreCase)
            || words.Contains("qos", StringComparison.OrdinalIgnoreCase) =>
            "name your account or QOS: executor.sbatch: [\"--account=...\", \"--qos=...\"].",
        _ when words.Contains("time limit", StringComparison.OrdinalIgnoreCase) =>
            "ask for less time (executor.time): a task that needs longer goes on from its checkpoint in another job.",
        _ when words.Contains("memory", StringComparison.OrdinalIgnoreCase)
            || words.Contains("node configuration", StringComparison.OrdinalIgnoreCase)
            || words.Contains("resource", StringComparison.OrdinalIgnoreCase)
            => "no node has what a job asks for: lower executor.cpus, executor.gpus or executor.memory (sinfo -o '%P "
                + "%c %m %G' shows what nodes have).",
        _ => "change what Slurm names above, in the section executor.",
    };

    private static string Indent(string text) => "    " + text.TrimEnd().Replace("\n", "\n    ");

    // Code is null when the command was ended after its time.
    private static (int? Code, string Output, string Error) Run(int seconds, string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true
        };
        // A driver that is a job itself must not hand its own allocation on.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("SLURM_", StringComparison.Ordinal)
            && !name.StartsWith("SLURM_CONF", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        try
        {
            using var process = Process.Start(start)!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            if (!process.WaitForExit(TimeSpan.FromSeconds(seconds)))
            {
                process.Kill(entireProcessTree: true);
                return (null, "", $"{command} gave no answer within {seconds} s");
            }
            return (process.ExitCode, output.Result, error.Result);
        }
        catch (Win32Exception e)
        {
            throw new RlLeapException(
                $"{command} could not be started: {e.Message} It was on the PATH when the run began.", e);
        }
    }

    [GeneratedRegex(@"^(\d+)(;.*)?$")]
    private static partial Regex Id();

    [GeneratedRegex("unable to contact slurm controller|socket timed out|zero bytes were transmitted|connection "
        + "(refused|timed out|reset)|temporarily u|transport endpoint|network is unreachable", RegexOptions.IgnoreCase)]
    private static partial Regex Unreachable();
}
