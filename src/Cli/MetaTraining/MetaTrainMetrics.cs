namespace RlLeap.Cli.MetaTraining;

/// <summary>Writes meta-steps to the metrics of a run.</summary>
internal sealed class MetaTrainMetrics(MetaTrainConfig config, IMetricSink metrics)
{
    /// <summary>What stands before a task's name in the series of its training.</summary>
    public const string TaskSeries = "task/";

    /// <summary>
    /// What the names of the series begin with that say in which state networks were: of the initialization, task by
    /// task, and of what evaluations started from.
    /// </summary>
    public const string DiagnosisSeries = "diagnosis/";

    /// <summary>What stands, in such a series' name, between a held-out task and where it started.</summary>
    public const string FromWord = " from ";

    private readonly DormancyAlarm _alarm = new();

    /// <summary>The column of a task's metric: "loss/mean" for "loss.mean".</summary>
    public static string Column(string metric) => metric.Replace('.', '/');

    /// <summary>A row for each network that held-out tasks were learned from, where one was diagnosed.</summary>
    public static IEnumerable<Row> DiagnosisRows(IEnumerable<Evaluation.Finished> finished) =>
        from f in finished
        where f.Diagnosis is not null
        select new Row($"{DiagnosisSeries}{f.Curve.Task}{FromWord}{f.Curve.Method}", f.Curve.Seed,
            [.. f.Diagnosis!.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => (Column(d.Key), d.Value))]);

    /// <summary>Says it where held-out tasks were learned from networks that are dormant.</summary>
    public static void Warn(IEnumerable<Evaluation.Finished> finished)
    {
        var alarm = new DormancyAlarm();
        foreach (var f in finished)
            if (f.Diagnosis is { } diagnosis)
                alarm.Look(diagnosis, $"What {f.Curve.Task} was learned from ({f.Curve.Method})");
    }

    /// <summary>The rows of one meta-step: of all its tasks, of each, and of the state of networks.</summary>
    public void Write(MetaStepRecord record, Suite suite)
    {
        metrics.Write(new Row("meta", record.MetaStep, [("loss/first", record.Mean("loss.first")),
            ("loss/last", record.Mean("loss.last")), ("loss/mean", record.Mean("loss.mean")),
            ("path/length", record.Mean("path.length")), ("path/energy", record.Mean("path.energy")),
            ("meta/gradient_norm", record.GradientNorm), ("meta/diverged", record.Diverged.Count),
            .. suite.TaskMetrics.Select(metric => (Column(metric), record.Mean(metric)))]));
        foreach (var task in record.Tasks.GroupBy(t => t.TaskId))
            metrics.Write(new Row(TaskSeries + task.Key, record.MetaStep, [.. Of(task, diagnosis: false)]));
        foreach (var task in record.Tasks.Where(t => t.Metrics.Keys.Any(TrainingDiagnosis.Has)).GroupBy(t => t.TaskId))
        {
            metrics.Write(new Row(DiagnosisSeries + task.Key, record.MetaStep, [.. Of(task, diagnosis: true)]));
            _alarm.Look(task.First().Metrics, $"The initialization at meta-step {record.MetaStep}, on {task.Key}");
        }

        static IEnumerable<(string, double)> Of(IGrouping<string, TaskRecord> task, bool diagnosis) =>
            task.First().Metrics.Keys
            .Where(key => TrainingDiagnosis.Has(key) == diagnosis).Order(StringComparer.Ordinal)
            .Select(key => (Column(key), task.Average(t => t.Metrics[key])));
    }

    /// <summary>One meta-step in a line: what it measured.</summary>
    public string Summary(MetaStepRecord record)
    {
        string[] parts =
        [
            config.Method is LeapOptions { Metric: PathMetric.Energy }
                ? Part("path energy", "path.energy", "G4") : Part("path length", "path.length", "G4"),
            Part("error", TrainingSummary.Error, "G3"), Part("loss", "loss.mean", "G4"),
        ];
        return string.Join(", ", parts.Where(part => part.Length > 0));

        string Part(string name, string metric, string format) => record.Mean(metric) is var value
            && double.IsNaN(value) ? "" : $"{name} {value.ToString(format)}";
    }
}
