namespace RlLeap.Environments;

/// <summary>
/// Starts every episode with 1 to <paramref name="most"/> no-ops, so that deterministic games start differently (Mnih
/// et al. 2015). Their number is uniform.
/// </summary>
/// <remarks>
/// As in gymnasium's AtariPreprocessing, action 0 is the no-op. If the episode ends during the no-ops, a new one
/// starts.
/// </remarks>
public sealed class NoopStart(IEnvironment inner, int most, Rng rng) : EnvironmentWrapper(inner)
{
    private Rng _rng = rng;

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

    protected override void Save(BinaryWriter writer) => writer.Write(_rng.SaveState());

    protected override void Load(BinaryReader reader) =>
        _rng = Rng.FromState(reader.ReadBytes(_rng.SaveState().Length));
}
