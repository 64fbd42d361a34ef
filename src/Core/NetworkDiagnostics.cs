using System.Runtime.CompilerServices;

namespace RlLeap;

/// <summary>What the units of one hidden layer do on a batch of inputs.</summary>
/// <param name="Name">The layer: "conv1", "dense".</param>
/// <param name="Units">How many units it has; a unit of a convolution is a filter.</param>
/// <param name="Dormant">Share of the units that are active on less than 1 % of the inputs, in 0 .. 1.</param>
/// <param name="LowScore">Share of the units whose score is at most <see cref="NetworkDiagnostics.ScoreThreshold"/>, in
/// 0 .. 1.</param>
public sealed record LayerDiagnosis(string Name, long Units, double Dormant, double LowScore);

/// <summary>A network's state on a batch: dormant units, directions that features use, growth of weights.</summary>
/// <param name="Layers">One entry for each hidden layer, first to last.</param>
/// <param name="EffectiveRank">Effective rank of the features (<see cref="NetworkDiagnostics.EffectiveRank"/>).</param>
/// <param name="RelativeNorms">For each layer with weights, the norm of these divided by the norm of freshly drawn
/// ones.</param>
public sealed record NetworkDiagnosis(
    IReadOnlyList<LayerDiagnosis> Layers,
    double EffectiveRank,
    IReadOnlyList<(string Layer, double Ratio)> RelativeNorms)
{
    /// <summary>The share of dormant units from which on a layer counts as collapsed.</summary>
    public const double Alarm = 0.5;

    /// <summary>The layer with most dormant units, where they are more than <see cref="Alarm"/>; else null.</summary>
    public LayerDiagnosis? Collapsed => Layers.Where(layer => layer.Dormant > Alarm).MaxBy(layer => layer.Dormant);

    /// <summary>All numbers by name, in a fixed order: "dense.dormant", "rank", "dense.relative_norm".</summary>
    public IEnumerable<(string Name, double Value)> Metrics =>
    [
        .. Layers.SelectMany(layer => new[]
        {
            (layer.Name + NetworkDiagnostics.DormantSuffix, layer.Dormant), (layer.Name + ".low_score", layer.LowScore),
        }),
        ("rank", EffectiveRank),
        .. RelativeNorms.Select(norm => (norm.Layer + ".relative_norm", norm.Ratio)),
    ];
}

/// <summary>Measures whether a network still learns: dormant units, its features' rank, its layers' norms.</summary>
/// <remarks>
/// A unit is active on an input when its output is not zero there; a filter, when its output is not zero somewhere in
/// its map.
/// docs/diagnosis.md says what each number means and what to do.
/// </remarks>
public static class NetworkDiagnostics
{
    /// <summary>A unit that is active on a smaller share of the inputs than this is dormant.</summary>
    public const double ActiveShare = 0.01;

    /// <summary>The score below which a unit counts in <see cref="LayerDiagnosis.LowScore"/>: tau.</summary>
    public const double ScoreThreshold = 0.1;

    /// <summary>What the name of a share of dormant units ends with in <see
    /// cref="NetworkDiagnosis.Metrics"/>.</summary>
    public const string DormantSuffix = ".dormant";

