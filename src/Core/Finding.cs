namespace RlLeap;

/// <summary>A rule of a contract that a user's part breaks.</summary>
/// <param name="Rule">The rule, as the check names it.</param>
/// <param name="What">What happened, and where.</param>
/// <param name="LikelyCause">What usually causes it, and what to do.</param>
public sealed record Finding(string Rule, string What, string LikelyCause)
{
    /// <summary>What stopped the check, alike for all rules that it stops; null where the rule itself broke.</summary>
    public string? StoppedBy { get; init; }
}

/// <summary>A rule was seen to be broken.</summary>
/// <param name="what">What happened, and where.</param>
/// <param name="likelyCause">What usually causes it, and what to do.</param>
public sealed class BrokenRule(string what, string likelyCause) : Exception(what)
{
    /// <summary>What usually causes it, and what to do.</summary>
    public string LikelyCause { get; } = likelyCause;

    /// <summary>Throws unless <paramref name="holds"/>.</summary>
    public static void Unless(bool holds, string what, string likelyCause)
    {
        if (!holds) throw new BrokenRule(what, likelyCause);
    }
}

/// <summary>The rules of a contract: each plays, and throws <see cref="BrokenRule"/> where it does not hold.</summary>
/// <typeparam name="T">What a rule plays with.</typeparam>
public sealed class RuleBook<T>(IReadOnlyDictionary<string, Action<T>> rules)
{
    /// <summary>The rules, in the order in which they are checked.</summary>
    public IReadOnlyList<string> Rules { get; } = [.. rules.Keys];

    /// <summary>Checks one rule; null when it holds.</summary>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public Finding? Run(string rule, T subject)
    {
        if (!rules.TryGetValue(rule, out var check))
            throw new ArgumentException($"'{rule}' is not a rule of the contract.", nameof(rule));
        try
        {
            check(subject);
            return null;
        }
        catch (BrokenRule broken)
        {
            return new Finding(rule, broken.Message, broken.LikelyCause);
        }
        catch (Exception e)
        {
            while (e is AggregateException { InnerExceptions.Count: 1 }) e = e.InnerException!;
            var place = e.StackTrace?.Split('\n').FirstOrDefault()?.Trim() is { Length: > 3 } frame ? frame[3..]
                : "an unknown place";
            return new Finding(rule, $"it threw {e.GetType().Name}: {e.Summary().TrimEnd('.')}",
                $"an error of its own, at {place}.")
            {
                StoppedBy = $"{e.GetType().Name} {string.Concat(e.Message.Where(c => !char.IsDigit(c)))}",
            };
        }
    }
}
