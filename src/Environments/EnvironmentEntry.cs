namespace RlLeap.Environments;

/// <summary>A registered environment.</summary>
/// <param name="Id">"namespace/Name-v1".</param>
/// <param name="Summary">One line for `rlleap envs list`.</param>
/// <param name="Make">Makes one environment. All its randomness must come from the given stream.</param>
public sealed record EnvironmentEntry(string Id, string Summary, Func<Rng, EnvironmentOptions, IEnvironment> Make)
{
    /// <summary>The environment's own options. All others must be <see cref="WrapperFactory.Options"/>.</summary>
    public IReadOnlyList<EnvironmentOption> Options { get; init; } = [];

    /// <summary>Whether it also takes options it does not declare, as a Python environment's keywords.</summary>
    public bool TakesAnyOption { get; init; }

    /// <summary>Makes N copies as one vector; if null, N single environments are stepped side by side.</summary>
    /// <remarks>
    /// Copy i must draw from <c>rng.Split("environment", i)</c>. Then it equals the single environment made from that
    /// stream.
    /// </remarks>
    public Func<int, Rng, EnvironmentOptions, int, IVectorEnvironment>? MakeVector { get; init; }
}
