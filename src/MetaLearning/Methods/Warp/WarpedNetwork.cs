namespace RlLeap.MetaLearning;

/// <summary>What a warp computes from the units of a hidden layer.</summary>
public enum WarpLayer
{
    /// <summary>No warp.</summary>
    None,
    /// <summary>Each channel times a number of its own.</summary>
    Scaling,
    /// <summary>A 1x1 convolution; a linear map of units without places.</summary>
    Conv1x1,
    /// <summary>A 3x3 convolution; a linear map of units without places.</summary>
    Conv3x3,
}

/// <summary>A network with a warp after each hidden layer: a map without activation, not trained by tasks.</summary>
/// <remarks>
/// Flennerhag et al. 2020, arXiv 1909.00025, section 3.1. A warp acts on the units that a layer hands on, after
/// activation and pooling. At the start every warp is the identity: the network is the one without warps, to the bit.
/// </remarks>
internal sealed class WarpedNetwork : MetaStateNetwork
{
    private readonly (WarpLayer Kind, int Depth, bool Residual) _warp;
    private readonly int _entriesOfAWarp;

    /// <summary>Puts warps into a network.</summary>
    /// <param name="inner">The network. Its hidden layers are the places.</param>
    /// <param name="kind">What a warp is.</param>
    /// <param name="depth">Layers of a warp, 1 or 2, with a ReLU between.</param>
    /// <param name="residual">Whether a warp adds what it computes to what it is given.</param>
    /// <exception cref="RlLeapException">The network has no places for warps.</exception>
    public WarpedNetwork(Network inner, WarpLayer kind, int depth = 1, bool residual = false)
        : base(inner, NameOf(kind, depth, residual), Entries(inner, kind, depth), (entry, value, _) =>
            Start(entry, value, isZero: residual && entry.Name.Contains($".{depth - 1}.")))
    {
        _warp = (kind, depth, residual);
        _entriesOfAWarp = kind == WarpLayer.Scaling ? 1 : 2 * depth;
    }

    protected override Pass Within(Pass pass) => pass.With(new LayerHooks(
        pass.Hooks?.PreActivation, (layer, units) => Warp(pass, layer, pass.Units(layer, units))));

    private Tensor Warp(Pass pass, int layer, Tensor units)
    {
        var first = Inner.Parameters.Count + layer * _entriesOfAWarp;
        if (_warp.Kind == WarpLayer.Scaling)
            return units * pass.Parameter(first).view([1, -1, .. Enumerable.Repeat(1L, (int)units.dim() - 2)]);
        var warped = Linear(pass, first, units);
        if (_warp.Depth == 2) warped = Linear(pass, first + 2, F.relu(warped));
        return _warp.Residual ? units + warped : warped;
    }

    private static Tensor Linear(Pass pass, int i, Tensor x)
    {
        var (weight, bias) = (pass.Parameter(i), pass.Parameter(i + 1));
        if (x.dim() == 2) return F.linear(x, weight, bias);
        var border = weight.size(2) / 2;
        return F.conv2d(x, weight, bias, strides: [1, 1], padding: [border, border]);
    }

    private static IEnumerable<ParameterInfo> Entries(Network inner, WarpLayer kind, int depth)
    {
        var places = Places(inner);
        for (var place = 0; place < places.Length; place++)
        {
            var (units, hasPlaces) = places[place];
            if (kind == WarpLayer.Scaling)
            {
                yield return new($"warp.{place}.0.weight", [units]);
                continue;
            }
            long size = kind == WarpLayer.Conv3x3 ? 3 : 1;
            for (var layer = 0; layer < depth; layer++)
            {
                yield return hasPlaces
                    ? new($"warp.{place}.{layer}.weight", [units, units, size, size], ChannelsLast: true)
                    : new($"warp.{place}.{layer}.weight", [units, units]);
                yield return new($"warp.{place}.{layer}.bias", [units]);
            }
        }
    }

    // Units of each hidden layer, and whether they are channels of a map: what a pass of zeros shows.
    private static (long Units, bool HasPlaces)[] Places(Network inner)
    {
        if (inner.HiddenUnits.Count == 0 || !inner.IsFunctional)
            throw new RlLeapException($"{inner.Name} has no places for warps: a network names its hidden layers "
                + "(HiddenUnits) and applies the hooks of a pass to them (docs/networks.md).");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var model = new Model(inner, []);
        var places = new (long Units, bool HasPlaces)?[inner.HiddenUnits.Count];
        model.Training = false;
        model.Hooks = new LayerHooks(Units: (layer, units) =>
        {
            places[layer] = (units.size(1), units.dim() == 4);
            return units;
        });
        model.Features(zeros([1, .. inner.InputShape]));
        if (Array.IndexOf(places, null) is >= 0 and var silent)
            throw new RlLeapException($"{inner.Name} has no place for a warp at its hidden layer {silent}: its pass "
                + "does not apply the hook of units there.");
        return [.. places.Select(place => place!.Value)];
    }

    // The identity; or zero, for the last layer of what is added to the units.
    private static void Start(ParameterInfo entry, Tensor value, bool isZero)
    {
        if (isZero || entry.Name.EndsWith(".bias", StringComparison.Ordinal)) return;
        if (entry.Shape.Length == 1) value.fill_(1);
        else if (entry.Shape.Length == 2) value.copy_(eye(entry.Shape[0], dtype: value.dtype, device: value.device));
        else
            value.select(3, entry.Shape[3] / 2).select(2, entry.Shape[2] / 2)
                .copy_(eye(entry.Shape[0], dtype: value.dtype, device: value.device));
    }

    private static string NameOf(WarpLayer kind, int depth, bool residual) =>
        $"warp-{Names.Kebab(kind.ToString())}{(depth > 1 ? $"x{depth}" : "")}{(residual ? "-residual" : "")}";
}
