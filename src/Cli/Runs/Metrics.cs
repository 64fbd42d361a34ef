// Metrics: one-method sinks that compose. Learners return numbers; the program writes them here.
namespace RlLeap.Cli.Runs;

/// <summary>One measurement: a series (who measures: "meta", "task/Alien"), where on its axis (agent steps,
/// meta-steps), and the values by column, named as CleanRL names them ("charts/episodic_return",
/// "losses/policy").</summary>
public readonly record struct Row(string Series, long Step, params IReadOnlyList<(string Column, double Value)> Values);

/// <summary>Takes rows, from one thread at a time.</summary>
public interface IMetricSink
{
    void Write(in Row row);
}

/// <summary>Every row to every sink, in order.</summary>
public sealed class Tee(params IReadOnlyList<IMetricSink> sinks) : IMetricSink
{
    public void Write(in Row row)
    {
        foreach (var sink in sinks) sink.Write(row);
    }
}
