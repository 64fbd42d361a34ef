namespace RlLeap;

/// <summary>The contract of <see cref="Network"/>, checked on random inputs: `networks check NAME`.</summary>
public static class NetworkCheck
{
    private static readonly RuleBook<Func<Network>> Book = new(new Dictionary<string, Action<Func<Network>>>
    {
        ["It describes itself consistently"] = Description,
        ["It draws its initial values from the stream it is given"] = Initializes,
        ["Features are [N, Features] of its parameters' type"] = FeaturesFit,
        ["It reads bytes and floats"] = ReadsBytes,
        ["An input's features depend on that input alone"] = RowsKeepApart,
        ["A pass changes neither parameters nor input"] = PassesOnlyRead,
        ["Every parameter is used"] = ParametersAreUsed,
        ["Hidden units are what it says"] = HiddenUnitsFit,
        ["Layer by layer gives the same features"] = LayersAgree,
        ["A pass leaves no tensors behind"] = NothingStays,
    });

    /// <summary>The rules, in the order in which they are checked.</summary>
    public static IReadOnlyList<string> Rules => Book.Rules;

    /// <summary>Why a rule has nothing to say about a network, which then keeps it; null where it has.</summary>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public static string? WhyNotApplied(string rule, Network network) =>
        Book[rule] == LayersAgree && !network.IsLayered ? "it has no layers of its own to run one by one (IsLayered)"
        : Book[rule] == HiddenUnitsFit && network.HiddenUnits.Count == 0 ? "it names no hidden units (HiddenUnits)"
        : null;

    /// <summary>Checks one rule; null when it holds.</summary>
    /// <param name="rule">One of <see cref="Rules"/>.</param>
    /// <param name="make">Makes the network; called several times.</param>
    public static Finding? Run(string rule, Func<Network> make)
    {
        using var scope = NewDisposeScope();
        return Book.Run(rule, make);
    }

    private static void Description(Func<Network> make)
    {
        Network network = make(), again = make();
        BrokenRule.Unless(network.Name.Length > 0, "its Name is empty", "give it a name for records and messages.");
        BrokenRule.Unless(network.Features > 0, $"Features is {network.Features}",
            "it is how many numbers a pass returns for each input.");
        BrokenRule.Unless(network.Parameters.Count > 0, "it has no Parameters",
            "list every trainable tensor with its name and shape.");
        var names = network.Parameters.Concat(network.Buffers).Select(p => p.Name).ToList();
        var twice = names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1)?.Key;
        BrokenRule.Unless(twice is null, $"two of its tensors are named {twice}",
            "names are how files tell tensors apart; give each its own.");
        foreach (var p in network.Parameters.Concat(network.Buffers))
            BrokenRule.Unless(p.Shape.All(size => size > 0), $"{p.Name} has the shape {Shape.Text(p.Shape)}",
                "every size is at least 1.");
        var alike = network.Features == again.Features
            && network.Parameters.Select(Text).SequenceEqual(again.Parameters.Select(Text));
        BrokenRule.Unless(alike, "two networks made alike describe themselves differently",
            "what it describes depends on its constructor's arguments alone.");

