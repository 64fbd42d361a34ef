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
    public static IReadOnlyList<string> Rules { get; } = [.. EnvironmentRules.All.Keys];

    /// <summary>Why a rule has nothing to say about an environment, which then keeps it; null where it has.</summary>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public static string? WhyNotApplied(string rule, IEnvironment environment) =>
        !EnvironmentRules.All.TryGetValue(rule, out var check)
            ? throw new ArgumentException($"'{rule}' is not a rule of the contract.", nameof(rule))
        : check == EnvironmentRules.BadActionsAreRefused && environment.Spec.Action is not Discrete
            ? $"its actions, {environment.Spec.Action}, are checked before it sees them"
        : check == EnvironmentRules.SavedStatesGoOn && !environment.CanSnapshot ? "it cannot be saved (CanSnapshot)"
        : check == EnvironmentRules.DrawingChangesNothing && !environment.CanRender
            ? "it cannot draw itself (CanRender)"
        : null;

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
        if (!EnvironmentRules.All.TryGetValue(rule, out var check))
            throw new ArgumentException($"'{rule}' is not a rule of the contract.", nameof(rule));
        using var trial = new EnvironmentTrial(open, steps, seed);
        try
        {
            check(trial);
            return null;
        }
        catch (BrokenRule broken)
        {
            return new Finding(rule, broken.Message, broken.LikelyCause);
        }
        // After a hang nothing of Python's can be checked any more
        catch (EnvironmentException e) when (e is not EnvironmentHangException)
        {
            return new Finding(rule, e.Message.TrimEnd('.'),
                "what it hands over does not keep to its spec, its spaces or the API, or an error of its own.")
            {
                StoppedBy = string.Concat(e.Message.Where(c => !char.IsDigit(c))),
            };
        }
        catch (Exception e) when (e is not EnvironmentHangException)
        {
            return new Finding(rule, $"it threw {e.GetType().Name}: {e.Summary()}{trial.Where}",
                $"an error of its own, at {FirstFrame(e)}.");
        }
    }

    private static string FirstFrame(Exception e) =>
        e.StackTrace?.Split('\n').FirstOrDefault()?.Trim() is { Length: > 3 } frame ? frame[3..] : "an unknown place";
}
