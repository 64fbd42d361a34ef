namespace RlLeap.MetaLearning;

/// <summary>Meta-SGD: MAML that also learns a step size for every number of the network.</summary>
/// <remarks>
/// Li et al. 2017, arXiv 1707.09835, algorithm 1. The step sizes are factors on the learner's rate and start at 1.
/// Heads have none.
/// </remarks>
public sealed record MetaSgdOptions : InnerUpdateMethod
{
    public override string Name => "meta-sgd";

    protected override IReadOnlyList<ParameterInfo> MetaState(Network network) =>
        [.. network.Parameters.Select(entry => new ParameterInfo("rate." + entry.Name, entry.Shape))];

    protected override void InitializeState(ParameterInfo entry, Tensor value, Rng rng) => value.fill_(1);

    protected override Tensor? Direction(ParameterInfo entry, Tensor gradient, Func<string, Tensor?> state) =>
        state("rate." + entry.Name) is { } rate ? gradient * rate : gradient;
}
