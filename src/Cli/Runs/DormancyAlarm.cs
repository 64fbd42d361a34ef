// Says it when a network is no longer able to learn well.

namespace RlLeap.Cli.Runs;

/// <summary>Warns once for each layer of which more than half of the units are dormant.</summary>
public sealed class DormancyAlarm
{
    private readonly HashSet<string> _said = [];

    /// <summary>Looks at one diagnosis.</summary>
    /// <param name="metrics">Its numbers by name (<see cref="NetworkDiagnosis.Metrics"/>).</param>
    /// <param name="of">What was measured, at the beginning of a sentence: "The initialization at meta-step 3, on
    /// Breakout".</param>
    /// <param name="prefix">What stands before the names.</param>
    public void Look(IReadOnlyDictionary<string, double> metrics, string of, string prefix = TrainingDiagnosis.Start)
    {
        if (NetworkDiagnostics.Worst(metrics, prefix) is not { } layer || !_said.Add(layer)) return;
        Log.Warning("{Of}: {Warning}", of, NetworkDiagnostics.Warning(metrics, prefix));
    }
}
