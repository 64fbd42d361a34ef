using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>Moves an initialization against the mean of what tasks contributed, all but frozen entries.</summary>
/// <param name="initialization">What moves; the optimizer does not own it.</param>
/// <param name="options">The update rule.</param>
/// <param name="metaSteps">Meta-steps of the whole run, for the schedule; 0 when unknown.</param>
internal sealed class MetaOptimizer(ParameterVector initialization, OptimizerOptions options, long metaSteps = 0)
    : IDisposable
{
    /// <summary>The name of the optimizer's state in checkpoints.</summary>
    public const string StateName = "meta.optimizer";

    private readonly VectorOptimizer _optimizer = new(initialization, options, metaSteps,
        initialization.Layout.Groups(entry => entry.Role == ParameterRole.Frozen ? 0 : 1));

    /// <summary>Meta-steps made.</summary>
    public long Steps => _optimizer.Step;

    /// <summary>The optimizer's state as bytes in a tensor.</summary>
    public Tensor State => tensor(_optimizer.SaveState());

    /// <summary>Makes one meta-step.</summary>
    /// <returns>The norm of the mean meta-gradient.</returns>
    public double Step(IReadOnlyList<Contribution> contributions)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradient = Average(contributions);
        initialization.ZeroGradient();
        initialization.SharedGradient.copy_(tensor(gradient));
        _optimizer.Update();
        double squares = 0;
        foreach (var value in gradient) squares += value * value;
        return Math.Sqrt(squares);
    }

    /// <summary>The mean of the meta-gradients, summed in float64 in the order given.</summary>
    public static double[] Average(IReadOnlyList<Contribution> contributions)
    {
        var mean = new double[contributions[0].MetaGradient.Length];
        foreach (var contribution in contributions)
            for (var i = 0; i < mean.Length; i++) mean[i] += contribution.MetaGradient[i];
        for (var i = 0; i < mean.Length; i++) mean[i] /= contributions.Count;
        return mean;
    }

    /// <summary>Goes on where <see cref="State"/> was taken.</summary>
    public void Restore(Tensor state) => _optimizer.RestoreState(state.data<byte>().ToArray());

    /// <summary>Frees the optimizer's memory.</summary>
    public void Dispose() => _optimizer.Dispose();
}
