using System.Text.Json;

namespace RlLeap.MetaLearning;

/// <summary>What a method is checked on: tasks of sine waves, and a small network.</summary>
public sealed record MethodProblem
{
    /// <summary>The method.</summary>
    public required MetaLearningMethod Method { get; init; }

    /// <summary>How tasks are learned.</summary>
    public LearnerOptions Learner { get; init; } = new()
    {
        GradientSteps = 8,
        Optimizer = new OptimizerOptions { LearningRate = 0.02 }
    };

    /// <summary>How the initialization moves.</summary>
    public OptimizerOptions MetaOptimizer { get; init; } = new() { Kind = OptimizerKind.Adam, LearningRate = 0.01 };

    /// <summary>The head of all tasks; private ones are new for every task.</summary>
    public Head Head { get; init; } = new("value", 1);

    /// <summary>The tasks.</summary>
    public IReadOnlyList<ITask> Pool => SinusoidTask.Family(5, new Rng(11), Head);

    /// <summary>A meta-learner of a seed.</summary>
    public IMetaLearner Open(long seed = 1) => Method.Create(new MetaLearnerContext
    {
        Network = new SmallMlp([1, 12, 10], activateLast: true), Pool = Pool, Learner = Learner,
        MetaOptimizer = MetaOptimizer,
        MetaSteps = 4, Rng = new Rng(seed),
    });

    /// <summary>The tasks of a meta-step.</summary>
    public ITask[] BatchAt(long metaStep)
    {
        var pool = Pool;
        return [.. new TaskSampler(new Rng(3), pool.Count, 3).Batch(metaStep).Select(i => pool[i])];
    }

    /// <summary>Learns a task that was held out; returns its losses.</summary>
    public List<double> Learn(IMetaLearner meta)
    {
        using var learner = meta.Begin(new SinusoidTask("held-out", 2, 1, Head), Learner, new Rng(99));
        var losses = new List<double>();
        while (!learner.IsDone) losses.Add(learner.TrainStep().Loss);
        losses.Add(learner.Stream.Score(learner.Model, Split.Test)["loss"]);
        return losses;
    }

    /// <summary>Losses of meta-steps and of learning a new task afterwards.</summary>
    public List<double> Curve(IMetaLearner learner, int metaSteps = 3, IExecutor? executor = null)
    {
        var curve = new List<double>();
        for (var i = 0; i < metaSteps; i++)
            foreach (var task in learner.MetaStep(BatchAt(learner.MetaSteps), executor ?? new InlineExecutor()).Tasks)
                curve.AddRange(task.Metrics.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => m.Value));
        curve.AddRange(Learn(learner));
        return curve;
    }
}

/// <summary>The contract of <see cref="MetaLearningMethod"/>, checked on sine waves: `methods check NAME`.</summary>
public static class MethodCheck
{
    private static readonly RuleBook<MethodProblem> Book = new(new Dictionary<string, Action<MethodProblem>>
    {
        ["It survives JSON"] = SurvivesJson,
        ["It meta-learns, and a new task learns from it"] = MetaLearns,
        ["The same seed gives the same curve"] = SameSeed,
        ["Another seed gives another curve"] = OtherSeed,
        ["Workers and their order do not change a bit"] = Workers,
        ["Training a held-out task leaves what was meta-learned alone"] = HeldOut,
        ["Saving, loading and going on changes nothing"] = SavingAndLoading,
        ["Meta-steps leave no tensors behind"] = NothingStays,
        ["A cancelled meta-step is a step not made"] = Cancelled,
        ["An empty batch is refused"] = EmptyBatch,
    });

    /// <summary>The rules, in the order in which they are checked.</summary>
    public static IReadOnlyList<string> Rules => Book.Rules;

    /// <summary>Checks one rule; null when it holds.</summary>
    public static Finding? Run(string rule, MethodProblem problem) => Book.Run(rule, problem);

    private static void SurvivesJson(MethodProblem problem)
    {
        var method = problem.Method;
        BrokenRule.Unless(method.Name.Length > 0, "its Name is empty", "give it the name that configs use.");
        Methods.Register(method.GetType().Assembly); // JSON knows only methods that are registered
        var json = JsonSerializer.Serialize(method, Methods.Json);
        var read = JsonSerializer.Deserialize<MetaLearningMethod>(json, Methods.Json);
        BrokenRule.Unless(method.Equals(read), $"{method} became {read}",
            "options are the parameters of the record's constructor, of types that JSON has.");
    }

    private static void MetaLearns(MethodProblem problem)
    {
        using var learner = problem.Open();
        var step = learner.MetaStep(problem.BatchAt(0), new InlineExecutor());
        BrokenRule.Unless(step.Diverged.Count == 0,
            $"{step.Diverged.Count} of 3 tasks diverged: {string.Join(" ", step.Diverged.Select(d => d.Failure))}",
            "what they contributed is not finite.");
        BrokenRule.Unless(learner.MetaSteps == 1, $"MetaSteps is {learner.MetaSteps} after one meta-step",
            "count it in MetaStep.");
        BrokenRule.Unless(Values(learner).All(float.IsFinite), "what it meta-learned is NaN or infinite",
            "a division by zero (a norm, a count), or a step that is too large.");
        BrokenRule.Unless(problem.Learn(learner).All(double.IsFinite), "a new task's losses are not finite",
            "it starts from values that are too large.");
    }

