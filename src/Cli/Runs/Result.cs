// result.json: what a run found. The one format that runs write and reports read.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RlLeap.Cli.Runs;

/// <summary>Everything that a finished run has to show.</summary>
/// <param name="Kind">What made it: "meta-train", "evaluate", "train".</param>
/// <param name="Curves">Learning curves on held-out (or single) tasks: one per task, method and seed.</param>
/// <param name="MetaCurves">What the meta-training itself recorded: one per task and quantity, over meta-steps.</param>
/// <param name="Measure">What the curves' values are: "episodic return", "training loss".</param>
/// <param name="Axis">What their steps are: "agent steps", "gradient steps".</param>
/// <param name="HigherIsBetter">False for losses and errors.</param>
/// <param name="Window">The curves are moving averages over this many points (episodes) when shown; 1 shows them
/// raw.</param>
/// <param name="Scales">Per task, the values that count as 0 and 1 when scores are normalized over tasks; absent: raw
/// values.</param>
/// <param name="Record">Facts worth keeping with the numbers: versions, machine, options resolved.</param>
public sealed record Result(
    string Kind, string Name, IReadOnlyList<Curve> Curves, IReadOnlyList<MetaCurve> MetaCurves,
    string Measure = "episodic return", string Axis = "agent steps", bool HigherIsBetter = true, int Window = 1,
    IReadOnlyDictionary<string, Scale>? Scales = null, IReadOnlyDictionary<string, string>? Record = null)
{
    /// <summary>
    /// The method that the run meta-trained with, as its curves name it; null where there was no meta-training.
    /// </summary>
    public string? Method { get; init; }

    /// <summary>Single numbers beside the curves: a final validation error, an area. May be null.</summary>
    public IReadOnlyList<Score>? Scores { get; init; }

    /// <summary>Accuracy on few-shot test episodes; null for other runs.</summary>
    public IReadOnlyList<EpisodeScore>? Episodes { get; init; }

    /// <summary>How one test episode lies in the embedding; null for other runs.</summary>
    public EmbeddingPicture? Embedding { get; init; }

    /// <summary>What a curve's values are means of: "the last 100 episodes"; null for as measured.</summary>
    public string? Smoothing { get; init; }

    /// <summary>SHA-256 of the run's config (of what decides results) and of its metrics, by file; null where it is not
    /// a run's own result.</summary>
    public IReadOnlyDictionary<string, string>? Sums { get; init; }

    /// <summary>Writes it, with a checksum.</summary>
    public void Save(string path) => SealedJson.Write(path, this, Json.Options);

    /// <exception cref="RlLeapException">The file is not there, is damaged, or is not a result.</exception>
    public static Result Load(string path)
    {
        try { return SealedJson.Read<Result>(path, Json.Strict); }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // A shell hands on a pattern that nothing matches as it stands.
            throw new RlLeapException(path.Contains('*') && Path.GetDirectoryName(path) is { } pattern
                ? $"no folder matches {pattern}."
                : $"{path} is not there: the run is not complete (see {Shell.Name} status), or it is no run.");
        }
        catch (JsonException e)
        {
            throw new RlLeapException($"{path} is not a result that this version reads ({e.Message.TrimEnd('.')}). "
                + $"Make it again with this version: {Shell.Name} meta-train, train or evaluate.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RlLeapException($"Cannot read {path}: {SystemErrors.Explain(e)}", e);
        }
    }
}

/// <summary>One learning process: value after each number of steps, in increasing order of steps.</summary>
/// <param name="Task">The task's id: "MinAtar/Breakout-v0".</param>
/// <param name="Method">Where learning started: "leap", "none".</param>
/// <param name="Steps">[T] positions on the axis (agent steps, or gradient steps).</param>
/// <param name="Values">[T] one per step: an episode's return at its end, or a loss.</param>
public sealed record Curve(string Task, string Method, long Seed, IReadOnlyList<long> Steps,
    IReadOnlyList<double> Values)
{
    /// <summary>
    /// The gradient step at which the learning process left the finite numbers: its last value then stands to the end.
    /// Null where it did not.
    /// </summary>
    public long? Diverged { get; init; }
}

/// <summary>Accuracy in percent over few-shot test episodes.</summary>
/// <param name="Data">What the episodes are from: "omniglot".</param>
/// <param name="Seed">The run's seed, which fixes the classes and the episodes.</param>
/// <param name="Way">Classes of an episode.</param>
/// <param name="Shot">Support images of a class.</param>
/// <param name="Query">Query images of a class.</param>
/// <param name="Count">Episodes.</param>
/// <param name="Accuracy">Mean over episodes, in percent.</param>
/// <param name="HalfWidth">Half of the 95 % interval over episodes.</param>
/// <param name="Transductive">Whether batch norm used the statistics of the queries.</param>
public sealed record EpisodeScore(
    string Data, string Method, long Seed, int Way, int Shot, int Query, int Count, double Accuracy, double HalfWidth,
    bool Transductive);

/// <summary>One episode in the plane of the two largest principal components of its features.</summary>
/// <param name="Classes">[way] names.</param>
/// <param name="Support">How many of the points, the first ones, are support images.</param>
/// <param name="Labels">[points] 0 .. way-1.</param>
/// <param name="X">[points].</param>
/// <param name="Y">[points].</param>
public sealed record EmbeddingPicture(
    IReadOnlyList<string> Classes, int Support, IReadOnlyList<int> Labels, IReadOnlyList<double> X,
    IReadOnlyList<double> Y);

/// <summary>One number about one learning process.</summary>
public sealed record Score(string Task, string Method, long Seed, string Quantity, double Value)
{
    /// <summary>The area under the curve of errors, which a report computes from the curve itself.</summary>
    public const string CurveArea = "AUC of error";
}

/// <summary>One quantity of the meta-training over meta-steps: path length, energy, mean return of a task.</summary>
public sealed record MetaCurve(string Task, string Quantity, IReadOnlyList<long> MetaSteps,
    IReadOnlyList<double> Values);

/// <summary>A score s is normalized as (s - Zero) / (One - Zero): random and human, or best known.</summary>
public sealed record Scale(double Zero, double One);

/// <summary>How all of the program's JSON is written: readable names, numbers that read back exactly.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.KebabCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // Read by programs, never pasted into a page unescaped
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>For reading what another version may have written: what is missing is an error, not null.</summary>
    public static readonly JsonSerializerOptions Strict =
        new(Options) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>For what others read: a number that is missing is null, in every language.</summary>
    public static readonly JsonSerializerOptions Shown =
        new(Options) { WriteIndented = true, NewLine = "\n", Converters = { new MissingIsNull() } };

    /// <summary>The same, laid out for people.</summary>
    public static readonly JsonSerializerOptions Readable = new(Options) { WriteIndented = true, NewLine = "\n" };
}

/// <summary>Writes NaN and infinities as null.</summary>
internal sealed class MissingIsNull : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value)) writer.WriteNumberValue(value);
        else writer.WriteNullValue();
    }
}
