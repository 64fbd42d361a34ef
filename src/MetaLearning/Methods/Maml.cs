using System.ComponentModel.DataAnnotations;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>MAML, second order: the gradient of the loss after training, through training (Finn, Abbeel and Levine 2017, arXiv 1703.03400, algorithm 2).</summary>
/// <remarks>
/// <para>The inner rule is SGD (momentum and weight decay included), unrolled as a graph; the memory grows with the number of gradient steps. Parameters that are
/// not shared train inside like the others; their gradient is not contributed.</para>
/// <para>Needs a <see cref="Network"/> that is a function of its parameters: a re-homed torch.nn.Module is refused by name.</para>
/// </remarks>
public sealed record MamlOptions : PerTaskMethod
{
    /// <summary>Which batches the outer loss is from: <see cref="OuterBatch.Validation"/> as in MAML, or training batches not yet seen.</summary>
    public OuterBatch Outer { get; init; } = OuterBatch.Validation;

    /// <summary>Batches of the outer loss, averaged.</summary>
    [Range(1, int.MaxValue)]
    public int OuterBatches { get; init; } = 1;

    /// <summary>
    /// Whether the outer loss starts from the last inner one, f(theta^(K-1)) on its training batch, instead of zero. The authors of Leap's MAML does; MAML does not.
    /// See docs/fidelity.md.
    /// </summary>
    public bool AddLastInnerLoss { get; init; }

    /// <summary>Cuts the graph between inner steps: first-order MAML, by MAML's own code (for tests and comparisons; slower than <see cref="FirstOrderMamlOptions"/>).</summary>
    public bool FirstOrder { get; init; }

    /// <inheritdoc/>
    public override string Name => "maml";

    /// <inheritdoc/>
    public override PathObserver Observe(string taskId) => throw new NotSupportedException("MAML is a gradient through training, not an observer of it.");

    /// <inheritdoc/>
    public override Contribution Train(TaskRun run)
    {
        using var learner = run.Begin(null);
        using var scope = NewDisposeScope();
        var (model, stream, options) = (learner.Model, learner.Stream, run.Work.Learner);
        IReadOnlyList<Tensor> theta = model.Parameters.Views;
        var velocity = new Tensor?[theta.Count];
        var (losses, error) = (new List<double>(), new TrainingSummary());
        var inner = zeros([], model.DType, model.Device);
        for (var step = 0L; step < options.GradientSteps; step++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var here = model.At(theta);
            using var batch = stream.NextBatch(here);
            inner = stream.Loss(here, batch);
            Try(inner, run.Work.TaskId, step);
            losses.Add(Value(inner, run.Work.TaskId, step));
            error.Add(batch.Metrics);
            // An unused parameter (a head that this loss does not touch) has no gradient and stays.
            var gradients = autograd.grad([inner], [.. theta], retain_graph: AddLastInnerLoss || !FirstOrder, create_graph: !FirstOrder, allow_unused: true);
            theta = Descend(theta, gradients, velocity, options.Optimizer, options.Optimizer.RateAt(step, options.GradientSteps));
        }
        var outer = zeros([], model.DType, model.Device);
        var split = Outer == OuterBatch.Validation ? Split.Validation : Split.Train;
        var end = model.At(theta);
        for (var i = 0; i < OuterBatches; i++)
        {
            using var batch = stream.NextBatch(end, split);
            outer = outer + stream.Loss(end, batch) / OuterBatches;
        }
        var outerLoss = Value(outer, run.Work.TaskId, options.GradientSteps);
        if (AddLastInnerLoss) outer = outer + inner;
        model.Parameters.ZeroGradient();
        outer.backward();
        var metrics = new Dictionary<string, double> { ["loss.first"] = losses[0], ["loss.last"] = losses[^1], ["loss.mean"] = losses.Average(), ["loss.outer"] = outerLoss };
        error.Record(metrics);
        return new Contribution(run.Work.TaskId, model.Parameters.SharedGradient.to_type(ScalarType.Float64).cpu().data<double>().ToArray(), options.GradientSteps, metrics);
    }

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext setting)
    {
        if (!setting.Network.IsFunctional)
            throw new RlLeapException($"MAML cannot learn {setting.Network.Name}: it is a torch.nn.Module, which cannot be evaluated at other parameters. Write it as a RlLeap.Network, or use FOMAML, Reptile or Leap.");
        var optimizer = setting.Learner.Optimizer;
        if (optimizer.Kind != OptimizerKind.Sgd || optimizer.MaxGradientNorm > 0)
            throw new RlLeapException($"MAML differentiates through SGD without clipping only; the learner has {optimizer.Kind}{(optimizer.MaxGradientNorm > 0 ? " with clipping" : "")}. Choose SGD, or another method.");
        if (setting.Learner.Stopping is not null) throw new RlLeapException("MAML differentiates through a number of gradient steps that is known before: it cannot stop early. Leave early stopping out, or choose another method.");
        if (OuterBatches < 1) throw new RlLeapException($"MAML needs at least one outer batch; it has {OuterBatches}.");
        if (Outer == OuterBatch.LastTraining) throw new RlLeapException("MAML's outer loss is taken after training: choose Validation or NextTraining batches.");
        if (setting.Learner.GradientSteps < 1) throw new RlLeapException("MAML needs at least one gradient step.");
    }

    // theta - rate v, v = momentum v + g + decay theta (torch.optim.SGD), as new graph tensors.
    private IReadOnlyList<Tensor> Descend(IReadOnlyList<Tensor> theta, IList<Tensor> gradients, Tensor?[] velocity, OptimizerOptions options, double rate)
    {
        var next = new Tensor[theta.Count];
        for (var i = 0; i < next.Length; i++)
        {
            var (here, gradient) = (theta[i], gradients[i]);
            if (gradient is null || gradient.IsInvalid) { next[i] = here; continue; }
            if (options.WeightDecay != 0) gradient = gradient + here * options.WeightDecay;
            if (options.Momentum != 0) velocity[i] = gradient = velocity[i] is { } v ? v * options.Momentum + gradient : gradient;
            next[i] = here - gradient * rate;
        }
        return next;
    }

    // An error in autograd.grad ends the process; backward, over the same graph, throws it. One try a task is enough for
    // what a network always does wrong, and the gradient that it leaves is zeroed before the outer loss's.
    private static void Try(Tensor loss, string task, long step)
    {
        if (!loss.requires_grad || loss.numel() != 1)
            throw new RlLeapException($"{task}: MAML needs a loss that is one number with a gradient; this one has "
                + $"{loss.numel()} and {(loss.requires_grad ? "a" : "no")} gradient. Does the network compute under no_grad, "
                + "or detach what it returns?");
        if (step > 0) return;
        try { loss.backward(retain_graph: true); }
        catch (ExternalException e)
        {
            throw new RlLeapException($"{task}: the loss cannot be differentiated: {e.Summary()}", e);
        }
    }

    private static double Value(Tensor loss, string task, long step)
    {
        var value = loss.detach().to_type(ScalarType.Float64).item<double>();
        return double.IsFinite(value) ? value : throw new DivergenceException(task, step, "loss", value);
    }
}
