using YamlDotNet.RepresentationModel;

namespace RlLeap.Cli.Config;

/// <summary>Old keys of the configs of runs, and what became of them.</summary>
internal static class OldKeys
{
    private static readonly string[] Optimizer =
        ["learning-rate", "schedule", "alpha", "epsilon", "momentum", "weight-decay", "beta1", "beta2",
        "max-gradient-norm"];

    // In this order: what ends early stopping comes after what it would have looked at.
    private static readonly (string Old, string New)[] Names =
    [
        ("seed", "run.seed"), ("device", "run.device"),
        .. Agent("agent"), .. Agent("games.agent"), ("games.assembly", "assemblies"),
        ("method.loss", "method.loss-in-path"), ("method.last-step", "method.include-last-step"),
        ("method.fomaml-gradient", "method.gradient"), ("method.maml-inner-loss", "method.add-last-inner-loss"),
        ("meta.optimizer", "meta.optimizer.kind"), ("meta.learning-rate", "meta.optimizer.learning-rate"),
            ("meta.schedule", "meta.optimizer.schedule"),
        ("omniglot.gradient-steps", "omniglot.learner.gradient-steps"),
            ("omniglot.learning-rate", "omniglot.learner.optimizer.learning-rate"),
        ("omniglot.batch", "omniglot.task.batch-size"), ("omniglot.ink-corners", "omniglot.task.augmentation.corners"),
        ("multi-cv.batch", "multi-cv.batch-size"),
            ("multi-cv.learning-rate", "multi-cv.learner.optimizer.learning-rate"),
        ("multi-cv.epochs", "multi-cv.learner.epochs"), ("multi-cv.gradient-steps", "multi-cv.learner.gradient-steps"),
        ("multi-cv.look-every", "multi-cv.learner.stopping.every"),
            ("multi-cv.patience", "multi-cv.learner.stopping.patience"),
    ];

    private static (string, string)[] Agent(string section) =>
    [
        ($"{section}.unroll", $"{section}.rollout-length"), ($"{section}.reward-bound", $"{section}.reward-clip"),
            ($"{section}.optimizer", $"{section}.optimizer.kind"),
        .. Optimizer.Select(key => ($"{section}.{key}", $"{section}.optimizer.{key}")),
    ];

    /// <summary>The present name of a key.</summary>
    public static string Now(string key) =>
        Names.FirstOrDefault(name => name.Old == key
        && !name.New.StartsWith(name.Old + ".", StringComparison.Ordinal)).New ?? key;

    /// <summary>Moves old keys to where they belong now; the renamings, in words.</summary>
    /// <exception cref="ConfigException">A key is there under both names.</exception>
    public static IReadOnlyList<string> Rename(ConfigTree tree, YamlMappingNode root, Type config)
    {
        if (!config.IsAssignableTo(typeof(IRunConfig))) return [];
        var renamed = new List<string>();
        foreach (var section in new[] { "agent", "games.agent" })
            // A run's record had null for what was its preset's.
            if (ConfigTree.Find(root, section) is YamlMappingNode agent && agent.Children.ContainsKey("learning-rate"))
                foreach (var key in agent.Children.Where(child => ConfigReader.IsNull(child.Value))
                    .Select(child => child.Key).ToList()) agent.Children.Remove(key);
        if (ConfigTree.Find(root, "method.fomaml-gradient") is not null) KeepOwn(root);
        foreach (var (old, now) in Names)
        {
            // What is a section now was a word.
            if (now.StartsWith(old + ".", StringComparison.Ordinal)
                && ConfigTree.Find(root, old) is not YamlScalarNode) continue;
            if (ConfigTree.Take(root, old) is not { } value) continue;
            if (ConfigTree.Find(root, now) is YamlScalarNode twice)
                throw new ConfigException($"{tree.PlaceOf(value)}: key '{old}' is now '{now}', which "
                    + $"{tree.PlaceOf(twice)} has too; expected one of them");
            // Null said that the key was not in use.
            if (old is "games.assembly" or "multi-cv.gradient-steps" && ConfigReader.IsNull(value)) continue;
            var (path, what) = Translate(tree, now, value);
            tree.Put(root, path, what);
            // Where both were given, gradient steps counted.
            if (old == "multi-cv.gradient-steps") tree.Put(root, "multi-cv.learner.epochs", Word(tree, "0", value));
            renamed.Add($"{old} is now {path}");
        }
        return renamed;
    }

    private static (string Path, YamlNode Value) Translate(ConfigTree tree, string now, YamlNode value) =>
        (now, value) switch
        {
            ("multi-cv.learner.stopping.patience", YamlScalarNode { Value: "0" }) =>
                ("multi-cv.learner.stopping", Word(tree, "null", value)),
            ("omniglot.task.augmentation.corners", YamlScalarNode { Value: "true" }) => (now, Word(tree, "ink", value)),
            ("omniglot.task.augmentation.corners", YamlScalarNode { Value: "false" }) =>
                (now, Word(tree, "background", value)),
            ("assemblies", YamlScalarNode) => (now, tree.Like(new YamlSequenceNode(value), value)),
            _ => (now, value),
        };

    private static YamlScalarNode Word(ConfigTree tree, string word, YamlNode where) =>
        tree.Like(new YamlScalarNode(word) { Style = YamlDotNet.Core.ScalarStyle.Plain }, where);

    // A run's record had the switches of all methods; those of the others mean nothing.
    private static void KeepOwn(YamlMappingNode root)
    {
        string[] own = (ConfigTree.Find(root, "method.name") as YamlScalarNode)?.Value switch
        {
            "leap" => ["metric", "loss", "stabilizer", "last-step"],
            "reptile" => ["last-step"],
            "fomaml" => ["fomaml-gradient"],
            "maml" => ["maml-inner-loss"],
            _ => [],
        };
        foreach (var key in new[] { "metric", "loss", "stabilizer", "last-step", "fomaml-gradient",
            "maml-inner-loss" }.Except(own)) ConfigTree.Take(root, "method." + key);
    }
}
