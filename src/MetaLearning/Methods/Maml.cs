using System.ComponentModel.DataAnnotations;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>MAML, second order: the gradient of the loss after training, differentiated through training.</summary>
/// <remarks>
/// <para>
/// Finn, Abbeel and Levine 2017, arXiv 1703.03400, algorithm 2. With the inner rule U (SGD, momentum and weight decay
/// included):
/// </para>
/// <code>
/// theta^(i+1)   = U(theta^i, grad f(theta^i)),  i = 0 .. K-1      the inner loop, kept as one graph
/// meta-gradient = d outer loss(theta^K) / d theta^0
/// </code>
/// <para>
/// Memory grows with the number of gradient steps. Parameters that are not shared train in the inner loop like the
/// others; their meta-gradient is not contributed. The network must be a function of its parameters: a torch.nn.Module
/// is refused.
/// </para>
/// </remarks>
public sealed record MamlOptions : PerTaskMethod
{
    /// <summary>Which batches the outer loss is from: validation batches as in MAML, or new training batches.</summary>
    public OuterBatch Outer { get; init; } = OuterBatch.Validation;

    /// <summary>Batches of the outer loss, which are averaged.</summary>
    [Range(1, int.MaxValue)]
    public int OuterBatches { get; init; } = 1;

    /// <summary>
    /// Whether the last inner loss, f(theta^(K-1)) on its training batch, is added to the outer loss.
    /// </summary>
    /// <remarks>The code of Leap's authors adds it; MAML does not. See docs/fidelity.md.</remarks>
    public bool AddLastInnerLoss { get; init; }

    /// <summary>Cuts the graph between inner steps, which gives first-order MAML.</summary>
    /// <remarks>For tests and comparisons: <see cref="FirstOrderMamlOptions"/> is faster.</remarks>
    public bool FirstOrder { get; init; }

    /// <inheritdoc/>
    public override string Name => "maml";

    /// <summary>All roles: the outer gradient is that of every parameter that is not frozen.</summary>
    public override bool Honours(ParameterRole role) => true;

    /// <inheritdoc/>
    public override PathObserver Observe(string taskId) =>
        throw new NotSupportedException("MAML is a gradient through training, not an observer of it.");

