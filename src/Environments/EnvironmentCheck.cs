namespace RlLeap.Environments;

/// <summary>
/// The contract of <see cref="IEnvironment"/>, checked by playing at random: what `rlleap envs check ID` prints, and
/// what the test class EnvironmentContract asserts.
/// </summary>
/// <remarks>
/// An environment that cannot be told from a correct one in a few thousand random steps passes; one that needs skilled
/// play to misbehave may pass too.
/// </remarks>
public static class EnvironmentCheck
{
    /// <summary>The rules, in the order in which they are checked.</summary>
    public static IReadOnlyList<string> Rules => Book.Rules;

    private static readonly RuleBook<EnvironmentTrial> Book = new(EnvironmentRules.All);

    /// <summary>Why a rule has nothing to say about an environment, which then keeps it; null where it has.</summary>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public static string? WhyNotApplied(string rule, IEnvironment environment)
    {
        var check = Book[rule];
        return check == EnvironmentRules.BadActionsAreRefused && environment.Spec.Action is not Discrete
            ? $"its actions, {environment.Spec.Action}, are checked before it sees them"
            : check == EnvironmentRules.SavedStatesGoOn && !environment.CanSnapshot ? "it cannot be saved (CanSnapshot)"
            : check == EnvironmentRules.DrawingChangesNothing && !environment.CanRender
                ? "it cannot draw itself (CanRender)"
            : null;
    }

    /// <summary>Checks a registered environment, without the guard of <see cref="Registry.Make"/>.</summary>
    public static IReadOnlyList<Finding> Run(string id, int steps = 2000, long seed = 1) =>
        Run(rng => Registry.Open(id, rng), steps, seed);

    /// <summary>Checks every rule.</summary>
    /// <param name="open">Makes the environment from a stream; called many times.</param>
    /// <param name="steps">How long to play for each rule, in agent steps.</param>
    /// <param name="seed">Of the play and of the environments' streams.</param>
    public static IReadOnlyList<Finding> Run(Func<Rng, IEnvironment> open, int steps = 2000, long seed = 1) =>
        [.. Rules.Select(rule => Run(rule, open, steps, seed)).OfType<Finding>()];

    /// <summary>Checks one rule of a registered environment, without the guard; null when it holds.</summary>
    public static Finding? Run(string rule, string id, int steps = 2000, long seed = 1) =>
        Run(rule, rng => Registry.Open(id, rng), steps, seed);

    /// <summary>Checks one rule; null when it holds.</summary>
    public static Finding? Run(string rule, Func<Rng, IEnvironment> open, int steps = 2000, long seed = 1)
    {
        using var trial = new EnvironmentTrial(open, steps, seed);
        return Book.Run(rule, trial, e => e switch
        {
            EnvironmentHangException => null, // nothing of Python's can be checked any more
            EnvironmentException => new Finding(rule, e.Message.TrimEnd('.'),
                "what it hands over does not keep to its spec, its spaces or the API, or an error of its own.")
            {
                StoppedBy = string.Concat(e.Message.Where(c => !char.IsDigit(c))),
            },
            _ => Finding.Of(rule, e, e.Summary() + trial.Where),
        });
    }
}
