// A task to be trained somewhere, as a file; what it refers to lies beside it.
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RlLeap.Cli.Slurm;

/// <summary>A file that a specification refers to: its name in the folder, the SHA-256 of its content.</summary>
public sealed record FileReference(string Name, string Sha256)
{
    /// <summary>
    /// Writes a file with <paramref name="write"/> and refers to it. One that is there with the same content stays
    /// untouched: somebody may be reading it.
    /// </summary>
    public static FileReference Put(string folder, string name, Action<string> write)
    {
        var (path, next) = (Path.Combine(folder, name), Path.Combine(folder, name + ".new"));
        write(next);
        var sum = FileHash.Of(next);
        if (File.Exists(path) && FileHash.Of(path) == sum) File.Delete(next);
        else File.Move(next, path, overwrite: true);
        return new(name, sum);
    }

    /// <summary>Full path, once the content is known to be what was referred to.</summary>
    /// <exception cref="RlLeapException">It is missing or has changed.</exception>
    public string In(string folder)
    {
        var path = Path.Combine(folder, Name);
        if (!File.Exists(path)) throw new RlLeapException($"{path} is missing: a task's specification and what it "
            + "refers to belong into one folder that its node can read.");
        if (FileHash.Of(path) != Sha256)
            throw new RlLeapException($"{path} is not what the task's specification refers to (SHA-256 "
                + $"{Sha256}): it is damaged, or another run wrote it.");
        return path;
    }
}

/// <summary>One learning process of an evaluation: a task, a seed, and the name of where it starts.</summary>
public sealed record EvaluationWork(string TaskId, long Seed, string From);

/// <summary>What `rlleap task` does: a meta-step's <see cref="Work"/>, or an <see cref="Evaluation"/>'s.</summary>
/// <remarks>
/// With the files that it refers to it is all that the result depends on; the SHA-256 of its text is the hash of the
/// input that the result carries.
/// </remarks>
public sealed record TaskSpec
{
    /// <summary>The run's config: suite, network, device.</summary>
    public required FileReference Config { get; init; }
    /// <summary>Where learning starts: what a meta-learner saved; null for random initialization.</summary>
    public FileReference? Start { get; init; }
    /// <summary>The config of the run that <see cref="Start"/> comes from, for an evaluation.</summary>
    public FileReference? StartConfig { get; init; }
    /// <summary>A training inside a meta-step.</summary>
    public TaskJob? Work { get; init; }
    /// <summary>A learning process of an evaluation.</summary>
    public EvaluationWork? Evaluation { get; init; }

    /// <summary>A user's assemblies that it needs; null for none.</summary>
    public IReadOnlyList<string>? Assemblies { get; init; } = Plugins.Loaded is { Count: > 0 } loaded ? loaded : null;

    /// <summary>A name for people.</summary>
    [JsonIgnore]
    public string Label => Work?.Label ?? $"{Evaluation!.TaskId} from {Evaluation.From}, seed {Evaluation.Seed}";

    /// <summary>Writes it, unless it is there already, and returns the hash of the input.</summary>
    public string Save(string path) =>
        FileReference.Put(Path.GetDirectoryName(path)!, Path.GetFileName(path),
            next => AtomicFile.WriteAllText(next, JsonSerializer.Serialize(this, Methods.Json) + "\n")).Sha256;

    /// <summary>Reads what <see cref="Save"/> wrote, with the hash of the input.</summary>
    /// <exception cref="RlLeapException">The file is missing or not a task's specification.</exception>
    public static (TaskSpec Spec, string Input) Load(string specPath)
    {
        try
        {
            var bytes = File.ReadAllBytes(specPath);
            // Before the method is read, which may be in one
            foreach (var path in JsonSerializer.Deserialize<Needs>(bytes)?.Assemblies ?? []) Plugins.Load(path);
            var spec = JsonSerializer.Deserialize<TaskSpec>(bytes, Methods.Json)
                ?? throw new JsonException("it is empty.");
            if (spec.Work is null == spec.Evaluation is null)
                throw new JsonException("it must hold either Work or Evaluation.");
            return (spec, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or IOException
            or UnauthorizedAccessException)
        {
            throw new RlLeapException($"Cannot read the task's specification {specPath}: {e.Message}", e);
        }
    }

    private sealed record Needs(IReadOnlyList<string>? Assemblies);
}
