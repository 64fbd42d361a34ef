namespace RlLeap.Cli.Runs;

/// <summary>Compares what a run's folder says now with what its checkpoints and its result were made with.</summary>
internal static class RunChanges
{
    private const string ConfigSum = RunDirectory.ConfigName, MetricsSum = RunDirectory.MetricsName;

    /// <summary>What differs from a checkpoint, in words after "since its checkpoint"; null for nothing.</summary>
    public static string? Since(Checkpoint checkpoint, string config)
    {
        var path = checkpoint.PathOf(RunDirectory.ConfigName);
        if (!File.Exists(path)) return null; // made by a version that kept none
        var parts = new List<string>();
        if (ConfigGuard.Difference(File.ReadAllText(path), config) is { } keys)
            parts.Add($"{RunDirectory.ConfigName} was changed ({keys})");
        if (checkpoint.Plugins != Plugins.Identity)
            parts.Add($"the plug-ins are others ({checkpoint.Plugins ?? "none"}; now {Plugins.Identity ?? "none"})");
        return parts.Count == 0 ? null : string.Join(", and ", parts);
    }

    /// <summary>A result with the checksums of what it was made with.</summary>
    public static Result Seal(Result result, string config, string? metrics)
    {
        var sums = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [ConfigSum] = ConfigGuard.Sum(config)
        };
        if (metrics is not null) sums[MetricsSum] = metrics;
        return result with { Sums = sums };
    }

    /// <summary>Requires that the config in a run's folder is the one that was run.</summary>
    /// <exception cref="RlLeapException">It was changed since; says how, as far as that is known.</exception>
    public static void RequireOwnConfig(string folder)
    {
        var config = File.ReadAllText(Path.Combine(folder, RunDirectory.ConfigName));
        var kept = RunDirectory.CheckpointsOf(folder).Find(RunDirectory.ConfigName);
        var change = kept is not null ? ConfigGuard.Difference(File.ReadAllText(kept), config)
            : !RunDirectory.IsComplete(folder) ? null
            : Result.Load(Path.Combine(folder, RunDirectory.ResultName)).Sums?.GetValueOrDefault(ConfigSum) is { } sum
                && sum != ConfigGuard.Sum(config) ? "its checksum is another one" : null;
        if (change is null) return;
        throw new RlLeapException($"{Path.Combine(folder, RunDirectory.ConfigName)} is not what was run: {change}. "
            + $"Bring back what was{(kept is null ? "" : $": it is in {kept}")}.");
    }

    /// <summary>Says it when the metrics of a finished run are not what it wrote.</summary>
    public static void CheckMetrics(string folder)
    {
        var path = Path.Combine(folder, RunDirectory.MetricsName);
        if (!File.Exists(path) || !RunDirectory.IsComplete(folder)) return;
        var sums = Result.Load(Path.Combine(folder, RunDirectory.ResultName)).Sums;
        if (sums?.GetValueOrDefault(MetricsSum) is not { } expected) return;
        if (FileHash.Of(path) != expected)
            Log.Warning("{Path} is not what the run wrote: curves of its meta-training may be wrong", path);
    }
}
