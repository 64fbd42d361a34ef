namespace RlLeap.Environments;

/// <summary>Ends episodes after a number of agent steps, with Truncated unless the last one terminates.</summary>
public sealed class TimeLimit : EnvironmentWrapper
{
    private readonly int _limit;
    private int _step;

    /// <param name="inner">The environment.</param>
    /// <param name="limit">The most agent steps of an episode.</param>
    public TimeLimit(IEnvironment inner, int limit) : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        _limit = limit;
        Spec = inner.Spec with { MaxEpisodeSteps = Math.Min(limit, inner.Spec.MaxEpisodeSteps ?? int.MaxValue) };
    }

    public override EnvironmentSpec Spec { get; }

    public override TimeStep Reset()
    {
        _step = 0;
        return Inner.Reset();
    }

    public override TimeStep Step(int action) => Step([action]);

    public override TimeStep Step(ReadOnlySpan<float> action)
    {
        if (_step >= _limit)
            throw new EnvironmentException($"{Spec.Id}: Step was called after the episode's end " +
                $"(its time limit of {_limit} steps). Call Reset first.");
        var result = Inner.Step(action);
        return ++_step >= _limit && !result.IsLast ? result with { StepType = StepType.Truncated } : result;
    }

    protected override void Save(BinaryWriter writer) => writer.Write(_step);
    protected override void Load(BinaryReader reader) => _step = reader.ReadInt32();
}
