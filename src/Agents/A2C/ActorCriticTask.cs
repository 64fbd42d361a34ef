using RlLeap.Environments;
using static TorchSharp.torch;

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
    /// <param name="workers">Threads that act and differentiate, each in its part of the environments; results depend
    /// on their number.</param>
    /// <exception cref="RlLeapException">Unknown environment or bad options.</exception>
    public ActorCriticTask(string id, ActorCriticOptions options, int threads = 1, int workers = 1)
        : this(Registry.Spec(id), options, rng => Registry.MakeVector(id, options.Environments, rng, threads))
    {
        if (workers < 1 || options.Environments % workers != 0)
            throw new RlLeapException($"{options.Environments} environments cannot be split evenly over "
                + $"{workers} workers. Choose another number of one of them.");
        (_id, _workers, _threads) = (id, workers, threads);
    }

    /// <summary>
    /// Environments of <paramref name="spec"/> that <paramref name="open"/> makes, as many as the options say.
    /// </summary>
    public ActorCriticTask(EnvironmentSpec spec, ActorCriticOptions options, Func<Rng, IVectorEnvironment> open)
    {
        (Spec, Options, _open) = (spec, options.Checked(), open);
        Info = new TaskInfo(spec.Id, spec.Observation.Shape,
            ActorCritic.Heads(spec.Action.Count, options.Initialization));
    }

    /// <summary>What the environment is.</summary>
    public EnvironmentSpec Spec { get; }

    /// <summary>How the agent learns.</summary>
    public ActorCriticOptions Options { get; }

    /// <inheritdoc/>
    public TaskInfo Info { get; }

    /// <summary>The encoder that the options name, for this environment's observations.</summary>
    public Network CreateNetwork() =>
        AgentNetworks.Create(Options.Network, Spec.Observation, Options.Initialization, Options.LayerNorm);

    /// <summary>
    /// Options for a <see cref="Learner"/> that makes at least <paramref name="agentSteps"/> agent steps.
    /// </summary>
    public LearnerOptions LearnerOptions(long agentSteps) => new()
    {
        Optimizer = Options.Optimizer, GradientSteps = (agentSteps + Options.BatchSize - 1) / Options.BatchSize
    };

    /// <inheritdoc/>
    ITaskStream ITask.Open(Rng rng, Device device) => Open(rng, device);

    /// <inheritdoc cref="ITask.Open"/>
    public IAgentStream Open(Rng rng, Device device) => _workers == 1 ? new ActorCriticStream(this, rng, device, _open)
        : new ParallelAgentStream(this, _workers, rng, device, (part, parts) =>
            Registry.MakeVector(_id!, part.Options.Environments, parts, Math.Max(1, _threads / _workers)));
}

/// <summary>An agent at work: a stream of losses that knows its episodes.</summary>
public interface IAgentStream : ITaskStream
{
    /// <summary>The episodes finished so far.</summary>
    EpisodeWindow Episodes { get; }

    /// <summary>
    /// The episodes that ended in the last batch, each with the agent step (all copies together, from the stream's
    /// beginning) of its end.
    /// </summary>
    IReadOnlyList<(long AgentStep, EpisodeRecord Episode)> Finished { get; }
}

/// <summary>An agent at work in its environments: the stream behind <see cref="ActorCriticTask"/>.</summary>
public sealed class ActorCriticStream : IAgentStream
{
    private readonly ActorCriticTask _task;
    private readonly Rng _rng;
    private readonly Device _device;
    private readonly Func<Rng, IVectorEnvironment> _open;
    private readonly List<(long AgentStep, EpisodeRecord Episode)> _finished = [];
    private Actor? _actor;
    private int _generation;
    private long _agentSteps;

    internal ActorCriticStream(ActorCriticTask task, Rng rng, Device device, Func<Rng, IVectorEnvironment> open) =>
        (_task, _rng, _device, _open) = (task, rng, device, open);

    /// <inheritdoc/>
    public EpisodeWindow Episodes { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<(long AgentStep, EpisodeRecord Episode)> Finished => _finished;

    /// <summary>The next rollout of <paramref name="model"/>.</summary>
    public IBatch NextBatch(Model model, Split split = Split.Train)
    {
        var rollout = Acting.Run(model);
        _finished.Clear();
        foreach (var (step, episode) in rollout.Episodes)
        {
            Episodes.Add(episode);
            _finished.Add((_agentSteps + (step + 1L) * rollout.Environments, episode));
        }
        _agentSteps += rollout.Count;
        return rollout;
    }

    /// <inheritdoc/>
    public Tensor Loss(Model model, IBatch batch)
    {
        var rollout = (Rollout)batch;
        var loss = ActorCritic.Loss(model, rollout, _task.Options);
        rollout.Note("policy_loss", Scalar(loss.Policy));
        rollout.Note("value_loss", Scalar(loss.Value));
        rollout.Note("entropy", Scalar(loss.Entropy));
        rollout.Note("explained_variance", loss.ExplainedVariance);
        return loss.Total;
    }

    /// <summary>
    /// Nothing: how an agent does is seen in its episodes (<see cref="Episodes"/>) or measured by
    /// <see cref="Evaluation"/>.
    /// </summary>
    public IReadOnlyDictionary<string, double> Score(Model model, Split split) => new Dictionary<string, double>();

    /// <inheritdoc/>
    public bool CanSave => Acting.Environment.CanSnapshot;

    /// <summary>Environments where they can be saved, the stream of actions, and the window of episodes.</summary>
    public byte[] Save()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(_generation);
        writer.Write(_agentSteps);
        writer.Write(Acting.SaveState());
        Episodes.Save(writer);
        var environments = Acting.Environment.CanSnapshot ? Acting.Environment.Snapshot() : [];
        writer.Write(environments.Length);
        writer.Write(environments);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>
    /// Goes on where <see cref="Save"/> was called. Environments that cannot be saved start fresh episodes, other ones
    /// than those before.
    /// </summary>
    public void Restore(ReadOnlySpan<byte> state)
    {
        using var reader = new BinaryReader(new MemoryStream(state.ToArray()));
        var generation = reader.ReadInt32();
        _agentSteps = reader.ReadInt64();
        var actions = reader.ReadBytes(RngBytes);
        Episodes.Restore(reader);
        var environments = reader.ReadBytes(reader.ReadInt32());
        if (environments.Length > 0) Acting.Environment.Restore(environments);
        else
        {
            Close();
            _generation = generation + 1;
        }
        Acting.RestoreState(actions);
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    private const int RngBytes = 64;

    // Opened when first needed: a learner that is about to be restored need not start an emulator twice.
    private Actor Acting
    {
        get
        {
            if (_actor is not null) return _actor;
            var environment = _open(_rng.Split("environments", _generation));
            try
            {
                if (environment.Count != _task.Options.Environments)
                    throw new RlLeapException($"{_task.Info.Id}: {environment.Count} environments were opened, but the "
                        + $"options say {_task.Options.Environments}.");
                environment.Reset();
                return _actor = new Actor(environment, _task.Options, _rng.Split("actions", _generation), _device);
            }
            catch
            {
                environment.Dispose();
                throw;
            }
        }
    }

    private void Close()
    {
        if (_actor is null) return;
        _actor.Environment.Dispose();
        _actor.Dispose();
        _actor = null;
    }

    private static double Scalar(Tensor value)
    {
        using var scope = NewDisposeScope();
        return value.detach().to_type(ScalarType.Float64).item<double>();
    }
}
