namespace RlLeap.Environments;

/// <summary>Cuts episodes off after a number of agent steps: the last one is Truncated, unless the episode terminates in that very step.</summary>
public sealed class TimeLimit : EnvironmentWrapper
{
    private readonly int _limit;
    private int _step;

    /// <param name="inner">The environment.</param>
    /// <param name="limit">The longest episode, agent steps.</param>
    public TimeLimit(IEnvironment inner, int limit) : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        _limit = limit;
        Spec = inner.Spec with { MaxEpisodeSteps = Math.Min(limit, inner.Spec.MaxEpisodeSteps ?? int.MaxValue) };
    }

    /// <inheritdoc/>
    public override EnvironmentSpec Spec { get; }

    /// <inheritdoc/>
    public override TimeStep Reset()
    {
        _step = 0;
        return Inner.Reset();
    }

    /// <inheritdoc/>
    public override TimeStep Step(int action)
    {
        if (_step >= _limit) throw new EnvironmentException($"{Spec.Id}: Step was called after the episode's end (its time limit of {_limit} steps). Call Reset first.");
        var result = Inner.Step(action);
        return ++_step >= _limit && !result.IsLast ? result with { StepType = StepType.Truncated } : result;
    }

    /// <inheritdoc/>
    protected override void Save(BinaryWriter writer) => writer.Write(_step);

    /// <inheritdoc/>
    protected override void Load(BinaryReader reader) => _step = reader.ReadInt32();
}

/// <summary>Takes each action several times and adds up the rewards; stops at the episode's end. The last observation is shown, nothing is pooled.</summary>
public sealed class ActionRepeat : EnvironmentWrapper
{
    private readonly int _times;

    /// <param name="inner">The environment.</param>
    /// <param name="times">Inner steps per agent step.</param>
    public ActionRepeat(IEnvironment inner, int times) : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(times);
        _times = times;
        Spec = inner.Spec with
        {
            FramesPerStep = inner.Spec.FramesPerStep * times,
            MaxEpisodeSteps = inner.Spec.MaxEpisodeSteps is { } most ? (most + times - 1) / times : null,
        };
    }

    /// <inheritdoc/>
    public override EnvironmentSpec Spec { get; }

    /// <inheritdoc/>
    public override TimeStep Step(int action)
    {
        var result = Inner.Step(action);
        for (var i = 1; i < _times && !result.IsLast; i++)
        {
            var next = Inner.Step(action);
            result = next with { Reward = result.Reward + next.Reward, RawReward = result.RawReward + next.RawReward };
        }
        return result;
    }
}

/// <summary>Begins every episode with 1 to <paramref name="most"/> no-ops, uniformly drawn, so that deterministic games start differently (Mnih et al. 2015).</summary>
/// <remarks>As in gymnasium's AtariPreprocessing: action 0 is the no-op, and an episode that ends meanwhile is started again.</remarks>
public sealed class NoopStart(IEnvironment inner, int most, Rng rng) : EnvironmentWrapper(inner)
{
    private Rng _rng = rng;

    /// <inheritdoc/>
    public override TimeStep Reset()
    {
        var result = Inner.Reset();
        for (var left = 1 + _rng.NextInt(most); left > 0; left--)
        {
            result = Inner.Step(0);
            if (result.IsLast) result = Inner.Reset();
        }
        return TimeStep.First(result.Observation);
    }

    /// <inheritdoc/>
    protected override void Save(BinaryWriter writer) => writer.Write(_rng.SaveState());

    /// <inheritdoc/>
    protected override void Load(BinaryReader reader) => _rng = Rng.FromState(reader.ReadBytes(_rng.SaveState().Length));
}
