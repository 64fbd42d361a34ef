using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>One task's training inside a meta-step, as a message: with the initialization, all that its contribution depends on.</summary>
public sealed record TaskJob
{
    /// <summary>The task, by the name under which a worker finds it.</summary>
    public required string TaskId { get; init; }
    /// <summary>Seed of all randomness of this training: <c>new Rng(Seed)</c>.</summary>
    public required long Seed { get; init; }
    /// <summary>The meta-step it belongs to, from 0.</summary>
    public required long MetaStep { get; init; }
    /// <summary>Its place in the meta-batch, from 0.</summary>
    public required int Index { get; init; }
    /// <summary>What it contributes.</summary>
    public required MetaLearningMethod Method { get; init; }
    /// <summary>How it is learned.</summary>
    public required LearnerOptions Learner { get; init; }

    /// <summary>A name for files and progress: "3/0-Greek".</summary>
    [JsonIgnore]
    public string Label => $"{MetaStep}/{Index}-{TaskId}";

    /// <summary>Writes it as JSON.</summary>
    public void Save(string path) => AtomicFile.WriteAllText(path, JsonSerializer.Serialize(this, Methods.Json));

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="RlLeapException">The file is missing or not a task's specification.</exception>
    public static TaskJob Load(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<TaskJob>(File.ReadAllText(path), Methods.Json) ?? throw new JsonException("it is empty.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or IOException or UnauthorizedAccessException)
        {
            throw new RlLeapException($"Cannot read the task's specification {path}: {e.Message}", e);
        }
    }
}

/// <summary>How a task's training ended: with a contribution, or diverged.</summary>
/// <param name="Work">What was trained.</param>
/// <param name="Contribution">What it contributes; null when it diverged.</param>
/// <param name="Failure">Why there is none, in words with task and step; null when there is one.</param>
public sealed record TaskOutcome(TaskJob Work, Contribution? Contribution, string? Failure)
{
    /// <summary>Writes it as safetensors: the direction in float64, the rest as notes, with notes of the caller's (who trained it, from which input).</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? more = null)
    {
        using var scope = NewDisposeScope();
        var notes = new Dictionary<string, string>(more ?? new Dictionary<string, string>())
        {
            ["task"] = Work.TaskId, ["seed"] = $"{Work.Seed}", ["meta-step"] = $"{Work.MetaStep}", ["index"] = $"{Work.Index}",
        };
        if (Failure is not null) notes["failure"] = Failure;
        if (Contribution is { } c)
        {
            notes["steps"] = $"{c.Steps}";
            notes["metrics"] = JsonSerializer.Serialize(c.Metrics, Numbers);
        }
        SafeTensors.Write(path, new Dictionary<string, Tensor> { ["direction"] = tensor(Contribution?.MetaGradient ?? []) }, notes);
    }

    /// <summary>Reads what <see cref="Save"/> wrote about <paramref name="work"/>.</summary>
    /// <exception cref="RlLeapException">The file is damaged, or about another task, seed or meta-step.</exception>
    public static TaskOutcome Load(string path, TaskJob work)
    {
        using var scope = NewDisposeScope();
        var (tensors, notes) = SafeTensors.Read(path);
        if (notes.GetValueOrDefault("task") != work.TaskId || notes.GetValueOrDefault("seed") != $"{work.Seed}" || notes.GetValueOrDefault("meta-step") != $"{work.MetaStep}" || notes.GetValueOrDefault("index") != $"{work.Index}")
            throw new RlLeapException($"{path} is about {notes.GetValueOrDefault("task")} with seed {notes.GetValueOrDefault("seed")}, not about {work.TaskId} with seed {work.Seed}. Delete it; the task is trained again.");
        if (notes.TryGetValue("failure", out var failure)) return new TaskOutcome(work, null, failure);
        if (!tensors.TryGetValue("direction", out var direction) || direction.dtype != ScalarType.Float64 || !long.TryParse(notes.GetValueOrDefault("steps"), out var steps) || !notes.TryGetValue("metrics", out var metrics))
            throw new RlLeapException($"{path} is not the outcome of a task's training.");
        return new TaskOutcome(work, new Contribution(work.TaskId, direction.data<double>().ToArray(), steps, JsonSerializer.Deserialize<Dictionary<string, double>>(metrics, Numbers)!), null);
    }

    private static readonly JsonSerializerOptions Numbers = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };
}
