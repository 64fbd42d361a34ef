namespace RlLeap.Cli.Statistics;

/// <summary>Scales of scores per task (scores.csv): random to human for ALE, to best published for MinAtar.</summary>
public static class Scales
{
    private static readonly Lazy<Dictionary<string, Scale>> Known = new(() => Published.Rows("scores.csv", ',')
        .ToDictionary(cells => cells[0], cells => new Scale(double.Parse(cells[1]), double.Parse(cells[2]))));

    /// <summary>The known scale of a task; its version ("-v5") does not matter. Null where none is known.</summary>
    public static Scale? Of(string task) =>
        Known.Value.GetValueOrDefault(task.LastIndexOf("-v", StringComparison.Ordinal) is > 0 and var at
            ? task[..at] : task);

    /// <summary>(score − zero) / (one − zero); also for losses, where one is below zero.</summary>
    public static double Normalize(this Scale scale, double score) => (score - scale.Zero) / (scale.One - scale.Zero);
}
