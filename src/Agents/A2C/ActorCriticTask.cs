namespace RlLeap.Agents;

/// <summary>
/// An environment to be mastered by an actor-critic, seen as a task: its stream of losses comes from rollouts of the
/// very model being trained.
/// </summary>
public sealed class ActorCriticTask : ITask
{
    private readonly Func<Rng, IVectorEnvironment> _open;
    private readonly string? _id;
    private readonly int _workers = 1, _threads = 1;

    /// <summary>
    /// The environment registered as <paramref name="id"/>, stepped on <paramref name="threads"/> threads (results do
    /// not depend on their number).
    /// </summary>
    /// <param name="id">Its id, options included.</param>
    /// <param name="options">How the agent learns.</param>
    /// <param name="threads">Threads that step the environments, shared by all workers.</param>
    /// <param name="workers">Threads that learn. With A2C each acts and differentiates in its part of the environments,
    /// and results depend on their number. With PPO they differentiate the pieces of a minibatch, and step the
    /// environments; no result depends on their number.</param>
    /// <exception cref="RlLeapException">Unknown environment or bad options.</exception>
    public ActorCriticTask(string id, ActorCriticOptions options, int threads = 1, int workers = 1)
        : this(Registry.Spec(id), options, rng => Registry.MakeVector(id, options.Environments, rng,
            options.Ppo is null ? threads : Math.Max(threads, workers)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        if (options.Ppo is null && options.Environments % workers != 0)
            throw new RlLeapException($"{options.Environments} environments cannot be split evenly over "
                + $"{workers} workers. Choose another number of one of them.");
        (_id, _workers, _threads) = (id, workers, threads);
    }

    /// <summary>Environments of a spec that <paramref name="open"/> makes, as many as the options say.</summary>
    public ActorCriticTask(EnvironmentSpec spec, ActorCriticOptions options, Func<Rng, IVectorEnvironment> open)
    {
        (Spec, Options, _open) = (spec, options.Checked(), open);
        Distribution = new ActionDistribution(spec, options.Gaussian);
        Info = new TaskInfo(spec.Id, spec.Observation.Shape, ActorCritic.Heads(Distribution, options));
    }

    /// <summary>What the environment is.</summary>
    public EnvironmentSpec Spec { get; }

    /// <summary>How the agent learns.</summary>
    public ActorCriticOptions Options { get; }

    /// <summary>What the policy's outputs mean.</summary>
    public ActionDistribution Distribution { get; }

    public TaskInfo Info { get; }

    /// <summary>The encoder that the options name, for this environment's observations.</summary>
    public Network CreateNetwork() => AgentNetworks.Create(Options, Spec.Observation);

    /// <summary>Options for a <see cref="Learner"/> of at least <paramref name="agentSteps"/> agent steps.</summary>
    public LearnerOptions LearnerOptions(long agentSteps) => new()
    {
        Optimizer = Options.Optimizer,
        GradientSteps = (agentSteps + Options.BatchSize - 1) / Options.BatchSize * Options.UpdatesPerRollout,
        Roles = Options.Roles,
        Rates = Options.Rates,
    };

    ITaskStream ITask.Open(Rng rng, Device device) => Open(rng, device);

    /// <inheritdoc cref="ITask.Open"/>
    public IAgentStream Open(Rng rng, Device device)
    {
        if (Options.Ppo is not null) return new PpoStream(this, rng, device, _open, _workers);
        if (_workers == 1) return new ActorCriticStream(this, rng, device, _open);
        return new ParallelAgentStream(this, _workers, rng, device, (part, parts) =>
            Registry.MakeVector(_id!, part.Options.Environments, parts, Math.Max(1, _threads / _workers)));
    }
}