        static string Text(ParameterInfo p) => $"{p.Name} {Shape.Text(p.Shape)}";
    }

    private static void Initializes(Func<Network> make)
    {
        using Model model = Drawn(make, 1), same = Drawn(make, 1), other = Drawn(make, 2);
        var values = model.Parameters.Flat;
        BrokenRule.Unless(values.isfinite().all().item<bool>(), "an initial value is NaN or infinite",
            "a division by zero, or memory that was not written.");
        BrokenRule.Unless(values.count_nonzero().item<long>() > 0, "all initial values are zero",
            "Initialize has to write into parameter(i): they arrive as zeros, and zeros stay equal for ever.");
        BrokenRule.Unless(Same(values, same.Parameters.Flat), "equal streams give other initial values",
            "it draws from somewhere else than the Rng it is given.");
        BrokenRule.Unless(!Same(values, other.Parameters.Flat), "another stream gives the same initial values",
            "it does not draw from the Rng it is given.");
    }

    private static void FeaturesFit(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        foreach (var n in new long[] { 1, 3 })
        {
            var features = model.Features(Inputs(model, n));
            BrokenRule.Unless(features.isfinite().all().item<bool>(), "features of random inputs are NaN or infinite",
                "a logarithm or a root of what may be negative, or too large initial values.");
        }
    }

    private static void ReadsBytes(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        model.Training = false;
        using var _ = no_grad();
        var bytes = (Inputs(model, 2) * 4).round().clamp(0, 8).to_type(ScalarType.Byte);
        BrokenRule.Unless(Near(model.Features(bytes), model.Features(bytes.to_type(model.DType))),
            "bytes and equal floats give other features",
            "begin Forward with input.to_type(pass.Parameter(0).dtype): games show bytes.");
    }

    private static void RowsKeepApart(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        model.Training = false;
        using var _ = no_grad();
        var inputs = Inputs(model, 3);
        var together = model.Features(inputs);
        for (var i = 0; i < 3; i++)
            BrokenRule.Unless(Near(together[i].unsqueeze(0), model.Features(inputs[i].unsqueeze(0))),
                "an input alone gives other features than among others",
                "it mixes up the batch axis (flatten(1), not flatten()), "
                    + "or uses batch statistics outside training (pass.Training).");
    }

    private static void PassesOnlyRead(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        var inputs = Inputs(model, 2);
        Tensor values = model.Parameters.Flat.detach().clone(), before = inputs.clone();
        Tensor first = model.Features(inputs), second = model.Features(inputs);
        BrokenRule.Unless(Same(values, model.Parameters.Flat.detach()), "a pass changed the parameters",
            "an operation in place (a name that ends in _) on pass.Parameter(i).");
        BrokenRule.Unless(Same(before, inputs), "a pass changed its input",
            "an operation in place (a name that ends in _) on the input.");
        BrokenRule.Unless(Near(first, second), "the same input gives other features the second time",
            "dropout or noise in Forward: no seed of a run controls it.");
    }

    private static void ParametersAreUsed(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        model.Parameters.ZeroGradient();
        var features = model.Features(Inputs(model, 8));
        BrokenRule.Unless(features.requires_grad, "features have no gradient",
            "Forward detaches, or computes in C# what torch should.");
        (features * features).sum().backward();
        using var _ = no_grad();
        for (var i = 0; i < model.Parameters.Layout.Entries.Count; i++)
        {
            var name = model.Parameters.Layout.Entries[i].Name;
            var moves = model.Parameters.GradientOf(name).count_nonzero().item<long>() > 0;
            BrokenRule.Unless(moves, $"{name} got no gradient",
                "Forward does not use it, or something in between is zero everywhere.");
        }
    }

    private static void HiddenUnitsFit(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        var units = model.Network.HiddenUnits;
        var seen = new Dictionary<int, long>();
        model.Hooks = new LayerHooks(Units: (layer, value) =>
        {
            seen[layer] = value.size(1);
            return value;
        });
        model.Features(Inputs(model, 2));
        foreach (var (layer, size) in seen)
            BrokenRule.Unless(layer < units.Count && units[layer] == size,
                $"layer {layer} hands {size} units to pass.Units", $"HiddenUnits says {string.Join(", ", units)}.");
        if (units.Count > 0) BrokenRule.Unless(seen.Count == units.Count,
            $"{seen.Count} of {units.Count} hidden layers call pass.Units",
            "each hidden layer hands its units on through pass.Units(layer, value).");
    }

    private static void LayersAgree(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        if (!model.Network.IsLayered) return;
        model.Training = false;
        using var _ = no_grad();
        var inputs = Inputs(model, 2);
        var (pass, x) = (new Pass(model.Parameters.Views, model.Buffers.Views, training: false), inputs);
        for (var layer = 0; layer < model.Network.HiddenUnits.Count; layer++) x = model.Network.Layer(layer, pass, x);
        BrokenRule.Unless(Near(model.Features(inputs), x.flatten(1)),
            "Layer after Layer gives other features than Forward",
            "IsLayered promises that Forward is its hidden layers in order, "
                + "and that the last one's units, flattened, are the features.");
    }

    private static void NothingStays(Func<Network> make)
    {
        using var model = Drawn(make, 1);
        var inputs = Inputs(model, 2);
        long Live()
        {
            using (var scope = NewDisposeScope()) model.Features(inputs);
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }
        Live();
        var before = Live();
        BrokenRule.Unless(Live() == before, "a pass leaves tensors behind",
            "it keeps them in a field, or detaches them from the dispose scope.");
    }

    private static Model Drawn(Func<Network> make, long seed)
    {
        var model = new Model(make(), []);
        model.Initialize(new Rng(seed));
        return model;
    }

    private static Tensor Inputs(Model model, long n)
    {
        var (rng, shape) = (new Rng(7), model.Network.InputShape);
        var values = new float[n * shape.Aggregate(1L, (product, size) => product * size)];
        foreach (ref var value in values.AsSpan()) value = (float)rng.NextDouble();
        return tensor(values, [n, .. shape]).to_type(model.DType);
    }

    private static bool Same(Tensor a, Tensor b) => a.eq(b).all().item<bool>();

    private static bool Near(Tensor a, Tensor b) => a.shape.AsSpan().SequenceEqual(b.shape)
        && (a - b).abs().max().item<float>() <= 1e-4f * (1 + a.abs().max().item<float>());
}
