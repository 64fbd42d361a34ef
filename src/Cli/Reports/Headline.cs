using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports;

/// <summary>Says in words what the numbers of a report say, with their intervals.</summary>
internal static class Headline
{
    private const int MostMore = 8, MostEnds = 4;

    /// <summary>The first sentence is the conclusion; the others say the same of what else was compared.</summary>
    public static IReadOnlyList<string> Of(Report report)
    {
        List<string> all = [.. report.Episodes.Count > 0
                ? report.Episodes.OrderBy(e => e.Data, StringComparer.Ordinal).ThenBy(e => e.Way).ThenBy(e => e.Shot)
                    .ThenByDescending(e => e.Accuracy.Value).Select(OfEpisodes)
            : report.Overall is { } overall ? OfAll(report, overall)
            : report.Tasks.Count == 0 ? []
            : report.Reference is null ? OfFinals(report) : OfReference(report, report.Reference)];
        if (all.Count == 0)
            return ["No task was learned from this initialization yet: below is what meta-training recorded."];
        return all.Count <= MostMore + 1 ? all
            : [.. all.Take(MostMore), $"{all.Count - MostMore} more: see the tables."];
    }

    /// <summary>A method in a sentence: learning from nothing is called by what it is.</summary>
    private static string Plain(string method) => method == "none" ? "a random initialization" : method;

    private static string OfEpisodes(EpisodeReport e) =>
        $"{e.Label}: {Rounded.Text(e.Accuracy)} % of new images are recognized among {e.Way} unseen classes of "
            + $"{e.Data}, from {e.Shot} image{(e.Shot == 1 ? "" : "s")} of each"
            + (e.Published is { } paper ? $" (published: {Rounded.At(paper, 1)} %)." : ".");

    // Tasks that can be averaged: the difference over units.
    private static IEnumerable<string> OfAll(Report report, OverallReport overall)
    {
        foreach (var method in overall.Methods.Where(m => m.Method != overall.Compared))
        {
            if (method.Difference is not { } difference) continue;
            // How much better the one that is compared with does.
            var gain = report.HigherIsBetter ? Turned(difference) : difference;
            yield return $"Over all tasks, {Verdict(overall.Compared, method.Method, gain)}: "
                + $"{Differs(report, overall.Compared, gain)}, averaged over learning "
                + $"({Over(gain, method.Values[0].Count, overall.Unit)}).";
        }
        if (overall.Methods.All(m => m.Difference is null))
            foreach (var method in overall.Methods)
                yield return $"Over all tasks, {Started(method.Method)} has a mean {report.Measure} of "
                    + $"{Rounded.Text(method.Intervals[0])} while it learns "
                    + $"({Over(method.Intervals[0], method.Values[0].Count, overall.Unit)}).";
    }

    private static IEnumerable<string> OfReference(Report report, string reference)
    {
        return report.Methods.Where(method => method != reference).SelectMany(method => report.Tasks.Count == 1
            ? OfOneTask(report, report.Tasks[0], method, reference) : OfTasks(report, method, reference));
    }

    private static IEnumerable<string> OfOneTask(Report report, TaskReport task, string name, string reference)
    {
        if (task.Methods.FirstOrDefault(m => m.Method == name) is not { } method) yield break;
        var on = $"On {report.TaskNames[task.Task]}, ";
        if (Gain(report, method) is { } gain)
        {
            var units = method.DifferenceOfRuns is null ? $"{method.Seeds} pairs of seeds"
                : $"{method.Each.Select(s => s.Group).Distinct().Count()} runs";
            yield return on
                + $"{Verdict(name, reference, gain)}: {Differs(report, name, gain)}, averaged over learning "
                + (gain.IsKnown ? $"(95 % interval over {units})." : $"({units} that agree: no interval).");
        }
        else if (task.Methods.FirstOrDefault(m => m.Method == reference) is { } other)
            yield return on + $"{Started(name)} has a mean {report.Measure} of {Rounded.Text(method.Area)} while it "
                + $"learns, {Started(reference)} {Rounded.Text(other.Area)}; "
                + (method.Seeds == 1 ? "one seed tells no difference." : "their seeds are no pairs to subtract.");
    }

