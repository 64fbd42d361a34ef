namespace RlLeap.Environments;

/// <summary>With a given probability the last executed action is taken instead of the one asked for (Machado et al. 2018, section 5.3).</summary>
/// <remarks>At the start of an episode the last action is 0, as in ALE. MinAtar has a sticky rule of its own that survives resets.</remarks>
public sealed class StickyActions(IEnvironment inner, double probability, Rng rng) : EnvironmentWrapper(inner)
{
    private Rng _rng = rng;
    private int _last;

    /// <inheritdoc/>
    public override TimeStep Reset()
    {
        _last = 0;
        return Inner.Reset();
    }

    /// <inheritdoc/>
    public override TimeStep Step(int action)
    {
        // An action that does not exist must be refused, not hidden behind the last one.
        if ((uint)action >= (uint)Spec.Action.Count) throw new EnvironmentException($"{Spec.Id}: {Describe.BadAction(action, Spec)}");
        if (_rng.NextDouble() >= probability) _last = action;
        return Inner.Step(_last);
    }

    /// <inheritdoc/>
    protected override void Save(BinaryWriter writer)
    {
        writer.Write(_last);
        writer.Write(_rng.SaveState());
    }

    /// <inheritdoc/>
    protected override void Load(BinaryReader reader)
    {
        _last = reader.ReadInt32();
        _rng = Rng.FromState(reader.ReadBytes(_rng.SaveState().Length));
    }
}

/// <summary>Clips rewards to [-bound, bound]; <see cref="TimeStep.RawReward"/>, and with it episode returns, stay as they were.</summary>
public sealed class ClipReward(IEnvironment inner, float bound) : EnvironmentWrapper(inner)
{
    /// <inheritdoc/>
    public override TimeStep Step(int action)
    {
        var result = Inner.Step(action);
        return result with { Reward = Math.Clamp(result.Reward, -bound, bound) };
    }
}
