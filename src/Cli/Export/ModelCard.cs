// README.md of an exported folder: what it is, what it reached, how to load it, where it comes from.
using System.Text;
using RlLeap.Cli.Reports;
using TorchSharp;

namespace RlLeap.Cli.Export;

/// <summary>The model card, in Markdown with the front matter that model hubs read.</summary>
internal static class ModelCard
{
    /// <summary>Its text.</summary>
    /// <param name="folder">Where the other files already are.</param>
    /// <param name="played">Rows that <see cref="ExportedRun.Play"/> gave.</param>
    public static string Write(ExportedRun run, string folder,
        IReadOnlyList<(string What, string Mean, string Episodes)> played)
    {
        var onnx = File.Exists(Path.Combine(folder, RunExport.OnnxName));
        var text = new StringBuilder("---\nlibrary_name: rlleap\ntags:\n");
        foreach (var tag in run.Tags.Concat(onnx ? ["safetensors", "onnx"] : ["safetensors"]))
            text.Append($"- \"{tag}\"\n");
        text.Append($"---\n\n# {run.Result.Name}\n\n{run.Sentence}\n\n");
        if (File.Exists(Path.Combine(folder, ExportedRun.EpisodeName)))
            text.Append($"![An episode]({ExportedRun.EpisodeName})\n\n"
                + "*An episode, actions drawn from the policy.*\n\n");
        Results(text, run, played);
        text.Append($"## Load it in C#\n\nWith the RlLeap packages, in this folder:\n\n```csharp\n{run.Code}\n```\n\n"
            + $"{run.Meaning.Trim()}\n\n");
        if (onnx) Onnx(text, run);
        Origin(text, run, folder);
        return text.ToString();
    }

    private static void Results(StringBuilder text, ExportedRun run,
        IReadOnlyList<(string What, string Mean, string Episodes)> played)
    {
        text.Append("## Results\n\n");
        if (played.Count > 0)
        {
            Table(text, ["actions", "mean return", "episodes"],
                played.Select(row => (IReadOnlyList<string>)[row.What, row.Mean, row.Episodes]));
            text.Append("\nPlayed without learning when this was exported, with seeds of their own. In brackets "
                + "Student's 95 % interval over episodes. It is one training run: other seeds may end elsewhere.\n\n");
        }
        var result = run.Result;
        if (result.Curves.All(curve => curve.Steps.Count == 0) && result.Episodes is not { Count: > 0 }) return;
        foreach (var table in ReportTables.Of(
            Report.Of([(result.Name, result)], new Rng(0).Split("report")), @long: false))
        {
            text.Append($"### {table.Title}\n\n");
            Table(text, table.Columns, table.Rows);
            text.Append($"\n{table.Caption}\n\n");
        }
    }

    private static void Onnx(StringBuilder text, ExportedRun run)
    {
        var (input, type) = run.Input;
        var numpy = type == torch.ScalarType.Byte ? "uint8" : "float32";
        text.Append($"## Run it anywhere\n\n`{RunExport.OnnxName}` is the same function as ONNX. N, the batch, is "
            + "free:\n\n");
        var outputs = run.Model.Heads.Count == 0 ? [("features", run.Model.Network.Features)]
            : run.Model.Heads.Select(head => (run.OutputOf(head), head.Size));
        Table(text, ["name", "shape", "type"],
            [[$"in: `{input}`", $"[N, {string.Join(", ", run.Model.Network.InputShape)}]", numpy],
             .. outputs.Select(o => (IReadOnlyList<string>)[$"out: `{o.Item1}`", $"[N, {o.Item2}]", "float32"])]);
        text.Append($"\n```python\nimport numpy, onnxruntime\nsession = onnxruntime.InferenceSession(\""
            + $"{RunExport.OnnxName}\")\ninputs = numpy.zeros([1, {string.Join(", ", run.Model.Network.InputShape)}], "
            + $"numpy.{numpy})\nprint(session.run(None, {{\"{input}\": inputs}}))\n```\n\n");
    }

    private static void Origin(StringBuilder text, ExportedRun run, string folder)
    {
        text.Append("## Where it comes from\n\n`config.yaml` is the whole configuration of the run; `result.json` is "
            + "what it found, with its curves. RlLeap repeats it from the config and its seed. Facts of the run:\n\n");
        var facts = new SortedDictionary<string, string>(
            (run.Result.Record ?? new Dictionary<string, string>()).ToDictionary(StringComparer.Ordinal),
            StringComparer.Ordinal)
        {
            ["exported with"] = "RlLeap " + ProgramVersion.Text,
            [$"SHA-256 of {ExportedRun.WeightsName}"] = FileHash.Of(Path.Combine(folder, ExportedRun.WeightsName)),
        };
        foreach (var (file, sum) in run.Result.Sums ?? new Dictionary<string, string>())
            facts[$"SHA-256 of the run's {file}"] = sum;
        Table(text, ["fact", "value"], facts.Select(fact => (IReadOnlyList<string>)[fact.Key, fact.Value]));
        text.Append("\nAdd a licence before you publish it.\n");
    }

    private static void Table(
        StringBuilder text, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Row(columns);
        Row([.. columns.Select(_ => "---")]);
        foreach (var row in rows) Row(row);

        void Row(IReadOnlyList<string> cells) => text.Append($"| {string.Join(" | ", cells.Select(cell =>
            cell.Replace("|", "\\|").ReplaceLineEndings(" ")))} |\n");
    }
}
