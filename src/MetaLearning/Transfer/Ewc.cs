using System.ComponentModel.DataAnnotations;

namespace RlLeap.MetaLearning;

/// <summary>
/// Elastic weight consolidation: a weight that earlier tasks need is held near where they left it.
/// </summary>
/// <remarks>
/// <para>Kirkpatrick et al. 2017, arXiv 1612.00796, equation 3, summed over the tasks i learned before:</para>
/// <code>
/// loss  +=  strength / 2 * sum_i sum_j F_ij (theta_j - theta*_ij)^2
/// </code>
/// <para>
/// theta*_i is where task i ended and F_i the diagonal of its Fisher information there. F is estimated from the task's
/// own stream of losses: the mean over batches of the squared gradient, times the batch's size. That is the empirical
/// Fisher information where the loss is a mean over independent examples and the gradient is near zero.
/// </para>
/// <para>
/// A task that is seen again is not held by its own earlier visit, which is replaced. With a strength of 0 this is
/// <see cref="SequentialOptions"/>, to the bit. Batch norms are the task's own. See docs/fidelity.md.
/// </para>
/// </remarks>
public sealed record EwcOptions : MetaLearningMethod
{
    /// <summary>How firmly earlier tasks hold weights: the paper's lambda.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Strength { get; init; } = 100;

    /// <summary>
    /// Largest curvature of the penalty in one weight, all earlier tasks together; 0 for none. With SGD, learning
    /// diverges where it is above 2 divided by the rate; at 1 divided by the rate, a step puts such a weight back.
    /// </summary>
    [Range(0, double.PositiveInfinity)]
    public double MaxCurvature { get; init; }

    /// <summary>Training batches that the Fisher information is estimated from when a visit ends.</summary>
    [Range(1, int.MaxValue)]
    public int FisherBatches { get; init; } = 50;

    /// <summary>Whether batch-norm parameters and statistics belong to a task, as in HAT.</summary>
    public bool TaskNorms { get; init; } = true;

    public override string Name => "ewc";
    protected override void Check(MetaLearnerContext context) => SequentialLearner.Check(context, TaskNorms);
    protected override IMetaLearner Open(MetaLearnerContext context) => new Ewc(this, context);
}

/// <summary>Visits tasks with one encoder, and remembers where each ended and what it needs.</summary>
internal sealed class Ewc(EwcOptions options, MetaLearnerContext context)
    : SequentialLearner(options, context, options.TaskNorms)
{
    /// <summary>Names of a task's own tensors [s]: where it ended, and the information there.</summary>
    internal const string Anchor = "ewc.anchor", Information = "ewc.information";

    protected override ITask TaskOf(ITask task)
    {
        if (options.Strength == 0) return task;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using Scalar strength = options.Strength, most = options.MaxCurvature, one = 1;
        var others = Tasks.Where(other => other.Key != task.Info.Id).Select(other => other.Value).ToList();
        var curvatures = others.ConvertAll(other => other[Information] * strength);
        if (options.MaxCurvature > 0 && curvatures.Count > 0)
        {
            // Each task keeps its share of a weight's curvature.
            var part = (most / curvatures.Aggregate((a, b) => a + b)).clamp(max: one);
            curvatures = curvatures.ConvertAll(curvature => curvature * part);
        }
        return new EwcTask(task, [.. others.Zip(curvatures, (other, curvature) => new Quadratic(
            other[Anchor].clone().DetachFromDisposeScope(), curvature.DetachFromDisposeScope()))]);
    }

    protected override Dictionary<string, Tensor> Consolidate(ITask task, Learner learner)
    {
        if (options.Strength == 0) return base.Consolidate(task, learner);
        var information = InformationOf(learner);
        var own = base.Consolidate(task, learner);
        own.Add(Anchor, learner.Model.Parameters.Shared.clone());
        own.Add(Information, information);
        return own;
    }

    /// <summary>The diagonal [s] of the empirical Fisher information where a learner is; zero for norms.</summary>
    internal Tensor InformationOf(Learner learner)
    {
        var (model, stream) = (learner.Model, learner.Stream);
        var sum = zeros_like(model.Parameters.Shared);
        model.Training = false; // no penalty, and statistics that stand still
        for (var i = 0; i < options.FisherBatches; i++)
        {
            using var scope = NewDisposeScope();
            using var _ = enable_grad();
            using var batch = stream.NextBatch(model);
            model.Parameters.ZeroGradient();
            stream.Loss(model, batch).backward();
            using var __ = no_grad();
            using Scalar size = batch.Count / (double)options.FisherBatches;
            sum.add_(model.Parameters.SharedGradient.square(), size);
        }
        model.Training = true;
        for (var i = 0; i < Initialization.Shared.Layout.Entries.Count; i++)
            if (IsTasksOwn(Initialization.Shared.Layout.Entries[i].Name))
                sum.narrow(0, Initialization.Shared.Layout.Offsets[i],
                    Initialization.Shared.Layout.Entries[i].Count).zero_();
        return sum;
    }
}

/// <summary>What one task holds weights by: where it ended [s] and the curvature of its penalty [s].</summary>
internal sealed record Quadratic(Tensor Anchor, Tensor Curvature) : IDisposable
{
    public void Dispose()
    {
        Anchor.Dispose();
        Curvature.Dispose();
    }
}

/// <summary>A task whose training loss has the penalty of the tasks before it.</summary>
/// <remarks>It owns the quadratics; its one stream disposes them.</remarks>
internal sealed class EwcTask(ITask inner, Quadratic[] before) : ITask
{
    public TaskInfo Info => inner.Info;

    public ITaskStream Open(Rng rng, Device device) => new Stream(inner.Open(rng, device), before);

    private sealed class Stream(ITaskStream inner, Quadratic[] before) : StreamWrapper(inner)
    {
        public override Tensor Loss(Model model, IBatch batch)
        {
            var loss = Inner.Loss(model, batch);
            if (!model.Training || before.Length == 0) return loss;
            // The flat vector and its views have one gradient buffer, so that both may be differentiated by.
            var theta = model.Parameters.Flat.narrow(0, 0, before[0].Anchor.numel());
            using Scalar half = 0.5;
            foreach (var held in before)
                loss = loss + (held.Curvature * (theta - held.Anchor).square()).sum().mul(half);
            return loss;
        }

        public override void Dispose()
        {
            base.Dispose();
            foreach (var held in before) held.Dispose();
        }
    }
}
