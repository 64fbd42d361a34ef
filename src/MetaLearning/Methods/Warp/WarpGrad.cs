using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace RlLeap.MetaLearning;

/// <summary>How warps are learned.</summary>
public enum WarpUpdate
{
    /// <summary>
    /// The gradient of the warps is summed while a task trains. It falls out of the same backward pass.
    /// </summary>
    Online,
    /// <summary>A trained task goes over points of its path, moves a copy of the warps, and contributes the
    /// displacement.</summary>
    Local,
    /// <summary>The points of all tasks are shuffled, and the warps make one step for each: the authors'
    /// algorithm.</summary>
    Central,
}

/// <summary>
/// WarpGrad: layers between those that tasks train are learned so that steps from anywhere on the tasks' paths reduce
/// the loss.
/// </summary>
/// <remarks>
/// <para>Flennerhag et al. 2020, arXiv 1909.00025. A task trains the network's own parameters; the warps phi stand
/// still. Back-propagation through them changes the gradient that the task follows. Between tasks phi moves along the
/// gradient of</para>
/// <code>
/// sum over tasks and points theta_k of their paths:  f(theta_k - alpha grad f(theta_k; phi); phi)     exact
///                                                    f(theta_k; phi)                                  first order
/// </code>
/// <para>in which theta_k is constant. The initialization is learned beside it by another method.</para>
/// <para>Online and local are a map and a reduce. Central makes its steps one after another, where the meta-learner
/// runs.</para>
/// </remarks>
public sealed record WarpOptions : PerTaskMethod
{
    /// <summary>What a warp is: none, scaling, conv1x1 or conv3x3.</summary>
    public WarpLayer Layer { get; init; } = WarpLayer.Conv3x3;

    /// <summary>Layers of a warp, with a ReLU between two. Two layers need <see cref="Residual"/>.</summary>
    [Range(1, 2)]
    public int Depth { get; init; } = 1;

    /// <summary>Whether a warp adds what it computes to the units that it is given.</summary>
    public bool Residual { get; init; }

    /// <summary>How warps are learned: online, local or central.</summary>
    public WarpUpdate Update { get; init; }

    /// <summary>
    /// Whether the gradient goes through one inner step (local and central). It has second derivatives, and costs about
    /// three times as much.
    /// </summary>
    public bool Exact { get; init; }

    /// <summary>How the initialization is learned, by its name and options; null: it stays as it is drawn.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] // null is not the default
    public MetaLearningMethod? Initialization { get; init; } = new LeapOptions { LossInPath = false };

    /// <summary>
    /// How warps move along the mean of the tasks' sums (online); null: as the initialization does. A sum has as many
    /// terms as a task has gradient steps.
    /// </summary>
    public OptimizerOptions? Optimizer { get; init; }

    /// <summary>Learning rate of the steps that warps make at stored points (local and central).</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 0.1;

    /// <summary>Gradient steps from one stored point to the next (local and central); 1 stores all.</summary>
    [Range(1, int.MaxValue)]
    public int KeepEvery { get; init; } = 10;

    /// <summary>
    /// Meta learning rate of the tasks' step sizes, one for each layer of the network, from dot products of each
    /// gradient with the step before it; 0: they are not learned. Needs no further pass.
    /// </summary>
    [Range(0, double.PositiveInfinity)]
    public double LearnRates { get; init; }

    /// <summary>
    /// How often in a meta-step tasks go over their points and the warps are averaged (local). The first round is part
    /// of each task's training. Further ones are made where the meta-learner runs, on all cores.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Rounds { get; init; } = 1;

    public override string Name => "warp";

    /// <summary>All roles.</summary>
    public override bool Supports(ParameterRole role) => true;

    public override PathObserver Observe(string taskId) =>
        throw new NotSupportedException("WarpGrad trains its tasks itself: it sees more than the shared parameters.");

    public override Contribution Train(TaskRun run)
    {
        var observer = new WarpObserver(run.Job.TaskId, this);
        using var learner = run.Begin(observer);
        observer.Attach(learner.Model);
        learner.Model.Parameters.Differentiate(ParameterRole.Meta, wanted: Update == WarpUpdate.Online);
        run.Complete(learner);
        var contribution = learner.Contribute();
        if (Update == WarpUpdate.Online) return contribution;
        var points = observer.StoredPoints;
        if (Update == WarpUpdate.Central) return contribution with { Points = points };
        var pass = new WarpPass(this, run.Job);
        pass.Add(learner.Task, learner.Model, points);
        contribution = pass.Displace(contribution, pass.Run(run.Cancellation));
        return Rounds > 1 ? contribution with { Points = points } : contribution;
    }

