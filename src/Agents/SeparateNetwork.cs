namespace RlLeap.Agents;

/// <summary>Which of two separate networks is meta-learned and so shared between tasks.</summary>
public enum SharedTrunks
{
    /// <summary>The policy's and the value's.</summary>
    Both,
    /// <summary>The policy's; every task draws a value network of its own.</summary>
    Policy,
    /// <summary>The value's; every task draws a policy network of its own.</summary>
    Value,
}

/// <summary>A network for the policy and another one for the value: no parameter belongs to both.</summary>
/// <remarks>
/// Its features are the policy's, then the value's. The head "value" reads the second part, all other heads the first.
/// On vectors the errors of the value, which are large at first, would otherwise shape what the policy sees.
/// </remarks>
internal sealed class SeparateNetwork : Network
{
    private const string PolicyPrefix = "policy.", ValuePrefix = "value.";
    private readonly Network _policy, _value;

    public SeparateNetwork(Network policy, Network value, SharedTrunks shared = SharedTrunks.Both)
    {
        (_policy, _value) = (policy, value);
        Parameters =
        [
            .. Named(policy.Parameters, PolicyPrefix, shared != SharedTrunks.Value),
            .. Named(value.Parameters, ValuePrefix, shared != SharedTrunks.Policy),
        ];
        Buffers = [.. Named(policy.Buffers, PolicyPrefix, true), .. Named(value.Buffers, ValuePrefix, true)];
        HiddenUnits = [.. policy.HiddenUnits, .. value.HiddenUnits];
    }

    public override string Name => _policy.Name;

    public override long[] InputShape => _policy.InputShape;

    public override long Features => _policy.Features + _value.Features;

    public override IReadOnlyList<ParameterInfo> Parameters { get; }

    public override IReadOnlyList<ParameterInfo> Buffers { get; }

    public override IReadOnlyList<long> HiddenUnits { get; }

    public override bool IsFunctional => _policy.IsFunctional && _value.IsFunctional;

    public override (long Start, long Count) FeaturesOf(Head head) => head.Name == ActorCritic.ValueName
        ? (_policy.Features, _value.Features) : (0, _policy.Features);

    public override Tensor Forward(Pass pass, Tensor input) => cat(
        [_policy.Forward(pass, input), _value.Forward(OfValue(pass), input)], 1);

    public override Tensor ForwardFor(Pass pass, Tensor input, Head head) =>
        head.Name == ActorCritic.ValueName ? _value.Forward(OfValue(pass), input) : _policy.Forward(pass, input);

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input) => graph.Concatenate(
        [_policy.ToOnnx(graph, pass, input), _value.ToOnnx(graph, OfValue(pass), input)]);

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        _policy.Initialize(parameter, buffer, rng.Split("policy"));
        _value.Initialize(i => parameter(_policy.Parameters.Count + i), i => buffer(_policy.Buffers.Count + i),
            rng.Split("value"));
    }

    private Pass OfValue(Pass pass) =>
        pass.From(_policy.Parameters.Count, _policy.Buffers.Count, _policy.HiddenUnits.Count);

    private static IEnumerable<ParameterInfo> Named(IEnumerable<ParameterInfo> entries, string prefix, bool shared) =>
        entries.Select(entry => entry with { Name = prefix + entry.Name, Shared = shared });
}
