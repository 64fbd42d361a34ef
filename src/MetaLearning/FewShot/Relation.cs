namespace RlLeap.MetaLearning;

/// <summary>Relation networks: the comparison itself is learned.</summary>
/// <remarks>
/// Sung, Yang, Zhang, Xiang, Torr and Hospedales 2018, arXiv 1711.06025. With an encoder f that gives feature maps:
/// <code>
/// r(q, k)  = g(f(q) beside the sum of f(x) over the support images x of class k)      in 0 .. 1
/// loss     = mean of (r(q, k) - [k is q's class])^2
/// </code>
/// </remarks>
public sealed record RelationOptions : FewShotMethod
{
    public override string Name => "relation";
    public override bool ComparesMaps => true;
    public override Network Extend(Network encoder) => new RelationModule(encoder);

    public override EpisodeOutcome Evaluate(Model model, Episode episode)
    {
        if (model.Network is not RelationModule module)
            throw new RlLeapException($"The method relation needs its own module on {model.Network.Name}: make the "
                + "network with Extend.");
        var features = model.Features(episode.Images); // [S + Q, F]
        var classes = episode.SupportOf(features).view(episode.Shape.Way, episode.Shape.Shot, -1).sum(1);
        var scores = module.Relations(model.Pass, episode.QueryOf(features), classes); // [Q, way]
        var truth = F.one_hot(episode.QueryLabels, episode.Shape.Way).to_type(scores.dtype);
        return new EpisodeOutcome(F.mse_loss(scores, truth), scores);
    }
}

/// <summary>The learned comparison: two blocks of 3x3 convolution, batch norm, ReLU, pooling; two dense ones.</summary>
internal sealed class RelationModule : ExtendedNetwork
{
    private const int Hidden = 8;
    private const double Momentum = 0.1, Epsilon = 1e-5;
    private const int FirstWeight = 0, FirstBias = 1, FirstNorm = 2, SecondWeight = 4, SecondNorm = 6, Dense = 8;
    private readonly long _filters, _side;

    /// <summary>A relation module on an encoder.</summary>
    /// <exception cref="RlLeapException">The encoder's features are no maps of at least 4x4.</exception>
    public RelationModule(Network encoder)
        : base(encoder, "relation", Layers(encoder), Norms(encoder)) => (_filters, _side) = MapsOf(encoder);

    /// <summary>Relation scores [Q, way] of queries [Q, F] and class sums [way, F].</summary>
    /// <remarks>
    /// A convolution of two maps side by side is the sum of a convolution of each. So each map passes the first
    /// convolution once, not once for each pair.
    /// </remarks>
    public Tensor Relations(Pass pass, Tensor queries, Tensor classes)
    {
        var (q, k) = (queries.shape[0], classes.shape[0]);
        var halves = Own(pass, FirstWeight).chunk(2, 1);
        var ofQueries = Convolve(Maps(queries), halves[0], Own(pass, FirstBias)).unsqueeze(1);
        var ofClasses = Convolve(Maps(classes), halves[1], null).unsqueeze(0);
        var x = (ofQueries + ofClasses).view(q * k, _filters, _side, _side);
        x = Block(pass, x, FirstNorm, 0);
        x = Block(pass, Convolve(x, Own(pass, SecondWeight), Own(pass, SecondWeight + 1)), SecondNorm, 2);
        x = F.relu(F.linear(x.flatten(1), Own(pass, Dense), Own(pass, Dense + 1)));
        return F.linear(x, Own(pass, Dense + 2), Own(pass, Dense + 3)).sigmoid().view(q, k);
    }

    protected override void InitializeOwn(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        foreach (var layer in new[] { FirstWeight, SecondWeight, Dense, Dense + 2 })
            Initialization.TorchDefault(parameter(layer), parameter(layer + 1), rng.Split("relation", layer));
        parameter(FirstNorm).fill_(1);
        parameter(SecondNorm).fill_(1);
        buffer(1).fill_(1);
        buffer(3).fill_(1);
    }

    private Tensor Block(Pass pass, Tensor x, int norm, int buffer)
    {
        x = F.batch_norm(x, OwnBuffer(pass, buffer), OwnBuffer(pass, buffer + 1), Own(pass, norm), Own(pass, norm + 1),
            pass.Training, Momentum, Epsilon);
        return F.max_pool2d(F.relu(x), 2);
    }

    // Convolutions on CPUs are faster with channels-last strides.
    private Tensor Maps(Tensor features) =>
        features.view(-1, _filters, _side, _side).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    private static Tensor Convolve(Tensor x, Tensor weight, Tensor? bias) =>
        F.conv2d(x, weight, bias, strides: [1, 1], padding: [1, 1]);

    private static IReadOnlyList<ParameterInfo> Layers(Network encoder)
    {
        var (c, side) = MapsOf(encoder);
        return
        [
            new("relation.0.conv.weight", [c, 2 * c, 3, 3], ChannelsLast: true), new("relation.0.conv.bias", [c]),
            new("relation.0.norm.weight", [c]), new("relation.0.norm.bias", [c]),
            new("relation.1.conv.weight", [c, c, 3, 3], ChannelsLast: true), new("relation.1.conv.bias", [c]),
            new("relation.1.norm.weight", [c]), new("relation.1.norm.bias", [c]),
            new("relation.2.weight", [Hidden, c * (side / 4) * (side / 4)]), new("relation.2.bias", [Hidden]),
            new("relation.3.weight", [1, Hidden]), new("relation.3.bias", [1]),
        ];
    }

    private static IReadOnlyList<ParameterInfo> Norms(Network encoder)
    {
        var (c, _) = MapsOf(encoder);
        return
        [
            new("relation.0.norm.running_mean", [c]), new("relation.0.norm.running_var", [c]),
            new("relation.1.norm.running_mean", [c]), new("relation.1.norm.running_var", [c]),
        ];
    }

    private static (long Filters, long Side) MapsOf(Network encoder)
    {
        var filters = encoder.HiddenUnits.Count > 0 ? encoder.HiddenUnits[^1] : encoder.Features;
        var side = (long)Math.Round(Math.Sqrt(encoder.Features / (double)filters));
        if (filters * side * side != encoder.Features || side < 4)
            throw new RlLeapException($"The method relation compares feature maps of at least 4x4, but {encoder.Name} "
                + $"gives {encoder.Features} features of {filters} maps. Take an encoder that pools less, or larger "
                + "images (few-shot.side).");
        return (filters, side);
    }
}
