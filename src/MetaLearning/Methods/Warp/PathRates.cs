namespace RlLeap.MetaLearning;

/// <summary>Step sizes of layers, learned from what training computes: no further pass.</summary>
/// <remarks>
/// A layer l learns at its rate times exp(r_l), and r_l is a meta parameter "rate.LAYER" [1], 0 at the start. With the
/// displacement d = theta_(k+1) - theta_k of one step, whose direction is taken as given,
/// <code>
/// d f(theta_(k+1)) / d r_l  =  grad_l f(theta_(k+1)) . d_l
/// </code>
/// which is summed over the path. For SGD that is a dot product of consecutive gradients (Baydin et al. 2018, arXiv
/// 1703.04782); for other rules that of a gradient with the step before it. Layers are those of the network; heads have
/// none.
/// </remarks>
internal static class PathRates
{
    private const string Prefix = "rate.";

    /// <summary>The network with a rate for each of its layers.</summary>
    public static Network In(Network network) => new MetaStateNetwork(network, "rates", network.Parameters
        .Where(entry => entry is { Shared: true, Role: ParameterRole.Adapted })
        .Select(entry => LayerOf(entry.Name)).Distinct().Select(layer => new ParameterInfo(Prefix + layer, [1])));

    /// <summary>Whether an entry is a rate.</summary>
    public static bool Is(ParameterInfo entry) => entry.Name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>What the rate of an entry is multiplied with, as a model has learned it.</summary>
    public static Func<ParameterInfo, double> Factors(ParameterVector parameters)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var factors = parameters.Layout.Entries.Where(Is).ToDictionary(
            entry => entry.Name[Prefix.Length..], entry =>
                Math.Exp(parameters[entry.Name].detach().to_type(ScalarType.Float64).item<double>()));
        return entry => factors.GetValueOrDefault(LayerOf(entry.Name), 1);
    }

    /// <summary>The rates of a layout, each with the entries of its layer: places in the flat vector.</summary>
    public static IReadOnlyList<(long Rate, IReadOnlyList<ParameterGroup> Layer)> Of(ParameterLayout layout) =>
        [.. Enumerable.Range(0, layout.Entries.Count).Where(i => Is(layout.Entries[i])).Select(i => (layout.Offsets[i],
            layout.Groups(entry => entry is { Shared: true, Role: ParameterRole.Adapted }
                && LayerOf(entry.Name) == layout.Entries[i].Name[Prefix.Length..] ? 1 : 0)))];

    /// <summary>The derivative of the loss at a point in each rate of the step to it, [rates] in float64.</summary>
    public static Tensor Derivative(IReadOnlyList<(long Rate, IReadOnlyList<ParameterGroup> Layer)> rates,
        Tensor gradient, Tensor position, Tensor previous) => tensor(rates.Select(rate => rate.Layer.Sum(part =>
        {
            using var step = Part(position, part) - Part(previous, part);
            return Part(gradient, part).dot(step).to_type(ScalarType.Float64).item<double>();
        })).ToArray());

    private static Tensor Part(Tensor flat, ParameterGroup group) => flat.narrow(0, group.Start, group.Count);

    private static string LayerOf(string name) => name.LastIndexOf('.') is >= 0 and var dot ? name[..dot] : name;
}