    private static void SameSeed(MethodProblem problem)
    {
        using IMetaLearner first = problem.Open(), second = problem.Open();
        RequireSame(problem.Curve(first), problem.Curve(second), "equal seeds give different curves",
            "it draws from somewhere else than the Rng it is given, or keeps state in a static field.");
    }

    private static void OtherSeed(MethodProblem problem)
    {
        using IMetaLearner first = problem.Open(1), second = problem.Open(2);
        first.MetaStep(problem.BatchAt(0), new InlineExecutor());
        second.MetaStep(problem.BatchAt(0), new InlineExecutor());
        BrokenRule.Unless(!Values(first).SequenceEqual(Values(second)), "two seeds give the same initialization",
            "it does not draw it from the Rng it is given.");
    }

    private static void Workers(MethodProblem problem)
    {
        const string Cause = "an observer shares state with others (a static field, a field of the method); "
            + "each task needs its own.";
        using IMetaLearner inline = problem.Open(), shuffled = problem.Open(), one = problem.Open(),
            two = problem.Open();
        var curve = problem.Curve(inline);
        RequireSame(curve, problem.Curve(shuffled, executor: new InlineExecutor(new Rng(5))),
            "another order of training gives another curve", Cause);
        RequireSame(curve, problem.Curve(one, executor: new ThreadExecutor(1)),
            "a thread of its own gives another curve", Cause);
        RequireSame(curve, problem.Curve(two, executor: new ThreadExecutor(2)), "two workers give another curve",
            Cause);
        foreach (var other in new[] { shuffled, one, two })
            BrokenRule.Unless(Values(inline).SequenceEqual(Values(other)),
                "workers or their order change the initialization", Cause);
    }

    private static void HeldOut(MethodProblem problem)
    {
        using var learner = problem.Open();
        learner.MetaStep(problem.BatchAt(0), new InlineExecutor());
        var (before, file) = (Values(learner), Saved(learner));
        problem.Learn(learner);
        BrokenRule.Unless(before.SequenceEqual(Values(learner)) && file.AsSpan().SequenceEqual(Saved(learner)),
            "training a held-out task changed what was meta-learned",
            "Begin has to hand out a copy.");
    }

    private static void SavingAndLoading(MethodProblem problem)
    {
        var path = TemporaryFile();
        try
        {
            using var straight = problem.Open();
            straight.MetaStep(problem.BatchAt(0), new InlineExecutor());
            straight.MetaStep(problem.BatchAt(1), new InlineExecutor());
            straight.Save(path);
            using var resumed = problem.Open();
            resumed.Load(path);
            BrokenRule.Unless(straight.MetaSteps == resumed.MetaSteps,
                $"{straight.MetaSteps} meta-steps became {resumed.MetaSteps}",
                "Save has to write the number, Load to read it.");
            RequireSame(problem.Curve(straight, 2), problem.Curve(resumed, 2),
                "going on from a file gives another curve",
                "Save leaves something out: the meta-optimizer, a counter.");
            BrokenRule.Unless(Saved(straight).AsSpan().SequenceEqual(Saved(resumed)),
                "going on from a file saves other bytes", "Save leaves something out, or writes a time or an address.");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void NothingStays(MethodProblem problem)
    {
        using var learner = problem.Open();
        long Live()
        {
            for (var i = 0; i < 2; i++) learner.MetaStep(problem.BatchAt(learner.MetaSteps), new InlineExecutor());
            problem.Learn(learner);
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }
        // Methods that keep something for every task have met all of them after a few batches.
        for (var i = 0; i < 3; i++) Live();
        var early = Live();
        Live();
        var late = Live();
        BrokenRule.Unless(early == late, $"{late - early} tensors more are alive after four meta-steps",
            "free what an observer keeps in Dispose, and keep tensors with Keep.");
    }

    private static void Cancelled(MethodProblem problem)
    {
        using var learner = problem.Open();
        learner.MetaStep(problem.BatchAt(0), new InlineExecutor());
        var before = Saved(learner);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        try
        {
            learner.MetaStep(problem.BatchAt(1), new ThreadExecutor(1), cancelled.Token);
            throw new BrokenRule("a cancelled meta-step went on",
                "hand the token to the executor, and throw where it asks to leave.");
        }
        catch (OperationCanceledException) { }
        BrokenRule.Unless(before.AsSpan().SequenceEqual(Saved(learner)),
            "a cancelled meta-step changed what was meta-learned",
            "change nothing before all contributions are there.");
    }

    private static void EmptyBatch(MethodProblem problem)
    {
        using var learner = problem.Open();
        try { learner.MetaStep([], new InlineExecutor()); }
        catch (RlLeapException e) when (e.Message.Contains("empty")) { return; }
        throw new BrokenRule("an empty batch is not refused in words", "throw a RlLeapException that says so.");
    }

    private static void RequireSame(List<double> a, List<double> b, string what, string likelyCause) =>
        BrokenRule.Unless(a.SequenceEqual(b), what, likelyCause);

    private static float[] Values(IMetaLearner learner)
    {
        using var scope = NewDisposeScope();
        return [.. learner.Initialization.Shared.Flat.detach().data<float>(),
            .. learner.Initialization.Buffers.Flat.detach().data<float>()];
    }

    private static byte[] Saved(IMetaLearner learner)
    {
        var path = TemporaryFile();
        try
        {
            learner.Save(path);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string TemporaryFile() => Path.Combine(Path.GetTempPath(), $"rlleap-{Guid.NewGuid():N}.safetensors");
}
