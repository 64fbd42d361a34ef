using System.Text.RegularExpressions;

namespace RlLeap.Cli.Reports;

/// <summary>Reads what a run's folder says of how it was made.</summary>
internal static partial class Provenance
{
    /// <summary>The key under which the whole configuration stands.</summary>
    public const string Configuration = "configuration";

    private const string Program = "RlLeap ";

    // Notes of a run at most this long; a log can be very long.
    private const int MostContinuations = 20;

    /// <summary>
    /// Facts by name: command, started, version, commit, system, machine, libraries, continued, configuration. Those
    /// that the folder does not tell are left out; all are, where there is no folder.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Of(string folder)
    {
        Dictionary<string, string> facts = [];
        var (log, config) = (Path.Combine(folder, RunLog.FileName), Path.Combine(folder, RunDirectory.ConfigName));
        if (Text(log) is { } lines) AddStarts(lines.Split('\n'), facts);
        if (Text(config) is { } text) facts[Configuration] = text.TrimEnd();
        return facts;
    }

    // Every start of a run writes its command and, on the next line, its versions.
    private static void AddStarts(string[] lines, Dictionary<string, string> facts)
    {
        List<(string When, string Command, string Versions)> starts = [];
        for (var i = 0; i + 1 < lines.Length; i++)
        {
            var (first, second) = (Line().Match(lines[i]), Line().Match(lines[i + 1]));
            if (first.Success && second.Groups["text"].Value.StartsWith(Program, StringComparison.Ordinal))
                starts.Add((first.Groups["when"].Value, Called(first.Groups["text"].Value),
                    second.Groups["text"].Value));
        }
        if (starts.Count == 0) return;
        facts["command"] = starts[0].Command;
        facts["started"] = starts[0].When;
        // "RlLeap 0.2.0+COMMIT; SYSTEM; MACHINE; LIBRARIES"
        var parts = starts[0].Versions[Program.Length..].Split("; ");
        var version = parts[0].Split('+');
        facts["version"] = version[0];
        if (version.Length > 1) facts["commit"] = version[1];
        foreach (var (name, value) in new[] { "system", "machine", "libraries" }.Zip(parts.Skip(1)))
            facts[name] = value;
        if (starts.Count > 1)
            facts["continued"] = string.Join("\n", starts.Skip(1).Take(MostContinuations).Select(s =>
                $"{s.When} {s.Command}" + (s.Versions == starts[0].Versions ? "" : $" ({s.Versions})")));
    }

    // What a user types, whatever started the program.
    private static string Called(string command) => Launcher().Replace(command, "rlleap");

    private static string? Text(string path)
    {
        try { return File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : null; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }

    [GeneratedRegex(@"^(?<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+ INF (?<text>.*)$")]
    private static partial Regex Line();

    [GeneratedRegex(@"^(""[^""]*rlleap(\.dll|\.exe)?""|\S*rlleap(\.dll|\.exe)?)(?=\s|$)")]
    private static partial Regex Launcher();
}
