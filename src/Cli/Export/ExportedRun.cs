using RlLeap.Agents;
using TorchSharp;

namespace RlLeap.Cli.Export;

/// <summary>A finished run as others get it.</summary>
internal abstract class ExportedRun : IDisposable
{
    /// <summary>The file of the parameters, and of the statistics beside them.</summary>
    public const string WeightsName = "weights.safetensors";

    /// <summary>The recorded episode.</summary>
    public const string EpisodeName = "episode.png";

    protected ExportedRun(string folder) => (Folder, Result) =
        (folder, Result.Load(Path.Combine(folder, RunDirectory.ResultName)));

    /// <summary>The run's folder.</summary>
    public string Folder { get; }

    /// <summary>What the run found.</summary>
    public Result Result { get; }

    /// <summary>What was learned, in evaluation mode.</summary>
    public abstract Model Model { get; }

    /// <summary>What it is, in a sentence.</summary>
    public abstract string Sentence { get; }

    /// <summary>Words that it is found by.</summary>
    public abstract IReadOnlyList<string> Tags { get; }

    /// <summary>The C# that brings it back.</summary>
    public abstract string Code { get; }

    /// <summary>What inputs and outputs mean, in sentences.</summary>
    public abstract string Meaning { get; }

    /// <summary>The name of the input in ONNX, and its element type.</summary>
    public virtual (string Name, torch.ScalarType Type) Input => ("input", torch.ScalarType.Float32);

    /// <summary>The name of a head's output in ONNX.</summary>
    public virtual string OutputOf(Head head) => head.Name;

    /// <summary>Plays with it, and records an episode where that can be done.</summary>
    /// <param name="folder">Where the recording goes.</param>
    /// <returns>Rows of a table of results: what was played, mean with interval, how many. Empty: it does not act.
    /// </returns>
    public virtual IReadOnlyList<(string What, string Mean, string Episodes)> Play(
        string folder, int episodes, CancellationToken cancellation) => [];

    /// <summary>The model as ONNX.</summary>
    /// <exception cref="RlLeapException">A layer cannot be written so.</exception>
    public OnnxGraph ToOnnx() => OnnxGraph.Of(Model, Input.Name, Input.Type, OutputOf);

    /// <summary>Opens a finished run.</summary>
    /// <exception cref="RlLeapException">There is no run, it is not finished, or it has nothing to export.</exception>
    public static ExportedRun Open(string folder)
    {
        RunDirectory.RequireComplete(folder, "there is nothing to export");
        RunChanges.RequireOwnConfig(folder);
        return ConfigFile.IsMetaTrain(folder) ? new ExportedInitialization(folder) : new ExportedAgent(folder);
    }

    public abstract void Dispose();

    /// <summary>The statement that makes an agent's options.</summary>
    protected static string OptionsCode(ActorCriticOptions options)
    {
        var preset = ActorCriticOptions.Presets.GetValueOrDefault(options.Preset) ?? new ActorCriticOptions();
        var name = preset.Preset == options.Preset ? $"ActorCriticOptions.Presets[{CSharpCode.Of(options.Preset)}]"
            : "new ActorCriticOptions()";
        var text = CSharpCode.With(options, preset, "preset");
        return text == "preset" ? $"var options = {name};" : $"var preset = {name};\nvar options = {text};";
    }

    /// <summary>How a reader registers what the run needs and RlLeap does not bring.</summary>
    protected static string Registration(IReadOnlyList<string> assemblies, IEnumerable<string> environments)
    {
        var lines = assemblies.SelectMany(path => new[] { "Registry", "Networks" }.Select(list =>
            $"{list}.Register(System.Reflection.Assembly.LoadFrom({CSharpCode.Of(Path.GetFileName(path))}));\n"));
        var python = environments.Any(id => id.StartsWith("gym:", StringComparison.Ordinal)
            || id.StartsWith("ALE/", StringComparison.Ordinal));
        return string.Concat(lines) + (python ? "RlLeap.Gymnasium.GymnasiumEnvironments.Register();\n" : "");
    }
}
