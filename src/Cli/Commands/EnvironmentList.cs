using RlLeap.Cli.Reports;

namespace RlLeap.Cli.Commands;

/// <summary>Environments on the terminal: a user's own first, then the families, each with its options.</summary>
internal static class EnvironmentList
{
    // A family of more ids than this, all described alike, is shown by names alone.
    private const int Folded = 20, Columns = 100;

    /// <summary>Prints ids with summaries and options.</summary>
    /// <param name="prefix">Only ids that begin so, none folded; null for all.</param>
    /// <exception cref="RlLeapException">No id begins so.</exception>
    public static void Print(IReadOnlyList<(string Id, string Summary)> all, IReadOnlySet<string> builtIn,
        string? prefix, TextWriter output)
    {
        var shown = all.Where(entry => prefix is null || entry.Id.StartsWith(prefix, StringComparison.Ordinal))
            .ToList();
        if (shown.Count == 0)
            throw new RlLeapException($"No environment begins with {prefix}."
                + $"{Names.Suggest(prefix!, all.Select(entry => FamilyOf(entry.Id)).Distinct())} "
                + "Yours come in with --assembly path.dll.");
        var groups = shown.GroupBy(entry => (IsBuiltIn: builtIn.Contains(entry.Id), Family: FamilyOf(entry.Id)))
            .OrderBy(group => group.Key.IsBuiltIn);
        foreach (var group in groups)
        {
            output.WriteLine(group.Key.IsBuiltIn ? $"{group.Key.Family}" : $"{group.Key.Family}  (yours)");
            PrintGroup([.. group], prefix is null, output);
            output.WriteLine();
        }
        output.WriteLine("Options follow an id as ?name=value&name=value. Every id takes:");
        PrintOptions(WrapperFactory.Options, "  ", output);
    }

    private static void PrintGroup(IReadOnlyList<(string Id, string Summary)> entries, bool mayFold, TextWriter output)
    {
        if (mayFold && entries.Count > Folded && entries.All(entry => entry.Summary == entries[0].Summary))
        {
            output.WriteLine($"  {entries.Count} ids, {entries[0].Summary}:");
            var names = string.Join(", ", entries.Select(entry => entry.Id[FamilyOf(entry.Id).Length..]));
            foreach (var line in StackedTable.Flow(names.Split(' '), Columns - 5, " ")) output.WriteLine("    " + line);
            PrintOwnOptions(entries[0].Id, output);
            return;
        }
        var width = entries.Max(entry => entry.Id.Length);
        // Options are printed once for neighbours that share them.
        for (var i = 0; i < entries.Count; i++)
        {
            output.WriteLine($"  {entries[i].Id.PadRight(width)}  {entries[i].Summary}".TrimEnd());
            var isLast = i == entries.Count - 1;
            if (isLast || !OwnOptions(entries[i].Id).SequenceEqual(OwnOptions(entries[i + 1].Id)))
                PrintOwnOptions(entries[i].Id, output);
        }
    }

    private static void PrintOwnOptions(string id, TextWriter output)
    {
        var own = OwnOptions(id);
        if (own.Count > 0) PrintOptions(own, "    ?", output);
    }

    private static void PrintOptions(IReadOnlyList<EnvironmentOption> options, string before, TextWriter output)
    {
        var width = options.Max(option => Text(option).Length);
        foreach (var option in options)
            output.WriteLine($"{before}{Text(option).PadRight(width)}  {option.Summary}".TrimEnd());

        static string Text(EnvironmentOption option) =>
            option.Default.Length > 0 ? $"{option.Name}={option.Default}" : option.Name;
    }

    // A family without ids has no options to ask for.
    private static IReadOnlyList<EnvironmentOption> OwnOptions(string id) =>
        id.EndsWith("...", StringComparison.Ordinal) ? []
        : [.. Registry.Options(id).Where(option => !WrapperFactory.Options.Contains(option))];

    private static string FamilyOf(string id) => id[..(id.IndexOfAny(['/', ':']) + 1)];
}