    /// <inheritdoc/>
    public override Contribution Train(TaskRun run)
    {
        using var learner = run.Begin(observer: null);
        using var scope = NewDisposeScope();
        var (model, steps) = (learner.Model, run.Job.Learner.GradientSteps);
        var (losses, summary) = (new LossSummary(), new TrainingSummary());

        var (theta, innerLoss) = InnerLoop(run, learner, losses, summary);
        var outerLoss = OuterLoss(learner, model.At(theta));
        var outerValue = ValueOf(outerLoss, run.Job.TaskId, steps);
        if (AddLastInnerLoss) outerLoss = outerLoss + innerLoss;
        model.Parameters.ZeroGradient();
        outerLoss.backward();

        var metrics = losses.Metrics;
        metrics["loss.outer"] = outerValue;
        summary.Record(metrics);
        var gradient = model.Parameters.SharedGradient.to_type(ScalarType.Float64).cpu().data<double>().ToArray();
        return new Contribution(run.Job.TaskId, gradient, steps, metrics);
    }

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext context)
    {
        if (!context.Network.IsFunctional)
            throw new RlLeapException($"MAML cannot learn {context.Network.Name}: it is a torch.nn.Module, which "
                + "cannot be evaluated at other parameters. Write it as a RlLeap.Network, or use FOMAML, Reptile "
                + "or Leap.");
        var optimizer = context.Learner.Optimizer;
        if (optimizer.Kind != OptimizerKind.Sgd || optimizer.MaxGradientNorm > 0)
            throw new RlLeapException("MAML differentiates through SGD without clipping only; the learner has "
                + $"{optimizer.Kind}{(optimizer.MaxGradientNorm > 0 ? " with clipping" : "")}. "
                + "Choose SGD, or another method.");
        if (context.Learner.Stopping is not null)
            throw new RlLeapException("MAML differentiates through a number of gradient steps that is known before: it "
                + "cannot stop early. Leave early stopping out, or choose another method.");
        if (OuterBatches < 1) throw new RlLeapException($"MAML needs at least one outer batch; it has {OuterBatches}.");
        if (Outer == OuterBatch.LastTraining)
            throw new RlLeapException(
                "MAML's outer loss is taken after training: choose Validation or NextTraining batches.");
        if (context.Learner.GradientSteps < 1) throw new RlLeapException("MAML needs at least one gradient step.");
    }

    /// <summary>Trains from theta^0 to theta^K.</summary>
    /// <returns>theta^K as graph tensors, and the last inner loss.</returns>
    private (IReadOnlyList<Tensor> Theta, Tensor LastLoss) InnerLoop(
        TaskRun run, Learner learner, LossSummary losses, TrainingSummary summary)
    {
        var (model, stream, options) = (learner.Model, learner.Stream, run.Job.Learner);
        IReadOnlyList<Tensor> theta = model.Parameters.Views;
        var velocity = new Tensor?[theta.Count];
        var entries = model.Parameters.Layout.Entries;
        int[] adapted = [.. Enumerable.Range(0, theta.Count)
            .Where(i => entries[i] is { Role: ParameterRole.Adapted, Rate: > 0 })];
        var loss = zeros([], model.DType, model.Device);
        for (var step = 0L; step < options.GradientSteps; step++)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var here = model.At(theta);
            using var batch = stream.NextBatch(here);
            loss = stream.Loss(here, batch);
            RequireDifferentiable(loss, run.Job.TaskId, step);
            losses.Add(ValueOf(loss, run.Job.TaskId, step));
            summary.Add(batch.Metrics);
            var gradients = autograd.grad(
                [loss], [.. adapted.Select(i => theta[i])], retain_graph: AddLastInnerLoss || !FirstOrder,
                create_graph: !FirstOrder, allow_unused: true);
            var rate = options.Optimizer.RateAt(step, options.GradientSteps);
            theta = Descend(model.Parameters.Layout, adapted, theta, gradients, velocity, options.Optimizer, rate);
        }
        return (theta, loss);
    }

    /// <summary>The mean loss of the outer batches at the end of training.</summary>
    private Tensor OuterLoss(Learner learner, Model end)
    {
        var loss = zeros([], end.DType, end.Device);
        var split = Outer == OuterBatch.Validation ? Split.Validation : Split.Train;
        for (var i = 0; i < OuterBatches; i++)
        {
            using var batch = learner.Stream.NextBatch(end, split);
            loss = loss + learner.Stream.Loss(end, batch) / OuterBatches;
        }
        return loss;
    }

    /// <summary>One step of torch.optim.SGD on the adapted entries as new graph tensors.</summary>
    /// <remarks>v = momentum v + gradient + decay theta, then theta - rate v.</remarks>
    private static Tensor[] Descend(
        ParameterLayout layout, int[] adapted, IReadOnlyList<Tensor> theta, IList<Tensor> gradients,
        Tensor?[] velocity, OptimizerOptions options, double rate)
    {
        Tensor[] next = [.. theta];
        for (var k = 0; k < adapted.Length; k++)
        {
            var i = adapted[k];
            var (here, gradient) = (theta[i], gradients[k]);
            if (gradient is null || gradient.IsInvalid) continue; // the loss does not reach this parameter
            if (options.WeightDecay != 0) gradient = gradient + here * options.WeightDecay;
            if (options.Momentum != 0)
                velocity[i] = gradient = velocity[i] is { } v ? v * options.Momentum + gradient : gradient;
            next[i] = here - gradient * (rate * layout.Entries[i].Rate);
        }
        return next;
    }

    /// <summary>Refuses a loss that cannot be differentiated.</summary>
    /// <remarks>
    /// An error inside autograd.grad ends the process, but backward over the same graph throws it. The first step of a
    /// task tries backward, which finds what a network always does wrong. The outer loss zeroes the gradient that this
    /// leaves behind.
    /// </remarks>
    internal static void RequireDifferentiable(Tensor loss, string task, long step)
    {
        if (!loss.requires_grad || loss.numel() != 1)
            throw new RlLeapException($"{task}: MAML needs a loss that is one number with a gradient; this one has "
                + $"{loss.numel()} and {(loss.requires_grad ? "a" : "no")} gradient. "
                + "Does the network compute under no_grad, or detach what it returns?");
        if (step > 0) return;
        try { loss.backward(retain_graph: true); }
        catch (ExternalException e)
        {
            throw new RlLeapException($"{task}: the loss cannot be differentiated: {e.Summary()}", e);
        }
    }

    private static double ValueOf(Tensor loss, string task, long step)
    {
        var value = loss.detach().to_type(ScalarType.Float64).item<double>();
        return double.IsFinite(value) ? value : throw new DivergenceException(task, step, "loss", value);
    }
}
