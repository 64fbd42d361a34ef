using RlLeap.Agents;

namespace RlLeap.Cli.Runs;

/// <summary>Rows of metrics of a run of `rlleap train`, and the line that shows how far it is.</summary>
internal sealed class TrainMetrics(Learner learner, IMetricSink rows)
{
    // Episodes all begin alike: the first rollouts are too much of one kind to tell dormant units from idle ones.
    private const long StepsBeforeAlarm = 50;

    private readonly DormancyAlarm _alarm = new();

    private EpisodeWindow Episodes => ((IAgentStream)learner.Stream).Episodes;

    /// <summary>A row for each episode that ended in a step.</summary>
    /// <param name="before">Agent steps before it.</param>
    public void WriteEpisodes(long before, StepRecord step)
    {
        foreach (var episode in step.Episodes!)
            rows.Write(new Row("episodes", before + episode.AgentStep,
                ("charts/episodic_return", episode.Return), ("charts/episodic_length", episode.Length)));
    }

    /// <summary>The row of a step that ended at agent step <paramref name="now"/>.</summary>
    public void Write(long now, StepRecord step) => rows.Write(new Row("train", now,
        ("charts/mean_return_100", Episodes.MeanReturn), ("charts/mean_length_100", Episodes.MeanLength),
        ("charts/episodes", Episodes.Count),
        ("charts/learning_rate", learner.Options.Optimizer.RateAt(step.Step, learner.Options.GradientSteps)),
        ("losses/loss", step.Loss), ("losses/policy_loss", step.Metrics["policy_loss"]),
        ("losses/value_loss", step.Metrics["value_loss"]), ("losses/entropy", step.Metrics["entropy"]),
        ("losses/explained_variance", step.Metrics["explained_variance"]),
        ("losses/gradient_norm", learner.Optimizer.GradientNorm)));

    /// <summary>The row of a step's diagnosis, where it has one, and a warning where units are dormant.</summary>
    public void WriteDiagnosis(long now, StepRecord step)
    {
        if (step.Diagnosis is not { } diagnosis) return;
        rows.Write(new Row("diagnosis", now, [.. diagnosis.Metrics.Select(m => (m.Name.Replace('.', '/'), m.Value))]));
        if (learner.Step >= StepsBeforeAlarm)
            _alarm.Look(diagnosis.Metrics.ToDictionary(m => m.Name, m => m.Value), $"The agent at step {now}", "");
    }

    /// <summary>A step in one line.</summary>
    public string Note(StepRecord step) =>
        $"{ReturnOf(Episodes, "0.##")}  policy {step.Metrics["policy_loss"]:0.000}  value "
            + $"{step.Metrics["value_loss"]:0.000}  entropy {step.Metrics["entropy"]:0.000}  explained "
            + $"{step.Metrics["explained_variance"]:0.00}"
        + (step.Diagnosis?.Collapsed is { } layer ? $"  {layer.Name} {100 * layer.Dormant:0} % dormant" : "");

    /// <summary>The mean return of the last episodes, in words.</summary>
    public static string ReturnOf(EpisodeWindow episodes, string? format = null) => episodes.Count == 0
        ? "no episode ended yet" : "return " + episodes.MeanReturn.ToString(format);
}
