using System.Globalization;

namespace RlLeap.Cli.Statistics;

/// <summary>What a paper reports for a method on a task (published.csv).</summary>
public static class Published
{
    private static readonly Lazy<Dictionary<(string, string, string), double>> Known = new(() =>
    {
        using var reader = new StreamReader(typeof(Published).Assembly.GetManifestResourceStream("published.csv")!);
        return reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Skip(1)
            .Select(line => line.Split(';'))
            .ToDictionary(cells => (cells[0], cells[1], cells[2]),
                cells => double.Parse(cells[3], CultureInfo.InvariantCulture));
    });

    /// <summary>The published number, or null where there is none.</summary>
    public static double? Of(string task, string method, string quantity) =>
        Known.Value.TryGetValue((task, method, quantity), out var value) ? value : null;
}
