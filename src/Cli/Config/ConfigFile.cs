// Config files: YAML in, immutable option records out, every key checked; and back to YAML.
using RlLeap.Cli.MetaTraining;
using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Config;

/// <summary>Reads and writes configs: records whose properties are the keys (<see cref="OptionKey"/>).</summary>
/// <remarks>
/// A key may be a scalar (<see cref="ScalarText"/>), a record, a list or a dictionary of these. Records that the
/// library uses are bound as they are. <c>base: other.yaml</c> in a file names the file whose keys its own are laid
/// over.
/// </remarks>
public static class ConfigFile
{
    /// <summary>Reads <paramref name="path"/> with <c>a.b=value</c> on top, each checked as in the file.</summary>
    /// <exception cref="ConfigException">The first thing wrong: where, what, and what was expected.</exception>
    public static T Load<T>(string path, params IEnumerable<string> overrides) where T : class
    {
        var tree = ConfigTree.Load(path, typeof(T));
        if (MistakenFor(typeof(T), tree) is var (asked, other))
            throw new ConfigException($"{path}: this is a config of {other}; what is asked for needs one of {asked}. "
                + $"Run it by: {Shell.Name} {other} {(other == "train" ? "--config " : "")}{path}");
        return Bind<T>(tree, overrides);
    }

    /// <summary>As <see cref="Load"/>, from text; <paramref name="name"/> stands for the file in errors.</summary>
    public static T Parse<T>(string text, string name, params IEnumerable<string> overrides) where T : class =>
        Bind<T>(ConfigTree.Parse(text, name, typeof(T)), overrides);

    /// <summary>Reads the config that the folder of a run holds.</summary>
    /// <exception cref="RlLeapException">The folder holds no run, or one of the other command.</exception>
    public static T LoadRun<T>(string folder, params IEnumerable<string> overrides) where T : class
    {
        var tree = ConfigTree.Load(RunDirectory.ConfigOf(folder), typeof(T));
        if (MistakenFor(typeof(T), tree) is var (asked, other))
            throw new RlLeapException($"{folder} is a run of {other}; what is asked for needs a run of {asked}. "
                + $"Go on with it by: {Shell.Name} {other} --resume {folder}");
        return Bind<T>(tree, overrides);
    }

    /// <summary>Whether the run in a folder is one of meta-train.</summary>
    /// <exception cref="RlLeapException">The folder holds no run.</exception>
    public static bool IsMetaTrain(string folder) => File.ReadLines(RunDirectory.ConfigOf(folder))
        .Any(line => line.StartsWith("suite:", StringComparison.Ordinal));

    /// <summary>A record as YAML with every key; reads back to an equal one. Equal records, equal texts.</summary>
    /// <param name="documented">Whether each key's documentation stands above it.</param>
    public static string ToYaml(object config, bool documented = false) => ConfigWriter.Write(config, documented);

    /// <summary>The same in one line, for records and names of kept files: "{name: leap, metric: energy}".</summary>
    public static string ToLine(object config) => ConfigWriter.Line(config);

    // The commands that take a file, and the keys by which a file tells which one it is for.
    private sealed record CommandConfig(string Name, Type Type, string[] Telling);

    private static readonly CommandConfig[] Commands =
    [
        new("grid", typeof(GridConfig), ["command", "axes", "search"]),
        new("meta-train", typeof(MetaTrainConfig), ["suite"]),
        new("train", typeof(TrainConfig), ["environment"]),
    ];

    // The command that reads such a record, and the one that the file is for; null where they are the same, or where
    // the file does not tell.
    private static (string Asked, string Other)? MistakenFor(Type type, ConfigTree tree)
    {
        return Array.Find(Commands, command => command.Type == type) is { } asked && !IsFor(asked)
            && Array.Find(Commands, IsFor) is { } other ? (asked.Name, other.Name) : null;

        bool IsFor(CommandConfig command) => command.Telling.Any(tree.Has);
    }

    private static T Bind<T>(ConfigTree tree, IEnumerable<string> overrides) where T : class
    {
        tree.Set(overrides);
        // What a user's own assemblies bring can be named by any key.
        if (typeof(T).IsAssignableTo(typeof(IRunConfig)) && tree.Find("assemblies") is YamlSequenceNode list)
            foreach (var assembly in list.Children.OfType<YamlScalarNode>()) Plugins.Load(assembly.Value ?? "");
        var config = (T)new ConfigReader(tree).Section(typeof(T), tree.Root, "", null);
        if (config is not IRunConfig run || run.Settle(tree.Has).ToList() is not { Count: > 0 } settled) return config;
        tree.Set(settled);
        return (T)new ConfigReader(tree).Section(typeof(T), tree.Root, "", null);
    }
}

/// <summary>The config of a run.</summary>
internal interface IRunConfig
{
    /// <summary>Assemblies (.dll) with environments, networks and methods of a user's own.</summary>
    IReadOnlyList<string> Assemblies { get; }

    /// <summary>Keys that follow from others, each as key=value: what "auto" stands for here.</summary>
    /// <param name="given">Whether a key stands in the file or was set.</param>
    IEnumerable<string> Settle(Func<string, bool> given);
}

/// <summary>A config section with rules that span several keys.</summary>
public interface ICheckedConfig
{
    /// <summary>Each broken rule: the key to point at, within this section, and what is expected.</summary>
    IEnumerable<(string Key, string Expected)> Check();
}

/// <summary>A config file that is not as it should be: file, line, key, what was found and what was expected.</summary>
public sealed class ConfigException(string message) : RlLeapException(message);
