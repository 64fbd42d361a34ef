namespace RlLeap.Agents;

/// <summary>
/// The encoder of vectors in which images lie (<see cref="Box.Images"/>): a convolution of its own reads each image;
/// dense layers read what the convolutions found and all other numbers.
/// </summary>
internal sealed class PartsNetwork : Network
{
    private readonly Box _observation;
    private readonly (SpacePart Part, Network Network)[] _images;
    private readonly (int Start, int Count)[] _others; // where the other numbers are
    private readonly Network _dense;

    /// <param name="image">The convolution for an image [C, H, W].</param>
    /// <param name="dense">The layers for a vector.</param>
    /// <exception cref="RlLeapException">There is no image in it.</exception>
    public PartsNetwork(Box observation, Func<Box, Network> image, Func<Box, Network> dense)
    {
        if (observation.Images.Count == 0)
            throw new RlLeapException("The network parts reads Dict and Tuple observations that have an image among "
                + $"their parts; these observations are {observation}. Use the network mlp for vectors.");
        _observation = observation;
        _images = [.. observation.Images.Select(part => (part, image((Box)part.Space)))];
        var (others, at) = (new List<(int, int)>(), 0);
        foreach (var part in observation.Images.OrderBy(part => part.Start))
        {
            if (part.Start > at) others.Add((at, part.Start - at));
            at = part.Start + part.Space.Length;
        }
        if (at < observation.Length) others.Add((at, observation.Length - at));
        _others = [.. others];
        _dense = dense(Box.Floats(_images.Sum(i => i.Network.Features) + _others.Sum(o => o.Count)));
        Parameters =
        [
            .. _images.SelectMany(i => i.Network.Parameters.Select(p => p with { Name = $"{i.Part.Name}.{p.Name}" })),
            .. _dense.Parameters,
        ];
        HiddenUnits = [.. _images.SelectMany(i => i.Network.HiddenUnits), .. _dense.HiddenUnits];
    }

    public override string Name => "parts";

    public override long[] InputShape => _observation.Shape;

    public override long Features => _dense.Features;

    public override IReadOnlyList<ParameterInfo> Parameters { get; }

    public override IReadOnlyList<long> HiddenUnits { get; }

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var numbers = input.flatten(1);
        var type = pass.Parameter(0).dtype;
        if (numbers.dtype != type) numbers = numbers.to_type(type);
        var found = new List<Tensor>();
        var (parameter, layer) = (0, 0);
        foreach (var (part, network) in _images)
        {
            var image = numbers.narrow(1, part.Start, part.Space.Length).contiguous();
            found.Add(network.Forward(pass.From(parameter, 0, layer), image.view([-1, .. network.InputShape])));
            (parameter, layer) = (parameter + network.Parameters.Count, layer + network.HiddenUnits.Count);
        }
        found.AddRange(_others.Select(other => numbers.narrow(1, other.Start, other.Count)));
        return _dense.Forward(pass.From(parameter, 0, layer), cat(found, 1));
    }

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input)
    {
        var numbers = graph.Flatten(input);
        var found = new List<OnnxValue>();
        var (parameter, layer) = (0, 0);
        foreach (var (part, network) in _images)
        {
            var image = graph.Reshape(graph.Columns(numbers, part.Start, part.Space.Length), network.InputShape);
            found.Add(network.ToOnnx(graph, pass.From(parameter, 0, layer), image));
            (parameter, layer) = (parameter + network.Parameters.Count, layer + network.HiddenUnits.Count);
        }
        found.AddRange(_others.Select(other => graph.Columns(numbers, other.Start, other.Count)));
        return _dense.ToOnnx(graph, pass.From(parameter, 0, layer), graph.Concatenate(found));
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        var first = 0;
        foreach (var (part, network) in _images)
        {
            var from = first;
            network.Initialize(i => parameter(from + i), buffer, rng.Split(part.Name));
            first += network.Parameters.Count;
        }
        _dense.Initialize(i => parameter(first + i), buffer, rng.Split("dense"));
    }
}
