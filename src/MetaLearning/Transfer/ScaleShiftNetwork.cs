namespace RlLeap.MetaLearning;

/// <summary>A pretrained network that stands still, with meta-learned scales and shifts of its weights.</summary>
/// <remarks>
/// <para>Sun et al. 2019, arXiv 1812.02391, equation 5. Weights W [outputs, inputs, ...] and biases b become</para>
/// <code>
/// W * scale,  scale [outputs, inputs, 1, ...], at first 1        b + shift,  shift [outputs], at first 0
/// </code>
/// <para>
/// The network's own entries keep their names and are frozen, its statistics too (they are entries named as their
/// buffers are in files). It always runs in evaluation mode, so that batch norm uses the statistics of pretraining.
/// </para>
/// </remarks>
internal sealed class ScaleShiftNetwork : NetworkWrapper
{
    /// <summary>What stands before the name of the entry that is scaled or shifted.</summary>
    public const string ScalePrefix = "scale.", ShiftPrefix = "shift.";

    private readonly int[] _scales, _shifts; // by parameter of the inner network; -1 where it has none

    /// <summary>Scales and shifts around a network.</summary>
    /// <param name="inner">The network that is pretrained.</param>
    /// <param name="learned">Whether there are scales and shifts; otherwise the network only stands still.</param>
    /// <exception cref="RlLeapException">The network is a torch.nn.Module, or has no weights.</exception>
    public ScaleShiftNetwork(Network inner, bool learned = true) : base(inner)
    {
        if (!inner.IsFunctional || !inner.Parameters.Any(p => p.Shape.Length > 1))
            throw new RlLeapException($"{inner.Name} has no weights that could be scaled: use a RlLeap.Network.");
        var entries = inner.Parameters.Concat(inner.Buffers.Select(
            buffer => buffer with { Name = Model.BufferPrefix + buffer.Name }))
            .Select(entry => entry with { Role = ParameterRole.Frozen }).ToList();
        _scales = new int[inner.Parameters.Count];
        _shifts = new int[inner.Parameters.Count];
        var weight = ""; // the prefix of the weight that came last
        for (var i = 0; i < inner.Parameters.Count; i++)
        {
            var entry = inner.Parameters[i];
            var prefix = entry.Name[..Math.Max(0, entry.Name.LastIndexOf('.'))];
            (_scales[i], _shifts[i]) = (-1, -1);
            if (!learned) continue;
            if (entry.Shape.Length > 1)
            {
                (_scales[i], weight) = (entries.Count, prefix);
                long[] shape = [entry.Shape[0], entry.Shape[1], .. Enumerable.Repeat(1L, entry.Shape.Length - 2)];
                entries.Add(new ParameterInfo(ScalePrefix + entry.Name, shape) { Role = ParameterRole.Meta });
            }
            else if (prefix == weight)
            {
                _shifts[i] = entries.Count;
                entries.Add(new ParameterInfo(ShiftPrefix + entry.Name, entry.Shape) { Role = ParameterRole.Meta });
            }
        }
        Parameters = entries;
    }

    public override string Name => $"scale-and-shift({Inner.Name})";
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<ParameterInfo> Buffers => [];

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var count = Inner.Parameters.Count;
        var theta = new Tensor[count];
        for (var i = 0; i < count; i++)
            theta[i] = _scales[i] >= 0 ? pass.Parameter(i) * pass.Parameter(_scales[i])
                : _shifts[i] >= 0 ? pass.Parameter(i) + pass.Parameter(_shifts[i]) : pass.Parameter(i);
        // No derivative goes to statistics, and batch norm refuses tensors that ask for one.
        Tensor[] statistics = [.. Inner.Buffers.Select((_, i) => pass.Parameter(count + i).detach())];
        return Inner.Forward(new Pass(theta, statistics, training: false, pass.Hooks), input);
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Inner.Initialize(parameter, i => parameter(Inner.Parameters.Count + i), rng);
        foreach (var scale in _scales.Where(scale => scale >= 0)) parameter(scale).fill_(1);
    }
}
