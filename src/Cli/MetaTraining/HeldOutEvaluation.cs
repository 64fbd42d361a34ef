// Learning held-out tasks from a run's initialization and from what it is compared with, and the result of that.
using System.Runtime.InteropServices;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Slurm;

namespace RlLeap.Cli.MetaTraining;

/// <summary>The evaluation of a meta-training run.</summary>
public static class HeldOutEvaluation
{
    /// <summary>The tasks to evaluate, and the runs to compare with.</summary>
    /// <exception cref="RlLeapException">One is not there, or does not fit.</exception>
    internal static (IReadOnlyList<string> Tasks, IReadOnlyList<Other> Others) Check(Suite suite,
        EvaluationSection wanted)
    {
        var tasks = wanted.Tasks.Count > 0 ? wanted.Tasks : suite.HeldOut;
        if (tasks.Count == 0)
            throw new RlLeapException("No held-out tasks are named: set evaluation.tasks, or give --tasks.");
        foreach (var task in tasks)
            if (suite.Find(task).Info.InputShape is var shape && !shape.AsSpan()
                .SequenceEqual(suite.Network.InputShape))
                throw new RlLeapException(
                    $"{suite.Network.Name} takes inputs of {Shape.Text(suite.Network.InputShape)}, but the held-out "
                        + $"task {task} gives {Shape.Text(shape)}. It must show what the pool shows.");
        var heldOut = tasks.Except(suite.Pool.Select(task => task.Info.Id)).ToList();
        var others = new List<Other>();
        foreach (var folder in wanted.Against.Where(other => other != "none")
            .Select(other => Path.TrimEndingDirectorySeparator(Path.GetFullPath(other))).Distinct())
        {
            TrainedInitialization.RequireFinished(folder);
            var config = ConfigFile.LoadRun<MetaTrainConfig>(folder);
            RunChanges.RequireOwnConfig(folder);
            others.Add(new(folder, config, Suite.Open(config)));
            if (heldOut.Intersect(others[^1].Suite.Pool.Select(task => task.Info.Id)).FirstOrDefault() is { } seen)
                throw new RlLeapException(
                    $"{folder} was trained on {seen}, which is held out here, so learning it would not be compared. "
                        + "Compare with a run that holds it out too, or name tasks that neither was trained on.");
        }
        return (tasks, others);
    }

    /// <summary>A run to compare with.</summary>
    internal sealed record Other(string Folder, MetaTrainConfig Config, Suite Suite);

    /// <summary>Learns held-out tasks from <paramref name="point"/> and from what it is compared with.</summary>
    public static IReadOnlyList<Evaluation.Finished> Run(
        MetaTrainConfig config, Suite suite, string root, EvaluationSection wanted, StartingPoint point,
        CancellationToken cancellation)
    {
        var (tasks, others) = Check(suite, wanted);
        var points = new List<StartingPoint> { point };
        var opened = new List<IMetaLearner>();
        try
        {
            var names = RunNames.Tails([.. others.Select(other => other.Folder)], "none", point.Name);
            if (wanted.Against.Contains("none") && point.Name != "none") points.Add(StartingPoint.None);
            foreach (var (other, name) in others.Zip(names))
            {
                var theirs = other.Config with { Executor = config.Executor };
                opened.Add(TrainedInitialization.Load(other.Folder, other.Suite, theirs));
                points.Add(StartingPoint.Of(name, opened[^1]) with { Config = theirs, Suite = other.Suite });
            }
            var evaluation = new Evaluation(suite, config.Run.Seed, Path.Combine(root, "evaluation"),
                Path.Combine(Path.GetDirectoryName(root)!, ".random-initialization"))
            { Episodes = wanted.Episodes };
            using var progress = new Progress("evaluation", tasks.Count * wanted.Seeds * points.Count, "runs",
                evaluation.Kept(tasks, points, wanted.Seeds), worth: 1);
            var finished =
                evaluation.Run(tasks, points, wanted.Seeds, config.Run.Parallel, config.Run.CheckpointSeconds,
                    config.Run.Device, SlurmExecutor.Of(config, root), progress, cancellation);
            // It is a result when something that it is compared with diverges.
            var own = finished.Where(f => f.Curve.Method == point.Name).ToList();
            var lost = own.Where(f => f.Curve.Diverged is not null).ToList();
            if (lost.Count > config.Meta.MaxDiverged * own.Count)
                throw new RlLeapException($"{lost.Count} of {own.Count} held-out learning processes from "
                    + $"{point.Name} diverged (meta.max-diverged allows {config.Meta.MaxDiverged:P0}), "
                    + $"{lost[0].Curve.Task} for one. Lower the learning rate or clip the gradient. What was learned "
                    + $"is kept in {root}.");
            MetaTrainMetrics.Warn(finished);
            return finished;
        }
        finally
        {
            foreach (var other in opened) other.Dispose();
        }
    }

    /// <summary>The result of a run with what its metrics file holds.</summary>
    public static Result ResultOf(MetaTrainConfig config, Suite suite, string root, string kind,
        IReadOnlyList<Evaluation.Finished> finished)
    {
        RunChanges.CheckMetrics(root);
        var recorded = RecordedCurve.ReadMeta(Path.Combine(root, RunDirectory.MetricsName), bad =>
            Log.Warning("{Line}", bad));
        // An earlier evaluation of the same run may have started from other parameters.
        var curves = recorded.Where(c => !c.Task.Contains(MetaTrainMetrics.FromWord))
            .Concat(RecordedCurve.OfRows(MetaTrainMetrics.DiagnosisRows(finished))).ToList();
        var (measure, axis, higher) = suite.Curve;
        return new Result(kind, Path.GetFileName(Path.TrimEndingDirectorySeparator(root)),
            [.. finished.Select(f => f.Curve)], curves, measure, axis, higher, suite.Window, Scales(finished),
            Facts(config, suite))
        {
            Method = Methods.NameOf(config.Method),
            Smoothing = suite.Smoothing,
            Scores = [.. finished.SelectMany(f =>
                    f.Scores.Select(s => new Score(f.Curve.Task, f.Curve.Method, f.Curve.Seed, s.Key, s.Value)))],
        };
    }

    private static Dictionary<string, Scale> Scales(IReadOnlyList<Evaluation.Finished> finished) =>
        finished.Select(f => f.Curve.Task).Distinct()
        .Select(task => (task, scale: Statistics.Scales.Of(task))).Where(s => s.scale is not null)
        .ToDictionary(s => s.task, s => s.scale!);

    private static SortedDictionary<string, string> Facts(MetaTrainConfig config, Suite suite)
    {
        var facts = new SortedDictionary<string, string>(suite.Facts.ToDictionary(f => f.Key, f => f.Value),
            StringComparer.Ordinal)
        {
            ["method"] = ConfigFile.ToLine(config.Method),
            ["network"] = suite.Network.Name,
            ["seed"] = $"{config.Run.Seed}",
            ["runtime"] = RuntimeInformation.FrameworkDescription,
            ["system"] = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, "
                    + $"{Environment.ProcessorCount} cores",
        };
        var layout = Model.LayoutOf(suite.Network, suite.Pool[0].Info.Heads, suite.Learner.ParameterRoles);
        if (ParameterRoles.Describe(layout) is { Length: > 0 } roles) facts["roles"] = roles;
        if (Plugins.Identity is { } own) facts["assemblies"] = own;
        return facts;
    }
}
