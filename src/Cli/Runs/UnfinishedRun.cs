using RlLeap.Cli.MetaTraining;

namespace RlLeap.Cli.Runs;

/// <summary>The result of a run in its present state, for reports.</summary>
internal static class UnfinishedRun
{
    /// <summary>The key of the record that says that a run is not complete.</summary>
    public const string Note = "unfinished";

    /// <summary>A complete run's result; else one made of what the run has recorded.</summary>
    /// <exception cref="RlLeapException">There is no run.</exception>
    /// <exception cref="NothingRecordedException">It has recorded nothing yet.</exception>
    public static Result ResultOf(string folder)
    {
        var path = Path.Combine(folder, RunDirectory.ResultName);
        if (File.Exists(path) || !RunDirectory.Holds(folder)) return Result.Load(path);
        var metrics = Path.Combine(folder, RunDirectory.MetricsName);
        var last = File.Exists(metrics) ? JsonLines.Last(metrics, row => !row.Series.Contains('/'), Say) : null;
        if (last is not { } row)
            throw new NothingRecordedException($"{folder} has recorded nothing yet: report on it when it is further.");
        var at = row.Series == "meta" ? $"after {row.Step + 1} meta-steps" : $"at step {row.Step}";
        Log.Warning("{Run} is not complete: what follows is its state {At}", folder, at);
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) + " (unfinished)";
        var record = new Dictionary<string, string> { [Note] = at };
        if (ConfigFile.IsMetaTrain(folder))
        {
            var meta = ConfigFile.LoadRun<MetaTrainConfig>(folder);
            return new Result("meta-train", name, [], RecordedCurve.ReadMeta(metrics, Say), Record: record)
            {
                Method = RlLeap.MetaLearning.Methods.NameOf(meta.Method),
            };
        }
        var config = ConfigFile.LoadRun<TrainConfig>(folder);
        var curve = RecordedCurve.Read(metrics, config.Record, RlLeap.Agents.EpisodeWindow.Size, Say);
        if (curve.Steps.Count == 0)
            throw new NothingRecordedException($"{folder} is not complete, and no episode has ended in it yet.");
        return curve.ResultOf(config, name, record);

        static void Say(BadLine line) => Log.Warning("{Line}", line);
    }
}

/// <summary>A run of which nothing can be said yet.</summary>
internal sealed class NothingRecordedException(string message) : RlLeapException(message);