    /// <summary>Measures <paramref name="model"/> on inputs: one forward pass, which changes nothing.</summary>
    /// <param name="model">The network at its parameters. It is passed in its own mode; its buffers are as before
    /// afterwards.</param>
    /// <param name="inputs">[N, input...], as the network reads them.</param>
    /// <param name="freshNorms">What <see cref="WeightNorms"/> gave for freshly drawn weights; null leaves the relative
    /// norms out.</param>
    public static NetworkDiagnosis Of(
        Model model, Tensor inputs, IReadOnlyList<(string Layer, double Norm)>? freshNorms = null)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (units, features) = Captured(model, inputs);
        var names = LayerNames(model.Network);
        var layers = units.Select(layer => new LayerDiagnosis(
            names[layer.Key], layer.Value.shape[1], DormantShare(layer.Value), LowScoreShare(layer.Value))).ToList();
        var norms = freshNorms is null ? [] : WeightNorms(model)
            .Zip(freshNorms, (now, fresh) => (now.Layer, fresh.Norm > 0 ? now.Norm / fresh.Norm : double.NaN)).ToList();
        return new NetworkDiagnosis(layers, EffectiveRank(features), norms);
    }

    /// <summary>The share of the units that are active on less than 1 % of the inputs.</summary>
    /// <param name="units">[N, units] outputs of a layer, or [N, filters, H, W].</param>
    public static double DormantShare(Tensor units)
    {
        using var scope = NewDisposeScope();
        using Scalar zero = 0, least = ActiveShare;
        var active = Maps(units).ne(zero).any(2).to_type(ScalarType.Float64).mean([0L]); // [units]
        return Share(active.lt(least));
    }

    /// <summary>The share of the units whose score is at most <see cref="ScoreThreshold"/>.</summary>
    /// <param name="units">[N, units] outputs of a layer, or [N, filters, H, W].</param>
    public static double LowScoreShare(Tensor units)
    {
        using var scope = NewDisposeScope();
        using Scalar threshold = ScoreThreshold;
        return Share(Scores(units).le(threshold));
    }

    /// <summary>Every unit's mean absolute output over the inputs, over the mean of that in its layer.</summary>
    /// <remarks>Sokar et al. 2023 (arXiv 2302.12902), definition 3.1. Where all outputs are zero all scores are
    /// zero.</remarks>
    /// <param name="units">[N, units] outputs of a layer, or [N, filters, H, W].</param>
    /// <returns>[units], not negative; the caller's dispose scope owns it.</returns>
    public static Tensor Scores(Tensor units)
    {
        using var scope = NewDisposeScope();
        var means = Maps(units).to_type(ScalarType.Float64).abs().mean([0L, 2L]);
        var all = means.mean();
        return (all.item<double>() > 0 ? means / all : zeros_like(means)).MoveToOuterDisposeScope();
    }

    /// <summary>Directions that hold 99 % of the features: the fewest singular values with 99 % of the sum.</summary>
    /// <remarks>Kumar et al. 2021 (arXiv 2010.14498), with delta 0.01. At most the number of inputs and of features; 0
    /// where all are zero, NaN where one is not finite.</remarks>
    /// <param name="features">[N, features].</param>
    public static double EffectiveRank(Tensor features)
    {
        using var scope = NewDisposeScope();
        if (!features.isfinite().all().item<bool>()) return double.NaN;
        var values = linalg.svdvals(features.to_type(ScalarType.Float64).cpu()).data<double>().ToArray();
        var (sum, part, rank) = (values.Sum(), 0.0, 0);
        while (sum > 0 && rank < values.Length && part < 0.99 * sum * (1 - 1e-12)) part += values[rank++];
        return rank;
    }

    /// <summary>The Euclidean norms of the encoder's weights (two axes or more), by their layer.</summary>
    public static IReadOnlyList<(string Layer, double Norm)> WeightNorms(Model model)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return [.. Weights(model.Network).Select(i => (LayerOf(model.Network.Parameters[i]),
            model.Parameters.Views[i].detach().to_type(ScalarType.Float64).norm().item<double>()))];
    }

    /// <summary>The norms that the weights of <paramref name="model"/>'s network have when they are drawn afresh; null
    /// where that cannot be told (modules).</summary>
    internal static IReadOnlyList<(string Layer, double Norm)>? FreshNorms(Model model)
    {
        if (!model.Network.IsFunctional) return null;
        return Fresh.GetValue(model.Network, static network =>
        {
            // The vectors are disposed, not the model: it would take the network along, which belongs to the other
            // model.
            var drawn = new Model(network, []);
            using var parameters = drawn.Parameters;
            using var buffers = drawn.Buffers;
            drawn.Initialize(new Rng(0)); // norms hardly depend on the draw
            return WeightNorms(drawn);
        });
    }

    /// <summary>The layer with the largest share of dormant units, where that is more than half; else null.</summary>
    /// <param name="metrics">Numbers by the names of <see cref="NetworkDiagnosis.Metrics"/>, each after <paramref
    /// name="prefix"/>.</param>
    /// <param name="prefix">"start." for the numbers about where learning started (<see
    /// cref="TrainingDiagnosis"/>).</param>
    public static string? Worst(IReadOnlyDictionary<string, double> metrics, string prefix = "")
    {
        var (name, share) = metrics.Where(m => m.Key.StartsWith(prefix, StringComparison.Ordinal)
                && m.Key.EndsWith(DormantSuffix, StringComparison.Ordinal))
            .DefaultIfEmpty(new("", double.NaN)).MaxBy(m => m.Value);
        return share > NetworkDiagnosis.Alarm ? name[prefix.Length..^DormantSuffix.Length] : null;
    }

    /// <summary>What to say where <see cref="Worst"/> names a layer, and what helps; null where it does not.</summary>
    /// <param name="metrics">As for <see cref="Worst"/>.</param>
    /// <param name="prefix">As for <see cref="Worst"/>.</param>
    public static string? Warning(IReadOnlyDictionary<string, double> metrics, string prefix = "")
    {
        if (Worst(metrics, prefix) is not { } layer) return null;
        var (share, rank) = (100 * metrics[prefix + layer + DormantSuffix], metrics[prefix + "rank"]);
        return FormattableString.Invariant($"{share:0} % of the units of layer {layer} are dormant, ")
            + FormattableString.Invariant($"and the features have an effective rank of {rank:0}. ") + Advice;
    }

    /// <summary>What helps where a layer is dormant.</summary>
    public const string Advice = "What helps: a lower learning rate, and layer-norm: true in the agent's section "
        + "where it is not on yet (docs/diagnosis.md).";

    private static readonly ConditionalWeakTable<Network, IReadOnlyList<(string Layer, double Norm)>> Fresh = [];

    private static IEnumerable<int> Weights(Network network) =>
        Enumerable.Range(0, network.Parameters.Count).Where(i => network.Parameters[i].Shape.Length >= 2);

    private static string LayerOf(ParameterInfo weight) =>
        weight.Name.EndsWith(".weight", StringComparison.Ordinal) ? weight.Name[..^".weight".Length] : weight.Name;

    // Hidden layers are called by their weights, where each has one.
    private static string[] LayerNames(Network network)
    {
        string[] weights = [.. Weights(network).Select(i => network.Parameters[i])
            .Where(entry => entry.Role != ParameterRole.Meta).Select(LayerOf)];
        return weights.Length == network.HiddenUnits.Count ? weights
            : [.. network.HiddenUnits.Select((_, layer) => $"layer{layer + 1}")];
    }

    // The outputs of all hidden layers and the features. What a pass in training mode does to the buffers is undone.
    private static (SortedDictionary<int, Tensor> Units, Tensor Features) Captured(Model model, Tensor inputs)
    {
        var (hooks, units) = (model.Hooks, new SortedDictionary<int, Tensor>());
        var buffers = model.Buffers.Layout.Count > 0 ? model.Buffers.Flat.detach().clone() : null;
        model.Hooks = new LayerHooks(hooks?.PreActivation, (layer, value) =>
        {
            var handed = hooks?.Units?.Invoke(layer, value) ?? value;
            return units[layer] = handed;
        });
        try { return (units, model.Features(inputs).flatten(1)); }
        finally
        {
            model.Hooks = hooks;
            if (buffers is not null) model.Buffers.Flat.copy_(buffers);
        }
    }

    // [N, units, places]
    private static Tensor Maps(Tensor units) => units.dim() > 2 ? units.flatten(2) : units.unsqueeze(2);

    private static double Share(Tensor flags) => flags.to_type(ScalarType.Float64).mean().item<double>();
}
