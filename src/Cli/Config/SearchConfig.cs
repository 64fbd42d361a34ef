// How a grid searches: trials, and the ranges that their settings are drawn from.
using System.ComponentModel.DataAnnotations;

namespace RlLeap.Cli.Config;

/// <summary>Ways to search.</summary>
public enum SearchKind
{
    /// <summary>Every trial is trained to its end (Bergstra and Bengio 2012).</summary>
    Random,

    /// <summary>
    /// Successive halving (Jamieson and Talwalkar 2016): all trials get a small budget, the best of them a larger one,
    /// and so on.
    /// </summary>
    Halving,
}

/// <summary>Whether an objective is to be large or small.</summary>
public enum Direction
{
    /// <summary>The largest value is best.</summary>
    Maximize,

    /// <summary>The smallest value is best.</summary>
    Minimize,
}

/// <summary>How many trials there are, and what each of them gets.</summary>
public sealed record SearchConfig : ICheckedConfig
{
    /// <summary>
    /// random: every trial runs to its end. halving: all begin with the budget min, and only the best go on.
    /// </summary>
    public required SearchKind Kind { get; init; }

    /// <summary>Trials, each with settings of its own. The first ones are the same for any number.</summary>
    [Range(1, 100_000)]
    public required int Trials { get; init; }

    /// <summary>Seed of the drawn settings. What a run does depends on its own run.seed.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>halving: one in so many trials goes on, with so many times the budget.</summary>
    [Range(2, 1000)]
    public int Factor { get; init; } = 3;

    /// <summary>halving: the key that is a run's budget, such as agent-steps or meta.steps.</summary>
    public string? Budget { get; init; }

    /// <summary>halving: the budget that all trials get.</summary>
    [Range(1, 1e15)]
    public long? Min { get; init; }

    /// <summary>halving: the budget of the last trials.</summary>
    [Range(1, 1e15)]
    public long? Max { get; init; }

    /// <summary>halving: at least so many trials get the budget max.</summary>
    [Range(1, 100_000)]
    public int Finalists { get; init; } = 1;

    /// <summary>
    /// halving: whether a trial that goes on is extended (as by --extend) or trained anew with the larger budget; null
    /// extends where that can be done.
    /// </summary>
    public bool? Extend { get; init; }

    public IEnumerable<(string Key, string Expected)> Check()
    {
        if (Kind == SearchKind.Random)
        {
            if ((Budget is not null ? "budget" : Min is not null ? "min" : Max is not null ? "max"
                : Extend is not null ? "extend" : null) is { } odd)
                yield return (odd, "kind: halving with it; trials of a random search all get the config's own budget");
            yield break;
        }
        if (Budget is null) yield return ("budget", "the key that is a run's budget: agent-steps or meta.steps");
        if (Min is null) yield return ("min", "the budget that all trials get");
        if (Max is null) yield return ("max", "the budget of the last trials");
        if (Max <= Min) yield return ("max", $"more than min, {Min}");
        if (Finalists > Trials) yield return ("finalists", $"no more than there are trials, {Trials}");
    }

    /// <summary>
    /// The rungs of successive halving: rung k has the budget min · factor^k, at most max, and trials / factor^k
    /// trials, at least the finalists. A random search has one, without a budget.
    /// </summary>
    public IReadOnlyList<Rung> Rungs()
    {
        if (Kind == SearchKind.Random) return [new(null, Trials)];
        List<Rung> rungs = [];
        for (var (budget, count) = (Min!.Value, Trials); ; count /= Factor)
        {
            rungs.Add(new(budget, Math.Max(count, Finalists)));
            if (budget == Max) return rungs;
            budget = budget > Max / Factor ? Max!.Value : budget * Factor;
        }
    }
}

/// <summary>A step of successive halving.</summary>
/// <param name="Budget">The budget of its trials; null for the config's own.</param>
/// <param name="Trials">How many trials get it.</param>
public sealed record Rung(long? Budget, int Trials);

/// <summary>Where the values of one key are drawn from.</summary>
public sealed record RangeConfig : ICheckedConfig
{
    /// <summary>From one number to another, all equally likely.</summary>
    public IReadOnlyList<double>? Linear { get; init; }

    /// <summary>From one number to another, every order of magnitude equally likely.</summary>
    public IReadOnlyList<double>? Log { get; init; }

    /// <summary>Whole numbers from one to another, both included, all equally likely.</summary>
    public IReadOnlyList<long>? Int { get; init; }

    /// <summary>Whole numbers from one to another, every order of magnitude equally likely.</summary>
    public IReadOnlyList<long>? LogInt { get; init; }

    /// <summary>One of these values, all equally likely.</summary>
    public IReadOnlyList<string>? Choice { get; init; }

    /// <summary>Whether it is one of numbers.</summary>
    internal bool IsNumber => Choice is null;

    /// <summary>Whether orders of magnitude are equally likely.</summary>
    internal bool IsLog => Log is not null || LogInt is not null;

    public IEnumerable<(string Key, string Expected)> Check()
    {
        (string Key, IReadOnlyList<double>? Ends)[] numbers =
        [
            ("linear", Linear), ("log", Log), ("int", Int?.Select(i => (double)i).ToArray()),
            ("log-int", LogInt?.Select(i => (double)i).ToArray()),
        ];
        var given = numbers.Count(n => n.Ends is not null) + (Choice is null ? 0 : 1);
        if (given != 1) yield return ("", "one of linear, log, int, log-int, choice");
        foreach (var (key, ends) in numbers)
        {
            if (ends is null) continue;
            if (ends.Count != 2 || !(ends[0] < ends[1]))
                yield return (key, "two numbers, the smaller one first: [1e-4, 1e-2]");
            else if (key.StartsWith("log", StringComparison.Ordinal) && ends[0] <= 0)
                yield return (key, "numbers above zero, which has no logarithm");
        }
        if (Choice is { Count: 0 }) yield return ("choice", "at least one value");
        if (Choice?.Distinct().Count() < Choice?.Count) yield return ("choice", "each value once");
    }
}
