using System.CommandLine;
using RlLeap.Cli.Export;

namespace RlLeap.Cli.Commands;

/// <summary>Writes a folder for sharing: weights, ONNX, config, model card, a recorded episode.</summary>
public static class ExportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "Folder of a finished run of train or meta-train." };
        var output = new Option<string>("--output", "-o")
        { Description = "Folder to make, new or empty.", HelpName = "FOLDER", Required = true };
        var episodes = CheckedOption.Number<int>("--episodes",
            "Episodes that an agent plays for the model card, drawn and greedy each; left out: 20.", min: 2, max: 1e6);
        var plain = new Option<bool>("--no-onnx")
        { Description = "Leave model.onnx out: for a network that does not say how it is written as ONNX." };
        var command = new Command("export", "A finished run as a folder for sharing: weights, ONNX, model card.")
            { run, output, episodes, plain, Plugins.Option() };
        command.SetAction((parsed, stop) =>
        {
            var folder = parsed.GetRequiredValue(output);
            var files = RunExport.Write(parsed.GetRequiredValue(run), folder, parsed.GetValue(episodes) ?? 20,
                !parsed.GetValue(plain), stop);
            Console.WriteLine($"Written to {folder}: {string.Join(", ", files)}");
            return Task.FromResult(0);
        });
        return command;
    }
}
