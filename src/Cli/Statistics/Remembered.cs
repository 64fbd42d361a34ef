namespace RlLeap.Cli.Statistics;

/// <summary>Test accuracies of tasks after each step, and what they say about memory.</summary>
/// <param name="steps">[tasks] the steps after which a task was tested; the first is the step that learned it.</param>
/// <param name="accuracies">[tasks] the accuracy after each of these steps, in percent.</param>
internal sealed class Remembered(
    IReadOnlyList<IReadOnlyList<long>> steps, IReadOnlyList<IReadOnlyList<double>> accuracies)
{
    /// <summary>The mean over tasks of the accuracy at the end.</summary>
    public const string Average = "accuracy at the end, %";

    /// <summary>The mean over tasks of the accuracy right after the step that learned the task.</summary>
    public const string Learned = "accuracy when learned, %";

    /// <summary>
    /// The mean over all tasks but those of the last step of end minus when learned (Lopez-Paz and Ranzato 2017,
    /// arXiv 1706.08840); below 0 where tasks are forgotten.
    /// </summary>
    public const string BackwardTransfer = "backward transfer, points";

    /// <summary>Over these tasks, best accuracy before the end minus end (Chaudhry et al. 2018, 1801.10112).</summary>
    public const string Forgetting = "forgetting, points";

    /// <summary>The mean accuracy at a step of the tasks that were learned by then.</summary>
    public double AverageAt(long step) => Enumerable.Range(0, steps.Count)
        .SelectMany(t => steps[t].Zip(accuracies[t]).Where(at => at.First == step).Select(at => at.Second)).Average();

    /// <summary>All of them. Where no task was learned before another, nothing can be forgotten.</summary>
    public IReadOnlyDictionary<string, double> Scores
    {
        get
        {
            var scores = new Dictionary<string, double>
            {
                [Average] = accuracies.Average(task => task[^1]), [Learned] = accuracies.Average(task => task[0]),
            };
            if (steps.Select(task => task[0]).Distinct().Count() < 2) return scores;
            var earlier = accuracies.Where((task, t) => task.Count > 1).ToList();
            scores[BackwardTransfer] = earlier.Average(task => task[^1] - task[0]);
            scores[Forgetting] = earlier.Average(task => task.SkipLast(1).Max() - task[^1]);
            return scores;
        }
    }
}
