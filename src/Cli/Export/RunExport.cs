using TorchSharp;

namespace RlLeap.Cli.Export;

/// <summary>Writes what was learned into a new folder.</summary>
internal static class RunExport
{
    /// <summary>The network as ONNX.</summary>
    public const string OnnxName = "model.onnx";

    /// <summary>The model card.</summary>
    public const string CardName = "README.md";

    /// <summary>Exports a run.</summary>
    /// <param name="output">The folder to make; it may be there where it is empty.</param>
    /// <param name="episodes">Episodes an agent plays for the model card.</param>
    /// <param name="onnx">Whether <see cref="OnnxName"/> is written.</param>
    /// <param name="cancellation">Asks to leave; nothing is then left.</param>
    /// <exception cref="RlLeapException">The run is not finished or cannot be exported, or the folder is not empty.
    /// </exception>
    public static IReadOnlyList<string> Write(
        string run, string output, int episodes, bool onnx, CancellationToken cancellation)
    {
        output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output));
        RequireEmpty(output);
        using var exported = ExportedRun.Open(run);
        var graph = onnx ? exported.ToOnnx() : null; // before anything is written or played
        var parts = $"{output}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(parts);
            Fill(exported, graph, parts, episodes, cancellation);
            RequireEmpty(output);
            if (Directory.Exists(output)) Directory.Delete(output);
            Directory.Move(parts, output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !SystemErrors.IsDiskFull(e))
        {
            throw new RlLeapException($"{output} cannot be written: {SystemErrors.Explain(e)}", e);
        }
        finally
        {
            if (Directory.Exists(parts)) Directory.Delete(parts, recursive: true);
        }
        return [.. Directory.GetFiles(output).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
    }

    private static void Fill(
        ExportedRun run, OnnxGraph? graph, string folder, int episodes, CancellationToken cancellation)
    {
        using (var scope = torch.NewDisposeScope())
            SafeTensors.Write(Path.Combine(folder, ExportedRun.WeightsName),
                run.Model.Export().Select(tensor => KeyValuePair.Create(tensor.Name, tensor.Value)),
                new Dictionary<string, string>
                {
                    ["network"] = run.Model.Network.Name, ["rlleap"] = ProgramVersion.Text,
                });
        graph?.Save(Path.Combine(folder, OnnxName), new Dictionary<string, string>
        {
            ["run"] = run.Result.Name, ["description"] = run.Sentence, ["meaning"] = run.Meaning,
        });
        foreach (var name in new[] { RunDirectory.ConfigName, RunDirectory.ResultName })
            File.Copy(Path.Combine(run.Folder, name), Path.Combine(folder, name));
        var played = run.Play(folder, episodes, cancellation);
        AtomicFile.WriteAllText(Path.Combine(folder, CardName), ModelCard.Write(run, folder, played));
    }

    private static void RequireEmpty(string output)
    {
        if (File.Exists(output))
            throw new RlLeapException($"{output} is a file: name a new folder with --output.");
        if (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any())
            throw new RlLeapException($"{output} is not empty, and nothing is overwritten: name a new folder with "
                + "--output.");
    }
}
