// Learning held-out tasks from an initialization and from what it is compared with.
using System.Text.Json;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Reports.Figures;
using RlLeap.Cli.Slurm;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Where learning starts, by the name curves carry.</summary>
/// <param name="Name">"leap", "none", or the name of another run.</param>
/// <param name="Meta">The meta-learner to start from; null for random initialization.</param>
/// <param name="Identity">Changes whenever what is started from does: a hash of what was meta-learned; "none".</param>
public sealed record StartingPoint(string Name, IMetaLearner? Meta, string Identity)
{
    /// <summary>The config of its run, if that is another than the evaluating run; other machines need it.</summary>
    public MetaTrainConfig? Config { get; init; }

    /// <summary>That run's tasks, which say what a learner from here adapts; null for the evaluating run's.</summary>
    public Suite? Suite { get; init; }

    /// <summary>Random initialization.</summary>
    public static StartingPoint None { get; } = new("none", null, "none");

    /// <summary>What a meta-learner has learned.</summary>
    public static StartingPoint Of(string name, IMetaLearner meta)
    {
        // All that was meta-learned, not the encoder alone: HAT's masks and Progressive Nets' columns are part of where
        // learning starts.
        var path = Path.Combine(Path.GetTempPath(), $"rlleap-{Guid.NewGuid():N}.safetensors");
        try
        {
            meta.Save(path);
            return new(name, meta, FileHash.Of(path)[..16]);
        }
        finally { File.Delete(path); }
    }
}

/// <summary>Learns tasks from starting points over seeds; every finished curve is a file, found again.</summary>
/// <remarks>
/// A task and a seed have the same randomness whatever the starting point (heads, environments, minibatches), so
/// comparisons are paired.
/// </remarks>
/// <param name="seed">Seed of the run; evaluation seeds are splits of it.</param>
/// <param name="folder">Where finished curves lie.</param>
/// <param name="shared">Where curves from random initialization lie, which other runs can use too.</param>
public sealed class Evaluation(Suite suite, long seed, string folder, string shared)
{
    /// <summary>Whether agents of the first seed are filmed, beside their curves.</summary>
    public bool Episodes { get; init; }

    /// <summary>One learning process to be done.</summary>
    public sealed record Item(string TaskId, StartingPoint From, long Seed);

    /// <summary>A finished one.</summary>
    public sealed record Finished(Curve Curve, IReadOnlyDictionary<string, double> Scores)
    {
        /// <summary>
        /// The network's state where learning started and where it ended (<see cref="TrainingDiagnosis.Metrics"/>);
        /// null where nothing was measured.
        /// </summary>
        public IReadOnlyDictionary<string, double>? Diagnosis { get; init; }
    }

    /// <summary>
    /// Learns all of <paramref name="tasks"/> from all <paramref name="points"/> for all seeds, on threads or on
    /// <paramref name="cluster"/>; the results in that order.
    /// </summary>
    public IReadOnlyList<Finished> Run(
        IReadOnlyList<string> tasks, IReadOnlyList<StartingPoint> points,
        int seeds, int workers, double checkpointSeconds, string device, SlurmExecutor? cluster, Progress progress,
        CancellationToken cancellation)
    {
        var items = Items(tasks, points, seeds);
        var done = items.Count(IsKept);
        progress.Report(done, "held-out tasks");
        if (cluster is not null)
            cluster.Evaluate(items, item => Path.GetFileName(PathOf(item)), IsKept, folder,
                (item, finished) => Store(item, finished, ref done, progress), progress, cancellation);
        else
        {
            var left = items.Where(item => !IsKept(item)).ToList();
            using var pool = new WorkerPool(workers, "evaluation", maxCount: left.Count);
            pool.ForEach(left, (item, stop) =>
            {
                var checkpoint = PathOf(item) + ".checkpoint";
                Store(item, Learn(item, checkpoint, TimeSpan.FromSeconds(checkpointSeconds), device, progress, stop),
                    ref done, progress);
                File.Delete(checkpoint);
            }, cancellation);
        }
        if (Episodes) CopyFilms(items, Path.GetDirectoryName(folder)!);
        return [.. items.Select(Load)];
    }

    /// <summary>
    /// Learns one item, from its checkpoint where there is one; on cancellation the checkpoint is written. One that
    /// diverges has a curve (see <see cref="Curve.Diverged"/>) and no scores.
    /// </summary>
    /// <exception cref="DivergenceException">It diverged before its curve had a point: there is nothing to keep, and
    /// reports would not see that it is missing.</exception>
    public Finished Learn(Item item, string checkpoint, TimeSpan checkpointEvery, string device, Progress progress,
        CancellationToken stop)
    {
        var task = suite.Find(item.TaskId);
        var rng = new Rng(seed).Split("evaluation").Split(item.TaskId, item.Seed);
        using var learner = item.From.Meta is { } meta ? meta.Begin(task, LearnerFrom(item.From), rng)
            : new Learner(task, suite.Network, LearnerFrom(item.From), rng, Devices.Open(device));
        learner.Diagnosis = new TrainingDiagnosis();
        var recorder = suite.Record();
        if (File.Exists(checkpoint))
            try { recorder.Restore(learner.Load(checkpoint)["curve"]); }
            catch (DamagedFileException)
            {
                Log.Warning("the checkpoint of {Task}, seed {Seed}, was damaged and is now {Path}; it starts again",
                    item.TaskId, item.Seed, DamagedFileException.SetAside(checkpoint));
            }
        var end = suite.Experience(learner.Options.GradientSteps);
        using var line = progress.Begin($"{item.TaskId} from {item.From.Name}, seed {item.Seed}", end, suite.Curve.Axis,
            suite.Experience(learner.Step));
        var saved = System.Diagnostics.Stopwatch.StartNew();
        long? diverged = null;
        try
        {
            while (!learner.IsDone)
            {
                if (stop.IsCancellationRequested || saved.Elapsed > checkpointEvery)
                {
                    Save();
                    saved.Restart();
                    stop.ThrowIfCancellationRequested();
                }
                recorder.Add(learner.TrainStep(Save), learner.Count);
                line.Update(suite.Experience(learner.Step), recorder.Note);
            }
            learner.RequireFinite();
            recorder.End(learner.Count);
        }
        catch (DivergenceException e) when (recorder.Values.Count > 0)
        {
            diverged = e.Step;
            // With early stopping, an area is over the steps that were made.
            if (learner.Options.Stopping is null) recorder.Diverge(end);
        }
        if (Episodes && item.Seed == 0 && diverged is null)
            suite.Film(learner, item.TaskId, rng.Split("film"), FilmOf(item), stop);
        return new Finished(
            new Curve(item.TaskId, item.From.Name, item.Seed, recorder.Steps, recorder.Values) { Diverged = diverged },
            diverged is null ? suite.Scores(learner, recorder) : new Dictionary<string, double>())
        {
            Diagnosis = learner.Diagnosis.Metrics is { Count: > 0 } diagnosis ? diagnosis : null,
        };

        void Save()
        {
            try { learner.Save(checkpoint, new Dictionary<string, string> { ["curve"] = recorder.Save() }); }
            // Parameters that are not finite show in the next loss, or at the end: at a gradient step that does not
            // depend on when checkpoints are made
            catch (DivergenceException) { }
        }
    }

