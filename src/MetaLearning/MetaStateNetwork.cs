namespace RlLeap.MetaLearning;

/// <summary>A network with further parameters, which a method learns between tasks.</summary>
/// <remarks>
/// They follow the network's own and have the role <see cref="ParameterRole.Meta"/>. So they are part of what is
/// meta-learned: initialization files, checkpoints, jobs and the average over tasks have them without more code. The
/// network's own parameters are drawn as without them.
/// </remarks>
internal class MetaStateNetwork : NetworkWrapper
{
    private readonly IReadOnlyList<ParameterInfo> _state;
    private readonly Action<ParameterInfo, Tensor, Rng>? _initialize;

    /// <summary>A network with further parameters.</summary>
    /// <param name="name">Follows the network's name.</param>
    /// <param name="state">The further parameters; they are made shared and meta.</param>
    /// <param name="initialize">Draws one of them, which arrives as zeros; null for zeros.</param>
    /// <exception cref="RlLeapException">The network is a torch.nn.Module.</exception>
    public MetaStateNetwork(
        Network inner, string name, IEnumerable<ParameterInfo> state,
        Action<ParameterInfo, Tensor, Rng>? initialize = null) : base(inner)
    {
        if (!inner.IsFunctional)
            throw new RlLeapException($"{inner.Name} is a torch.nn.Module, to which no meta parameters can be added. "
                + "Write it as a RlLeap.Network.");
        _initialize = initialize;
        _state = [.. state.Select(entry => entry with { Shared = true, Role = ParameterRole.Meta })];
        Name = $"{inner.Name}+{name}";
        Parameters = [.. inner.Parameters, .. _state];
    }

    public override string Name { get; }
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override (long Start, long Count) FeaturesOf(Head head) => Inner.FeaturesOf(head);
    public override Tensor Forward(Pass pass, Tensor input) => Inner.Forward(Within(pass), input);

    public override Tensor ForwardFor(Pass pass, Tensor input, Head head) =>
        Inner.ForwardFor(Within(pass), input, head);

    public override IncrementalFeatures BeginFeatures(Pass pass) => Inner.BeginFeatures(Within(pass));

    public sealed override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Inner.Initialize(parameter, buffer, rng);
        for (var i = 0; i < _state.Count; i++)
            _initialize?.Invoke(_state[i], parameter(Inner.Parameters.Count + i), rng.Split("state", i));
    }

    /// <summary>The pass as the network sees it: its parameters come first, so it is the same one.</summary>
    protected virtual Pass Within(Pass pass) => pass;
}
