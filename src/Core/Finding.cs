namespace RlLeap;

/// <summary>A rule of a contract that a user's part breaks.</summary>
/// <param name="Rule">The rule, as the check names it.</param>
/// <param name="What">What happened, and where.</param>
/// <param name="LikelyCause">What usually causes it, and what to do.</param>
public sealed record Finding(string Rule, string What, string LikelyCause)
{
    /// <summary>What stopped the check, alike for all rules that it stops; null where the rule itself broke.</summary>
    public string? StoppedBy { get; init; }

    /// <summary>That the part itself threw, where, and <paramref name="what"/> it said.</summary>
    public static Finding Of(string rule, Exception e, string what)
    {
        var place = e.StackTrace?.Split('\n').FirstOrDefault()?.Trim() is { Length: > 3 } frame ? frame[3..]
            : "an unknown place";
        return new(rule, $"it threw {e.GetType().Name}: {what}", $"an error of its own, at {place}.");
    }
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

    /// <summary>The check of a rule.</summary>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public Action<T> this[string rule] => rules.TryGetValue(rule, out var check) ? check
        : throw new ArgumentException($"'{rule}' is not a rule of the contract.", nameof(rule));

    /// <summary>Checks one rule; null when it holds.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="subject">What it plays with.</param>
    /// <param name="explain">What to say of an error; one without an answer is thrown on.</param>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public Finding? Run(string rule, T subject, Func<Exception, Finding?>? explain = null)
    {
        var check = this[rule];
        try
        {
            check(subject);
            return null;
        }
        catch (BrokenRule broken)
        {
            return new Finding(rule, broken.Message, broken.LikelyCause);
        }
        catch (Exception e) when ((explain ?? Explain)(e) is { } finding)
        {
            return finding;
        }

        Finding Explain(Exception e)
        {
            while (e is AggregateException { InnerExceptions.Count: 1 }) e = e.InnerException!;
            return Finding.Of(rule, e, e.Summary().TrimEnd('.')) with
            {
                StoppedBy = $"{e.GetType().Name} {string.Concat(e.Message.Where(c => !char.IsDigit(c)))}",
            };
        }
    }
}