    private static IEnumerable<string> OfTasks(Report report, string name, string reference)
    {
        var gains = report.Tasks.Select(t => t.Methods.FirstOrDefault(m => m.Method == name))
            .Select(m => m is null ? null : Gain(report, m)).OfType<Interval>().ToList();
        var (ahead, behind) = (gains.Count(g => IsAhead(g)), gains.Count(g => IsAhead(Turned(g))));
        var counts = gains.Count == 0 ? ""
            : $"it is ahead on {ahead} of {report.Tasks.Count} tasks, behind on "
                + $"{(behind == 0 ? "none" : behind)}, and on the others no "
                + "difference can be told";
        if (report.Improvements.FirstOrDefault(i => (i.Method, i.Over, i.Of) == (name, reference, "area"))
            is not { } improvement)
        {
            if (counts.Length > 0) yield return $"{Started(name)}, beside {Started(reference)}: {counts}.";
            yield break;
        }
        yield return $"Over {report.Tasks.Count} tasks, {Started(name)} does better than {Started(reference)} with "
            + $"probability {Rounded.Probability(improvement.Interval)}{(counts.Length > 0 ? $": {counts}" : "")} "
            + (improvement.Interval.IsKnown ? "(areas under the curves, 95 % intervals)."
                : "(areas under the curves; too few seeds for an interval).");
    }

    // Nothing to compare with: what was reached.
    private static IEnumerable<string> OfFinals(Report report)
    {
        string[] methods = [.. report.Methods];
        var names = report.TaskNames;
        if (report.Tasks.Count == 1)
        {
            var best = report.Tasks[0].Methods
                .OrderBy(m => report.HigherIsBetter ? -m.Final.Value : m.Final.Value).ToList();
            yield return $"On {names[report.Tasks[0].Task]}, {string.Join("; ", best.Select((m, i) =>
                $"{m.Method} {(i == 0 ? $"ends at {A(report.Measure)} of " : "")}{Rounded.Text(m.Final)}"
                    + $" ({Over(m.Final, m.Seeds, "seed")})"))}.";
            yield break;
        }
        if (methods.Length == 1)
        {
            var ends = report.Tasks.Select(t => $"{Rounded.Text(t.Methods[0].Final)} on {names[t.Task]}").ToList();
            var seeds = report.Tasks.Max(t => t.Methods[0].Seeds);
            var says = $"(means over {seeds} seed{(seeds == 1 ? ", no interval" : "s, 95 % intervals")})";
            if (ends.Count <= MostEnds)
                yield return $"{methods[0]} ends at {A(report.Measure)} of {string.Join(", ", ends)} {says}.";
            else
            {
                yield return $"{methods[0]} learned {ends.Count} tasks; below is what it ends at on each {says}.";
                foreach (var end in ends) yield return $"{end}.";
            }
            yield break;
        }
        var ranked = report.Aggregates.Where(a => (a.Of, a.Statistic) == ("final", "IQM"))
            .OrderByDescending(a => a.Interval.Value).ToList();
        if (ranked.Count > 0)
            yield return $"Over {report.Tasks.Count} tasks, {string.Join("; ", ranked.Select((a, i) => a.Method
                + (i == 0 ? " ends highest, at an interquartile mean of normalized scores of " : " at ")
                + Rounded.Text(a.Interval)))} (95 % stratified bootstrap intervals).";
    }

    private static Interval? Gain(Report report, MethodReport method) =>
        (method.DifferenceOfRuns ?? method.Difference) is { } d ? report.HigherIsBetter ? d : Turned(d) : null;

    private static Interval Turned(Interval i) => new(-i.Value, -i.High, -i.Low);

    private static bool IsAhead(Interval gain) => gain.IsKnown && gain.Low > 0;

    private static string Verdict(string method, string other, Interval gain) => IsAhead(gain)
        ? $"{Started(method)} is ahead of {Started(other)}"
        : IsAhead(Turned(gain)) ? $"{Started(method)} is behind {Started(other)}"
        : gain.IsKnown ? $"no difference between {Started(method)} and {Started(other)} can be told"
        : $"{Started(method)} beside {Started(other)}";

    // Said as what is larger: a method that is behind has the larger error.
    private static string Differs(Report report, string method, Interval gain)
    {
        var less = gain.Value < 0;
        var how = report.HigherIsBetter != less ? "higher" : "lower";
        return $"with {Plain(method)} the {report.Measure} is {Rounded.Text(less ? Turned(gain) : gain)} {how}";
    }

    private static string Started(string method) => method == "none" ? "learning from a random initialization" : method;

    private static string Over(Interval interval, int count, string unit) => interval.IsKnown
        ? $"95 % interval over {count} {unit}s"
        : count == 1 ? $"one {unit}, no interval" : $"{count} {unit}s that agree, no interval";

    private static string A(string noun) => ("aeiou".Contains(noun[0]) ? "an " : "a ") + noun;
}
