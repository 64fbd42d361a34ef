namespace RlLeap;

/// <summary>Names as people write them: how near they are, nearest ones for error messages, and kebab-case.</summary>
public static class Names
{
    /// <summary>" Did you mean A, B or C?" with the up to three nearest known names; empty when none is near.</summary>
    public static string Suggest(string asked, IEnumerable<string> known)
    {
        var near = known
            .Select(name => (name, distance: Distance(asked.ToLowerInvariant(), name.ToLowerInvariant())))
            .Where(pair => pair.distance <= Math.Max(2, pair.name.Length / 3))
            .OrderBy(pair => pair.distance).ThenBy(pair => pair.name, StringComparer.Ordinal)
            .Take(3).Select(pair => pair.name).ToArray();
        return near.Length switch
        {
            0 => "",
            1 => $" Did you mean {near[0]}?",
            _ => $" Did you mean {string.Join(", ", near[..^1])} or {near[^1]}?",
        };
    }

    /// <summary>"AgentSteps" and "agentSteps" as "agent-steps", "RGBScale" as "rgb-scale".</summary>
    public static string Kebab(string name) => string.Concat(name.Select((c, i) =>
        char.IsUpper(c) ? (i > 0 && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])))
            ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));

    /// <summary>Letters to insert, delete, change or swap with a neighbour to make one from the other.</summary>
    public static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                d[i, j] =
                    Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
