namespace RlLeap.Agents;

/// <summary>A loss that is a sum of parts, each differentiated on any free thread with its own replica.</summary>
/// <remarks>
/// The parts' gradients are added in their order, so no bit depends on how many threads there are. The loss that comes
/// of it has the sum's value and gradient. It has no second derivative, so it needs a model at its own parameters.
/// </remarks>
/// <param name="pool">Whose threads do them; it stays the caller's.</param>
internal sealed class GradientReplicas(int parts, WorkerPool pool) : IDisposable
{
    private readonly double[] _losses = new double[parts];
    private ParameterVector? _of; // whose replicas these are
    private ParameterVector[] _replicas = [];

    /// <summary>For each part a model at its replica, which sees every update of the parameters.</summary>
    public Model[] Models { get; private set; } = [];

    /// <summary>Makes <see cref="Models"/> those of <paramref name="model"/>.</summary>
    /// <exception cref="RlLeapException">The model is at other parameters than its own, or has buffers.</exception>
    public void Follow(Model model)
    {
        if (ReferenceEquals(_of, model.Parameters) && model.IsAtParameters) return;
        if (!model.IsAtParameters)
            throw new RlLeapException($"{model.Network.Name} is to be evaluated at other parameters than its own, "
                + $"through which {parts} workers cannot differentiate. Use one worker (--set workers=1).");
        if (model.Buffers.Layout.Entries.Count > 0)
            throw new RlLeapException($"{model.Network.Name} has buffers ("
                + $"{model.Buffers.Layout.Entries[0].Name}), which {parts} workers would change at the same "
                + "time. Use one worker (--set workers=1), or a network without.");
        foreach (var replica in _replicas) replica.Dispose();
        _of = model.Parameters;
        _replicas = [.. Enumerable.Range(0, parts).Select(_ => model.Parameters.Replica())];
        Models = [.. _replicas.Select(model.At)];
    }

    /// <summary>The sum of the parts' losses as one scalar, whose gradient is the sum of theirs.</summary>
    /// <param name="loss">The loss of a part of a model, weighted as it counts in the sum.</param>
    public Tensor Sum(Func<int, Model, Tensor> loss)
    {
        pool.Run(parts, k => _losses[k] = Differentiate(k, loss));
        return Known(_of!, _losses.Sum());
    }

    /// <summary>Frees the replicas.</summary>
    public void Dispose()
    {
        foreach (var replica in _replicas) replica.Dispose();
    }

    // A part's share of the loss; its gradient is then that of its replica.
    private double Differentiate(int part, Func<int, Model, Tensor> lossOf)
    {
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        var loss = lossOf(part, Models[part]);
        _replicas[part].ZeroGradient();
        loss.backward();
        return loss.detach().to_type(ScalarType.Float64).item<double>();
    }

    // A scalar of this value, whose gradient is the sum of the replicas'.
    private Tensor Known(ParameterVector parameters, double value)
    {
        var sum = _replicas[0];
        using (no_grad())
            foreach (var replica in _replicas.Skip(1)) sum.Gradient!.add_(replica.Gradient!);
        using var _ = enable_grad();
        // Its graph knows the sum's version: backward of a loss whose gradient was overwritten by a later one's is
        // refused.
        var guard = parameters.Views[^1].select(0, 0) * sum.GradientOf(parameters.Views.Count - 1).select(0, 0);
        return KnownGradient.apply([value, sum, guard, .. parameters.Views]);
    }

    // (value, vector with the gradient, guard, parameters...) to a scalar. Exceptions in backward would end the
    // process: it has none.
    private sealed class KnownGradient : autograd.SingleTensorFunction<KnownGradient>
    {
        public override string Name => "KnownGradient";

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
        {
            var sum = (ParameterVector)inputs[1];
            context.save_data("sum", sum);
            return full([], (double)inputs[0], sum.Flat.dtype, sum.Flat.device);
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            var sum = (ParameterVector)context.get_data("sum");
            var one = gradient.to_type(ScalarType.Float64).item<double>() == 1; // as most often: no copy
            return [null!, null!, zeros_like(gradient),
                .. sum.Views.Select((_, i) => one ? sum.GradientOf(i) : sum.GradientOf(i) * gradient)];
        }
    }
}
