
namespace RlLeap.Cli.Statistics;

/// <summary>What a paper reports for a method on a task (published.csv).</summary>
public static class Published
{
    private static readonly Lazy<Dictionary<(string, string, string), double>> Known = new(() =>
        Rows("published.csv", ';')
            .ToDictionary(cells => (cells[0], cells[1], cells[2]), cells => double.Parse(cells[3])));

    /// <summary>The published number, or null where there is none.</summary>
    public static double? Of(string task, string method, string quantity) =>
        Known.Value.TryGetValue((task, method, quantity), out var value) ? value : null;

    /// <summary>The cells of each row of a table that lies in the program, without comments and its head.</summary>
    internal static IEnumerable<string[]> Rows(string file, char separator)
    {
        using var reader = new StreamReader(typeof(Published).Assembly.GetManifestResourceStream(file)!);
        return [.. reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Skip(1)
            .Select(line => line.Split(separator))];
    }
}
