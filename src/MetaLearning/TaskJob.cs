using System.Text.Json;
using System.Text.Json.Serialization;

namespace RlLeap.MetaLearning;

/// <summary>The training of one task inside a meta-step, as a message.</summary>
/// <remarks>The task's contribution depends on this record and the initialization, and on nothing else.</remarks>
public sealed record TaskJob
{
    /// <summary>The task, by the name under which a worker finds it.</summary>
    public required string TaskId { get; init; }

    /// <summary>The seed of all randomness of this training: <c>new Rng(Seed)</c>.</summary>
    public required long Seed { get; init; }

    /// <summary>The meta-step it belongs to, from 0.</summary>
    public required long MetaStep { get; init; }

    /// <summary>Its place in the meta-batch, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The method, which says what the task contributes.</summary>
    public required MetaLearningMethod Method { get; init; }

    /// <summary>How the task is learned.</summary>
    public required LearnerOptions Learner { get; init; }

    /// <summary>A name for files and progress: "3/0-Greek".</summary>
    [JsonIgnore]
    public string Label => $"{MetaStep}/{Index}-{TaskId}";
}

/// <summary>How the training of a task ended: with a contribution, or with a failure when it diverged.</summary>
/// <param name="Job">What was trained.</param>
/// <param name="Contribution">What the task contributes; null when it diverged.</param>
/// <param name="Failure">Why it contributes nothing, with task and step; null when it contributes.</param>
public sealed record TaskOutcome(TaskJob Job, Contribution? Contribution, string? Failure)
{
    private const string TaskNote = "task", SeedNote = "seed", MetaStepNote = "meta-step", IndexNote = "index";
    private const string FailureNote = "failure", StepsNote = "steps", MetricsNote = "metrics", Gradient = "direction";
    private const string PointsName = "points";

    private static readonly JsonSerializerOptions NaNs =
        new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Writes the outcome as safetensors: the meta-gradient in float64, the rest as notes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="more">Notes of the caller: who trained it, from which input.</param>
    public void Save(string path, IReadOnlyDictionary<string, string>? more = null)
    {
        using var scope = NewDisposeScope();
        var notes = new Dictionary<string, string>(more ?? new Dictionary<string, string>());
        foreach (var (name, value) in Identity(Job)) notes[name] = value;
        if (Failure is not null) notes[FailureNote] = Failure;
        if (Contribution is not null)
        {
            notes[StepsNote] = $"{Contribution.Steps}";
            notes[MetricsNote] = JsonSerializer.Serialize(Contribution.Metrics, NaNs);
        }
        var tensors = new Dictionary<string, Tensor> { [Gradient] = tensor(Contribution?.MetaGradient ?? []) };
        if (Contribution?.Points is { Count: > 0 } points)
            tensors[PointsName] = tensor(points.SelectMany(point => point).ToArray(), [points.Count, points[0].Length]);
        SafeTensors.Write(path, tensors, notes);
    }

    /// <summary>Reads what <see cref="Save"/> wrote about <paramref name="job"/>.</summary>
    /// <exception cref="RlLeapException">
    /// The file is damaged, or it is about another task, seed or meta-step.
    /// </exception>
    public static TaskOutcome Load(string path, TaskJob job)
    {
        using var scope = NewDisposeScope();
        var (tensors, notes) = SafeTensors.Read(path);
        if (Identity(job).Any(note => notes.GetValueOrDefault(note.Key) != note.Value))
            throw new RlLeapException($"{path} is about {notes.GetValueOrDefault(TaskNote)} with seed "
                + $"{notes.GetValueOrDefault(SeedNote)}, not about {job.TaskId} with seed {job.Seed}. "
                + "Delete it; the task is trained again.");
        if (notes.TryGetValue(FailureNote, out var failure)) return new TaskOutcome(job, null, failure);
        if (!tensors.TryGetValue(Gradient, out var gradient) || gradient.dtype != ScalarType.Float64
            || !long.TryParse(notes.GetValueOrDefault(StepsNote), out var steps)
            || !notes.TryGetValue(MetricsNote, out var text))
            throw new RlLeapException($"{path} is not the outcome of a task's training.");
        var metrics = JsonSerializer.Deserialize<Dictionary<string, double>>(text, NaNs)!;
        var contribution = new Contribution(job.TaskId, gradient.data<double>().ToArray(), steps, metrics)
        {
            Points = tensors.TryGetValue(PointsName, out var points)
                ? [.. Enumerable.Range(0, (int)points.size(0)).Select(i => points[i].data<float>().ToArray())] : null,
        };
        return new TaskOutcome(job, contribution, null);
    }

    private static Dictionary<string, string> Identity(TaskJob job) => new()
    {
        [TaskNote] = job.TaskId,
        [SeedNote] = $"{job.Seed}",
        [MetaStepNote] = $"{job.MetaStep}",
        [IndexNote] = $"{job.Index}",
    };
}
