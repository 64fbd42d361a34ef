using System.ComponentModel.DataAnnotations;
using System.Runtime.InteropServices;

namespace RlLeap.MetaLearning;

/// <summary>
/// A method whose meta-gradient is that of the loss after training, differentiated through training, and whose tasks
/// learn by an update of its own: the base of MAML and Meta-SGD, and of a user's own.
/// </summary>
/// <remarks>
/// <para>With the inner rule U, which is SGD along a <see cref="Direction"/>, and meta state phi:</para>
/// <code>
/// theta^(i+1)   = U(theta^i, grad f(theta^i), phi),  i = 0 .. K-1      the inner loop, kept as one graph
/// meta-gradient = d outer loss(theta^K) / d (theta^0, phi)
/// </code>
/// <para>
/// A method says which meta state it has (<see cref="MetaState"/>) and what an entry moves against
/// (<see cref="Direction"/>). The state is made of meta parameters beside the network's (docs/roles.md): averages,
/// checkpoints, jobs and evaluations have it. After meta-training a task learns along the same direction.
/// </para>
/// <para>
/// Memory grows with the number of gradient steps. Parameters that are not shared train in the inner loop like the
/// others; their meta-gradient is not contributed. The network must be a function of its parameters: a torch.nn.Module
/// is refused.
/// </para>
/// </remarks>
public abstract record InnerUpdateMethod : PerTaskMethod
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

    /// <summary>Cuts the graph between inner steps, which gives the first-order form.</summary>
    /// <remarks>For tests and comparisons: <see cref="FirstOrderMamlOptions"/> is faster.</remarks>
    public bool FirstOrder { get; init; }

    /// <summary>All roles: the outer gradient is that of every parameter that is not frozen.</summary>
    public override bool Supports(ParameterRole role) => true;

    public override PathObserver Observe(string taskId) =>
        throw new NotSupportedException($"{Name} is a gradient through training, not an observer of it.");

    /// <summary>The meta state beside the network's parameters: names and shapes. By default none.</summary>
    /// <param name="network">The network that tasks learn with.</param>
    protected virtual IReadOnlyList<ParameterInfo> MetaState(Network network) => [];

    /// <summary>Draws an entry of the meta state, which arrives as zeros. Runs under no_grad.</summary>
    protected virtual void InitializeState(ParameterInfo entry, Tensor value, Rng rng) { }

    /// <summary>What an adapted entry moves against, at its learning rate. By default its gradient.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="gradient">The gradient of the loss in it.</param>
    /// <param name="state">The meta state by name; null where there is none of the name.</param>
    /// <returns>A tensor of the gradient's shape, made by operations that can be differentiated; null for an entry that
    /// stands still.</returns>
    protected virtual Tensor? Direction(ParameterInfo entry, Tensor gradient, Func<string, Tensor?> state) => gradient;

    protected override Network NetworkFor(Network network) => MetaState(network) is { Count: > 0 } state
        ? new MetaStateNetwork(network, Name, state, InitializeState) : network;

    /// <summary>Makes a task learn along <see cref="Direction"/>.</summary>
    public override void Prepare(Learner learner) => learner.GradientTransform = model =>
    {
        var layout = model.Parameters.Layout;
        for (var i = 0; i < layout.Entries.Count; i++)
        {
            if (layout.Entries[i].Role != ParameterRole.Adapted) continue;
            var gradient = model.Parameters.GradientOf(i);
            var direction = Direction(layout.Entries[i], gradient, name =>
                layout.Contains(name) ? model.Parameters[name].detach() : null);
            if (direction is null) gradient.zero_();
            else if (!ReferenceEquals(direction, gradient)) gradient.copy_(direction);
        }
    };

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

    protected override void Check(MetaLearnerContext context)
    {
        var name = Methods.NameOf(this);
        if (!context.Network.IsFunctional)
            throw new RlLeapException($"{name} cannot learn {context.Network.Name}: it is a torch.nn.Module, which "
                + "cannot be evaluated at other parameters. Write it as a RlLeap.Network, or use FOMAML, Reptile "
                + "or Leap.");
        var optimizer = context.Learner.Optimizer;
        if (optimizer.Kind != OptimizerKind.Sgd || optimizer.MaxGradientNorm > 0)
            throw new RlLeapException($"{name} differentiates through SGD without clipping only; the learner has "
                + $"{optimizer.Kind}{(optimizer.MaxGradientNorm > 0 ? " with clipping" : "")}. "
                + "Choose SGD, or another method.");
        if (context.Learner.Stopping is not null)
            throw new RlLeapException($"{name} differentiates through a number of gradient steps that is known before: "
                + "it cannot stop early. Leave early stopping out, or choose another method.");
        if (OuterBatches < 1)
            throw new RlLeapException($"{name} needs at least one outer batch; it has {OuterBatches}.");
        if (Outer == OuterBatch.LastTraining)
            throw new RlLeapException(
                $"The outer loss of {name} is taken after training: choose Validation or NextTraining batches.");
        if (context.Learner.GradientSteps < 1)
            throw new RlLeapException($"{name} needs at least one gradient step.");
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
            summary.Add(batch.Metrics, batch.Episodes);
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
    private Tensor[] Descend(
        ParameterLayout layout, int[] adapted, IReadOnlyList<Tensor> theta, IList<Tensor> gradients,
        Tensor?[] velocity, OptimizerOptions options, double rate)
    {
        Tensor[] next = [.. theta];
        for (var k = 0; k < adapted.Length; k++)
        {
            var i = adapted[k];
            var (here, gradient) = (theta[i], gradients[k]);
            if (gradient is null || gradient.IsInvalid) continue; // the loss does not reach this parameter
            var direction = Direction(layout.Entries[i], gradient, name =>
                layout.Contains(name) ? theta[layout.IndexOf(name)] : null);
            if (direction is null) continue; // it stands still
            gradient = direction;
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
            throw new RlLeapException($"{task}: differentiating through training needs a loss that is one number "
                + $"with a gradient; this one has {loss.numel()} and {(loss.requires_grad ? "a" : "no")} gradient. "
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