    /// <summary>Whether the points of all tasks of a meta-batch are held together.</summary>
    [JsonIgnore]
    public bool HoldsBatch => Update == WarpUpdate.Central || (Update == WarpUpdate.Local && Rounds > 1);

    /// <summary>The bytes of the points that one task stores.</summary>
    /// <param name="adapted">Numbers that a task adapts.</param>
    /// <param name="gradientSteps">Gradient steps of a task.</param>
    public long PointBytes(long adapted, long gradientSteps) => Update == WarpUpdate.Online ? 0
        : (gradientSteps + KeepEvery - 1) / KeepEvery * adapted * sizeof(float);

    protected override Network NetworkFor(Network network)
    {
        if (LearnRates > 0) network = PathRates.In(network);
        return Layer == WarpLayer.None ? network : new WarpedNetwork(network, Layer, Depth, Residual);
    }

    /// <summary>Gives the task the step sizes that were learned.</summary>
    public override void Prepare(Learner learner)
    {
        if (LearnRates > 0) learner.ScaleRates(PathRates.Factors(learner.Model.Parameters));
    }

    protected internal override OptimizerOptions MetaParameterOptimizer(
        ParameterInfo entry, OptimizerOptions optimizer) =>
        PathRates.Is(entry) ? new OptimizerOptions { LearningRate = LearnRates }
        : Update == WarpUpdate.Online ? Optimizer ?? optimizer : new OptimizerOptions { LearningRate = 1 };

    protected internal override IReadOnlyList<Contribution> Gather(
        MetaInitialization start, IReadOnlyList<TrainedTask> trained, CancellationToken cancellation)
    {
        if (!HoldsBatch) return base.Gather(start, trained, cancellation);
        if (Update == WarpUpdate.Local) return WarpRounds.Run(this, start, trained, cancellation);
        var pass = new WarpPass(this, trained[0].Job);
        var models = new List<Model>();
        try
        {
            foreach (var (task, job, contribution) in trained)
            {
                models.Add(WarpPass.ModelOf(start, task, job));
                pass.Add(task, models[^1], contribution.Points!, job);
            }
            var displacement = pass.Run(cancellation);
            return [.. trained.Select(t => pass.Displace(t.Contribution with { Points = null }, displacement))];
        }
        finally
        {
            foreach (var model in models) model.Dispose();
        }
    }

    protected override void Check(MetaLearnerContext context)
    {
        if (Initialization is not (null or PerTaskMethod) || Initialization is WarpOptions or InnerUpdateMethod)
            throw new RlLeapException($"method.initialization is {Methods.NameOf(Initialization)}, which does not "
                + "learn an initialization from a path. Expected leap, reptile, fomaml, one of your own of that kind, "
                + "or null.");
        (Initialization as PerTaskMethod)?.Observe("").Dispose();
        if (Depth == 2 && (!Residual || Layer is WarpLayer.None or WarpLayer.Scaling))
            throw new RlLeapException("A warp of two layers is a convolution with residual: true, since only so it can "
                + "start as the identity.");
        if (Residual && Layer is WarpLayer.None or WarpLayer.Scaling)
            throw new RlLeapException($"A warp of the kind {Names.Kebab(Layer.ToString())} has nothing to add to: set "
                + "residual: false, or choose conv1x1 or conv3x3.");
        if (Exact && (Update == WarpUpdate.Online || context.Learner.Optimizer is not { Kind: OptimizerKind.Sgd }))
            throw new RlLeapException("The exact gradient of a warp goes through one step of SGD at a stored point: it "
                + "needs update: local or central, and tasks that learn with Sgd.");
        var network = context.Network;
        var roles = Model.LayoutOf(network, context.Pool[0].Info.Heads, context.Learner.ParameterRoles);
        if (Update != WarpUpdate.Online)
        {
            var adapted = roles.Groups().Sum(group => group.Count);
            var bytes = PointBytes(adapted, context.Learner.For(context.Pool[0].Info).GradientSteps)
                * (HoldsBatch ? context.MetaBatch
                    : Math.Min(context.MetaBatch, System.Environment.ProcessorCount));
            var there = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            if (bytes > there)
                throw new RlLeapException(FormattableString.Invariant(
                    $"The points that WarpGrad stores take {bytes / 1e9:N1} GB; there are {there / 1e9:N1} GB. ")
                    + "Make keep-every larger, tasks shorter or the meta-batch smaller, or choose update: online.");
        }
    }
}
