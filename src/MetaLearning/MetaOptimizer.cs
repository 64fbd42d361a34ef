namespace RlLeap.MetaLearning;

/// <summary>Moves an initialization against the mean of what tasks contributed, all but frozen entries.</summary>
internal sealed class MetaOptimizer : IDisposable
{
    /// <summary>The name of the optimizer's state in checkpoints.</summary>
    public const string StateName = "meta.optimizer";

    private readonly ParameterVector _vector;
    private readonly VectorOptimizer[] _rules; // the initialization's, and those of meta parameters that have others

    /// <summary>An optimizer of an initialization.</summary>
    /// <param name="initialization">What moves; the optimizer does not own it.</param>
    /// <param name="metaSteps">Meta-steps of the whole run, for the schedule; 0 when unknown.</param>
    /// <param name="ofMeta">The update rule of a meta parameter; null for the same.</param>
    public MetaOptimizer(
        ParameterVector initialization, OptimizerOptions options, long metaSteps = 0,
        Func<ParameterInfo, OptimizerOptions>? ofMeta = null)
    {
        _vector = initialization;
        var layout = initialization.Layout;
        _rules = [.. layout.Entries.Where(entry => entry.Role != ParameterRole.Frozen).Select(RuleOf).Prepend(options)
            .Distinct().Select(rule => new VectorOptimizer(initialization, rule, metaSteps, layout.Groups(entry =>
                entry.Role != ParameterRole.Frozen && RuleOf(entry) == rule ? 1 : 0)))];

        OptimizerOptions RuleOf(ParameterInfo entry) =>
            entry.Role == ParameterRole.Meta && ofMeta is not null ? ofMeta(entry) : options;
    }

    /// <summary>Meta-steps made.</summary>
    public long Steps => _rules[0].Step;

    /// <summary>The optimizer's state as bytes in a tensor.</summary>
    public Tensor State => tensor(_rules is [var only] ? only.SaveState()
        : [.. _rules.Select(rule => rule.SaveState())
            .SelectMany(state => (byte[])[.. BitConverter.GetBytes(state.Length), .. state])]);

    /// <summary>Makes one meta-step.</summary>
    /// <returns>The norm of the mean meta-gradient.</returns>
    public double Step(IReadOnlyList<Contribution> contributions)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradient = Average(contributions);
        _vector.ZeroGradient();
        _vector.SharedGradient.copy_(tensor(gradient));
        foreach (var rule in _rules) rule.Update();
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
    public void Restore(Tensor state)
    {
        var bytes = state.data<byte>().ToArray();
        if (_rules is [var only])
        {
            only.RestoreState(bytes);
            return;
        }
        var at = 0;
        foreach (var rule in _rules)
        {
            var length = BitConverter.ToInt32(bytes, at);
            rule.RestoreState(bytes[(at + 4)..(at + 4 + length)]);
            at += 4 + length;
        }
    }

    /// <summary>Frees the optimizer's memory.</summary>
    public void Dispose()
    {
        foreach (var rule in _rules) rule.Dispose();
    }
}
