namespace RlLeap.Agents;

/// <summary>How a network's hidden layers, and an agent's heads, get their first values.</summary>
public enum LayerInitialization
{
    /// <summary>
    /// Orthogonal with gain sqrt(2), biases 0; heads with gains 0.01 (policy) and 1 (value), as the OpenAI baselines
    /// have it.
    /// </summary>
    Orthogonal,
    /// <summary>PyTorch's default: uniform in +-1/sqrt(fan-in), biases too.</summary>
    TorchDefault,
}

/// <summary>The encoders of agents, by name.</summary>
public static class AgentNetworks
{
    /// <summary>The name that chooses by the observation.</summary>
    public const string Auto = "auto";

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["mnih2013", "nature2015", "minatar", "mlp", "parts"];

    /// <summary>The encoder that an agent's options name, normalization and separate networks included.</summary>
    /// <exception cref="RlLeapException">As the other overload.</exception>
    public static Network Create(ActorCriticOptions options, Box observation)
    {
        var name = options.Network == Auto ? Choose(observation) : options.Network;
        var network = One();
        if (!(options.SharedNetwork ?? name is not ("mlp" or "parts")))
            network = new SeparateNetwork(network, One(), options.MetaLearned);
        if (!options.NormalizeObservations) return network;
        if (observation.UnitScale != 1)
            throw new RlLeapException(
                $"normalize-observations is for vectors; images ({observation}) are scaled already.");
        return new NormalizedNetwork(network);

        Network One() => Create(name, observation, options.Initialization, options.LayerNorm);
    }

    /// <summary>The encoder called <paramref name="name"/>, ours or one of <see cref="Networks"/>, for observations
    /// from <paramref name="observation"/>.</summary>
    /// <exception cref="RlLeapException">No such name, or an observation that the network cannot read.</exception>
    /// <param name="name">One of <see cref="Names"/>, <see cref="Auto"/>, or a name of a user's own with a slash in
    /// it.</param>
    /// <param name="observation">What the network reads.</param>
    /// <param name="initialization">How its layers are drawn; networks of a user's own draw theirs themselves.</param>
    /// <param name="layerNorm">Whether dense layers are normalized before their activation; networks of a user's own
    /// take an option for that.</param>
    public static Network Create(
        string name, Box observation, LayerInitialization initialization = LayerInitialization.Orthogonal,
        bool layerNorm = false) => name switch
        {
            Auto => Create(Choose(observation), observation, initialization, layerNorm),
            "mnih2013" => Mnih2013(observation, initialization, layerNorm),
            "nature2015" => Nature2015(observation, initialization, layerNorm),
            "minatar" => MinAtar(observation, initialization, layerNorm),
            "mlp" => Mlp(observation, [64, 64], initialization, layerNorm),
            "parts" => new PartsNetwork(observation,
                image => Create(Choose(image), image, initialization, layerNorm),
                vector => Mlp(vector, [64, 64], initialization, layerNorm)),
            _ when name.Contains('/') => Networks.Create(name, observation.Shape),
            _ => throw new RlLeapException(
                $"There is no network {name}; there are {string.Join(", ", Names)} and {Auto}."),
        };

    /// <summary>16 filters 8x8/4, 32 4x4/2, dense 256, for 84x84 (Mnih et al. 2013, 1312.5602, section 4.1).</summary>
    public static Network Mnih2013(
        Box observation, LayerInitialization initialization = LayerInitialization.Orthogonal, bool layerNorm = false) =>
        new ConvolutionalNetwork("mnih2013", observation, [new(16, 8, 4), new(32, 4, 2)], 256, initialization,
            channelsLast: true, layerNorm);

    /// <summary>
    /// 32 filters 8x8 stride 4, 64 filters 4x4 stride 2, 64 filters 3x3, dense 512 (Mnih et al. 2015,
    /// doi:10.1038/nature14236), for 84x84 images.
    /// </summary>
    public static Network Nature2015(
        Box observation, LayerInitialization initialization = LayerInitialization.Orthogonal, bool layerNorm = false) =>
        new ConvolutionalNetwork("nature2015", observation, [new(32, 8, 4), new(64, 4, 2), new(64, 3, 1)], 512,
            initialization, channelsLast: true, layerNorm);

    /// <summary>16 filters 3x3, dense 128, ReLU, for 10x10 planes (sizes of Young and Tian 2019, 1903.03176).</summary>
    public static Network MinAtar(
        Box observation, LayerInitialization initialization = LayerInitialization.Orthogonal, bool layerNorm = false) =>
        new ConvolutionalNetwork("minatar", observation, [new(16, 3, 1)], 128, initialization,
            channelsLast: false, layerNorm);

    /// <summary>Dense layers with tanh between, for vectors; other shapes are read as one long vector.</summary>
    public static Network Mlp(
        Box observation, IReadOnlyList<long> hidden,
        LayerInitialization initialization = LayerInitialization.Orthogonal, bool layerNorm = false) =>
        new MlpNetwork(observation, hidden, initialization, layerNorm);

    /// <summary>Whether observations are images: so large that passes, not steps, are what costs.</summary>
    internal static bool AreImages(Box observation) => observation.Shape is [_, >= 36, >= 36];

    private static string Choose(Box observation) => AreImages(observation) ? "mnih2013" : observation.Shape switch
    {
        [_, >= 3, >= 3] => "minatar",
        _ when observation.Images.Count > 0 => "parts",
        _ => "mlp",
    };
}