    // Beside the curve, so that they are kept together.
    private string FilmOf(Item item) => Path.ChangeExtension(PathOf(item), ".gif");

    // Random initialization is what there is before meta-training, so it comes first.
    private void CopyFilms(IReadOnlyList<Item> items, string root)
    {
        var target = Path.Combine(root, RecordedEpisodes.Folder);
        var names = FigureFiles.NamesOf(items.Select(item => item.TaskId));
        foreach (var (i, item) in items.Where(item => item.Seed == 0)
            .OrderBy(item => names[item.TaskId], StringComparer.Ordinal)
            .ThenBy(item => item.From.Meta is not null).Index())
        {
            if (!File.Exists(FilmOf(item))) continue;
            Directory.CreateDirectory(target);
            var from = item.From.Meta is null ? "a random initialization" : item.From.Name;
            var name = string.Concat($"{i + 1:00} {names[item.TaskId]} learned from {from}"
                .Select(c => char.IsLetterOrDigit(c) || c is '-' or '.' ? c : '_'));
            File.Copy(FilmOf(item), Path.Combine(target, name + ".gif"), overwrite: true);
        }
    }

    // Random parameters are not worth keeping.
    private LearnerOptions LearnerFrom(StartingPoint point)
    {
        var roles = point.Meta is null ? null : (point.Suite ?? suite).EvaluationLearner;
        return suite.EvaluationLearner with { Roles = roles?.Roles, Rates = roles?.Rates };
    }

    private void Store(Item item, Finished finished, ref int done, Progress progress)
    {
        SealedJson.Write(PathOf(item), finished, Json.Options);
        if (finished.Curve.Diverged is { } step)
            Log.Warning("{Task} from {Point}, seed {Seed}, diverged at gradient step {Step}: its curve stays at its "
                + "last value", item.TaskId, item.From.Name, item.Seed, step);
        progress.Report(Interlocked.Increment(ref done), "held-out tasks");
    }

    /// <summary>How many of them were learned before and are kept.</summary>
    public int Kept(IReadOnlyList<string> tasks, IReadOnlyList<StartingPoint> points, int seeds) =>
        Items(tasks, points, seeds).Count(IsKept);

    private static List<Item> Items(IReadOnlyList<string> tasks, IReadOnlyList<StartingPoint> points, int seeds) =>
        [.. tasks.SelectMany(task => Enumerable.Range(0, seeds)
            .SelectMany(s => points.Select(point => new Item(task, point, s))))];

    // Whether an item was learned before. What is kept of it may be damaged: then it is learned again.
    private bool IsKept(Item item)
    {
        var path = PathOf(item);
        if (!File.Exists(path)) return false;
        try
        {
            SealedJson.Read<Finished>(path, Json.Options);
            return true;
        }
        catch (Exception e) when (e is DamagedFileException or JsonException)
        {
            Log.Warning("{Path} is damaged and is now {Aside}; {Task}, seed {Seed}, is learned again", path,
                DamagedFileException.SetAside(path), item.TaskId, item.Seed);
            return false;
        }
    }

    private Finished Load(Item item)
    {
        var finished = SealedJson.Read<Finished>(PathOf(item), Json.Options);
        return finished with { Curve = finished.Curve with { Method = item.From.Name } };
    }

    // Everything that a curve depends on is in its name: what it was learned from, how, and with which library.
    private string PathOf(Item item)
    {
        var key = JsonSerializer.Serialize(new
        {
            item.TaskId, item.Seed, RunSeed = seed, item.From.Identity, Network = suite.Network.Name,
            Facts = suite.Setting, Learner = ConfigFile.ToLine(LearnerFrom(item.From)),
            Layout = suite.Network.Parameters.Select(p => p.ToString()), Recorder = suite.Record().Save(),
            Assemblies = Plugins.Identity, // a user's own code may have changed under its name
        });
        var hash = FileHash.OfText(key)[..16];
        var slug = string.Concat(item.TaskId.Select(c => char.IsLetterOrDigit(c) || c is '-' or '.' ? c : '_'));
        return Path.Combine(item.From.Meta is null ? shared : folder,
            $"{slug}-{item.From.Name.Replace('/', '_')}-seed-{item.Seed}-{hash}.json");
    }
}
