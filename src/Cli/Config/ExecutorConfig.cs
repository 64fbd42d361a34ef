// The config section that says where tasks are trained: threads of this machine, or a cluster. docs/cluster.md
// explains it.
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace RlLeap.Cli.Config;

/// <summary>Where tasks are trained.</summary>
public enum ExecutorKind
{
    /// <summary>Threads of this machine.</summary>
    Threads,
    /// <summary>Jobs of a Slurm cluster.</summary>
    Slurm,
}

/// <summary>Where tasks are trained. Nothing in it changes a result, so a run may go on with other values.</summary>
public sealed record ExecutorSection : ICheckedConfig
{
    /// <summary>
    /// threads of this machine, or jobs of a Slurm cluster (docs/cluster.md); the other keys are slurm's.
    /// </summary>
    public ExecutorKind Kind { get; init; } = ExecutorKind.Threads;

    /// <summary>Partition; left out: the cluster's default.</summary>
    public string? Partition { get; init; }

    /// <summary>
    /// Time limit of a job, as sbatch takes it (90, 1:30:00, 2-00:00:00); a task that needs longer goes on from its
    /// checkpoint in another job; left out: the partition's default.
    /// </summary>
    public string? Time { get; init; }

    /// <summary>Cores of a job.</summary>
    [Range(1, int.MaxValue)]
    public int Cpus { get; init; } = 1;

    /// <summary>GPUs of a job; run.device says whether they are used.</summary>
    [Range(0, int.MaxValue)]
    public int Gpus { get; init; }

    /// <summary>Memory of a job, as sbatch takes it (4G); left out: the cluster's default.</summary>
    public string? Memory { get; init; }

    /// <summary>Jobs of an array that may run at once; 0 for as many as the cluster gives.</summary>
    [Range(0, int.MaxValue)]
    public int Concurrency { get; init; }

    /// <summary>
    /// Tasks in one job, side by side on its cores: for short tasks, or where whole nodes are handed out.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int TasksPerJob { get; init; } = 1;

    /// <summary>More options for sbatch, each as it stands after #SBATCH (--account=physics).</summary>
    public IReadOnlyList<string> Sbatch { get; init; } = [];

    /// <summary>Lines of shell before the program starts in a job (module load dotnet).</summary>
    public IReadOnlyList<string> Setup { get; init; } = [];

    /// <summary>Seconds between two looks for result files.</summary>
    [Range(0, 1e9, MinimumIsExclusive = true)]
    public double PollSeconds { get; init; } = 0.25;

    /// <summary>Most seconds between two questions to squeue; they begin at one second apart.</summary>
    [Range(1, 1e9)]
    public double QueueSeconds { get; init; } = 15;

    /// <summary>Seconds that a result file may take to be seen after its job has left the queue.</summary>
    [Range(0, 1e9)]
    public double GraceSeconds { get; init; } = 15;

    /// <summary>Times that a task is submitted again after it was lost without getting further.</summary>
    [Range(0, int.MaxValue)]
    public int Retries { get; init; } = 3;

    /// <summary>Minutes that Slurm's controller may be out of reach.</summary>
    [Range(0, 1e9, MinimumIsExclusive = true)]
    public double PatienceMinutes { get; init; } = 60;

    /// <summary>
    /// Seconds before the time limit at which a task writes its checkpoint and ends; Slurm may be a minute early.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int WarnSeconds { get; init; } = 120;

    public IEnumerable<(string Key, string Expected)> Check()
    {
        if (Time is { } time)
        {
            var limit = Seconds(time);
            if (limit is null)
                yield return ("time", "a time as sbatch takes it: minutes, minutes:seconds, hours:minutes:seconds, "
                    + "days-hours, days-hours:minutes or days-hours:minutes:seconds");
            else if (limit < 2 * WarnSeconds + 60)
                yield return ("time", $"at least {(2 * WarnSeconds + 60 + 59) / 60} minutes, so that a job gets "
                    + $"further before it is warned (executor.warn-seconds is {WarnSeconds})");
        }
        foreach (var line in Sbatch)
            if (!line.StartsWith('-') || line.Contains('\n'))
                yield return ("sbatch", $"options such as --account=physics; found '{line}'");
    }

    /// <summary>sbatch's notation of a time in seconds; null where it is none.</summary>
    public static long? Seconds(string time)
    {
        var match = Regex.Match(time, @"^(?:(\d+)-(\d+)(?::(\d+))?(?::(\d+))?|(\d+)(?::(\d+))?(?::(\d+))?)$");
        if (!match.Success) return null;
        long N(int group) => match.Groups[group].Success ? long.Parse(match.Groups[group].Value) : 0;
        if (match.Groups[1].Success) return ((N(1) * 24 + N(2)) * 60 + N(3)) * 60 + N(4);
        return match.Groups[7].Success ? (N(5) * 60 + N(6)) * 60 + N(7) : N(5) * 60 + N(6);
    }
}
