namespace RlLeap.Environments;

/// <summary>With a given probability, repeats the last executed action (Machado et al. 2018, section 5.3).</summary>
/// <remarks>
/// At the start of an episode the last action is 0, as in ALE. MinAtar has its own rule, in which the last action of an
/// episode carries over to the next.
/// </remarks>
public sealed class StickyActions(IEnvironment inner, double probability, Rng rng) : EnvironmentWrapper(inner)
{
    private Rng _rng = rng;
    private int _last;

    public override TimeStep Reset()
    {
        _last = 0;
        return Inner.Reset();
    }

    public override TimeStep Step(int action)
    {
        // An action that does not exist must always be refused, also when the last action would replace it.
        if ((uint)action >= (uint)ActionNumbers.RequireDiscrete(Spec).Count)
            throw new EnvironmentException($"{Spec.Id}: {Describe.BadAction(action, Spec)}");
        if (_rng.NextDouble() >= probability) _last = action;
        return Inner.Step(_last);
    }

    protected override void Save(BinaryWriter writer)
    {
        writer.Write(_last);
        writer.Write(_rng.SaveState());
    }

    protected override void Load(BinaryReader reader)
    {
        _last = reader.ReadInt32();
        _rng = Rng.FromState(reader.ReadBytes(_rng.SaveState().Length));
    }
}
