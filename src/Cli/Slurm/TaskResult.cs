using System.Text.Json;
using RlLeap.Cli.MetaTraining;
using TorchSharp;

namespace RlLeap.Cli.Slurm;

/// <summary>How a task ended: outcome, curve or error. A safetensors file; its notes hold all but tensors.</summary>
/// <param name="Input">Hash of the input that it is the result of.</param>
/// <param name="Error">Why there is no result, in words; null when there is one.</param>
/// <param name="IsFinal">Whether the error would come again: something to mend, not a node's bad day.</param>
public sealed record TaskResult(string Input, string Node, string? Error, bool IsFinal)
{
    /// <summary>The curve and scores of an evaluation.</summary>
    public Evaluation.Finished? Finished { get; private init; }

    private const string InputNote = "input", NodeNote = "node", ErrorNote = "error", FinalNote = "error-is-final",
        FinishedNote = "finished", JobNote = "job";

    /// <summary>
    /// Writes a training's outcome (readable by <see cref="TaskOutcome.Load"/>). Here and below the first result stays:
    /// where another attempt has written one, nothing is.
    /// </summary>
    public static void Save(string path, string input, TaskOutcome outcome)
    {
        if (!IsThere(path, input)) outcome.Save(path, Notes(input));
    }

    /// <summary>Writes a learning curve.</summary>
    public static void Save(string path, string input, Evaluation.Finished finished) =>
        Write(path, input, (FinishedNote, JsonSerializer.Serialize(finished, Json.Options)));

    /// <summary>Writes an error.</summary>
    public static void Save(string path, string input, Exception error) => Write(path, input,
        (ErrorNote, Shell.Message(error) ?? error.ToString()), (FinalNote, error is RlLeapException ? "yes" : "no"));

    /// <summary>Whether a file holds a result of an input, and no error.</summary>
    public static bool IsThere(string path, string input) => Find(path, input) is { Error: null };

    /// <summary>The result in a file; null where there is none, a damaged one, or one of another input.</summary>
    public static TaskResult? Find(string path, string input)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using var scope = torch.NewDisposeScope();
            var notes = SafeTensors.Read(path).Notes;
            if (notes.GetValueOrDefault(InputNote) != input) return null;
            return new TaskResult(input, notes.GetValueOrDefault(NodeNote, "?"), notes.GetValueOrDefault(ErrorNote),
                notes.GetValueOrDefault(FinalNote) == "yes")
            {
                Finished = notes.TryGetValue(FinishedNote, out var finished)
                        ? JsonSerializer.Deserialize<Evaluation.Finished>(finished, Json.Options) : null,
            };
        }
        catch (Exception e) when (e is RlLeapException or IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static Dictionary<string, string> Notes(string input) => new()
    {
        [InputNote] = input, [NodeNote] = Environment.GetEnvironmentVariable("SLURMD_NODENAME")
            ?? Environment.MachineName,
        [JobNote] = $"{Environment.GetEnvironmentVariable("SLURM_JOB_ID") ?? "none"}, restart "
            + $"{Environment.GetEnvironmentVariable("SLURM_RESTART_COUNT") ?? "0"}, process {Environment.ProcessId}",
    };

    private static void Write(string path, string input, params IEnumerable<(string Note, string Text)> more)
    {
        if (IsThere(path, input)) return;
        var notes = Notes(input);
        foreach (var (note, text) in more) notes[note] = text;
        SafeTensors.Write(path, [], notes);
    }
}
