// Tasks as messages: files, checkpoints in the middle, divergence, sampling.
using System.Text.Json;
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class TaskRunTests
{
    private static readonly Head Head = new("value", 1);
    private static readonly SmallMlp Network = new([1, 8, 6], activateLast: true);
    private static readonly SinusoidTask Sine = new("sine", 2, 0.5, Head);

    public static TheoryData<string> Observers => ["leap", "reptile", "fomaml", "energy"];

    private static PerTaskMethod Named(string name) => name switch
    {
        "leap" => new LeapOptions(),
        "energy" => new LeapOptions { Metric = PathMetric.Energy, LossInPath = false, IncludeLastStep = true },
        "reptile" => new ReptileOptions(),
        _ => new FirstOrderMamlOptions(),
    };

    [Theory]
    [MemberData(nameof(Observers))]
    public void ATaskThatIsStoppedAndGoesOnContributesTheSameBits(string name)
    {
        using var folder = new TempFolder();
        using var start = Start();
        var optimizer = new OptimizerOptions
        {
            Kind = OptimizerKind.Adam, LearningRate = 0.01, MaxGradientNorm = 0.5,
        };
        var job = Job(Named(name)) with { Learner = new LearnerOptions { GradientSteps = 20, Optimizer = optimizer } };
        var straight = TaskRun.Execute(job, Sine, start).Contribution!;
        var path = folder["task.safetensors"];
        using var stop = new CancellationTokenSource();
        var hooks = new TrainingHooks
        {
            Checkpoint = _ => path,
            Stepped = (_, record) =>
            {
                if (record.Step == 10) stop.Cancel();
            },
        };
        Assert.Throws<OperationCanceledException>(() => TaskRun.Execute(job, Sine, start, hooks, stop.Token));
        Assert.True(File.Exists(path));
        var seen = new List<long>();
        hooks = hooks with { Stepped = (_, record) => seen.Add(record.Step) };
        var resumed = TaskRun.Execute(job, Sine, start, hooks).Contribution!;
        Assert.Equal(11, seen[0]);
        Assert.Equal(straight.MetaGradient, resumed.MetaGradient);
        Assert.Equal(straight.Metrics, resumed.Metrics);
        Assert.False(File.Exists(path), "a finished task leaves no checkpoint");
    }

    [Theory]
    [InlineData(true, 3)] // position, gradient, sum
    [InlineData(false, 2)]
    public void LeapHoldsSoManyCopiesOfTheSharedParametersAndNoMore(bool lossInPath, int copies)
    {
        using var start = Start();
        using var observer = new LeapOptions { LossInPath = lossInPath }.Observe("sine");
        using var learner = start.Begin(Sine, new LearnerOptions(), new Rng(1), observer);
        learner.TrainStep();
        learner.TrainStep();
        Assert.Equal(copies, observer.State.Count);
        var expected = learner.Model.Parameters.Layout.SharedCount;
        Assert.All(observer.State.Values, tensor => Assert.Equal([expected], tensor.shape));
    }

    [Fact]
    public void JobsAndOutcomesSurviveTheirFiles()
    {
        using var folder = new TempFolder();
        using var start = Start();
        PerTaskMethod[] methods =
        [
            new LeapOptions { Metric = PathMetric.Energy, Stabilizer = false },
            new ReptileOptions { IncludeLastStep = true },
            new FirstOrderMamlOptions { Gradient = OuterBatch.Validation },
            new MamlOptions { OuterBatches = 3 },
        ];
        foreach (var method in methods)
        {
            var job = Job(method);
            var sent = JsonSerializer.Deserialize<TaskJob>(JsonSerializer.Serialize(job, Methods.Json), Methods.Json)!;
            Assert.Equal(job, sent);
            var outcome = TaskRun.Execute(sent, Sine, start);
            outcome.Save(folder["outcome.safetensors"]);
            var read = TaskOutcome.Load(folder["outcome.safetensors"], job).Contribution!;
            Assert.Equal(outcome.Contribution!.MetaGradient, read.MetaGradient);
            Assert.Equal(outcome.Contribution.Metrics, read.Metrics);
            Assert.Equal(outcome.Contribution.Steps, read.Steps);
        }
        var failed = new TaskOutcome(Job(new LeapOptions()), null, "it diverged");
        var path = folder["failed.safetensors"];
        failed.Save(path);
        Assert.Equal("it diverged", TaskOutcome.Load(path, failed.Job).Failure);
        Assert.Contains("seed 8", Refusal(() => TaskOutcome.Load(path, failed.Job with { Seed = 8 })));

        static string Refusal(Func<object> load) => Assert.Throws<RlLeapException>(load).Message;
    }

    [Fact]
    public void AnInitializationSurvivesItsFile()
    {
        using var folder = new TempFolder();
        using var start = Start();
        start.Save(folder["initialization.safetensors"]);
        using var read = new MetaInitialization(Network, []);
        read.Load(folder["initialization.safetensors"]);
        Assert.Equal(Values(start), Values(read));
        using var other = new MetaInitialization(new SmallMlp([1, 9, 6], activateLast: true), []);
        Assert.Throws<RlLeapException>(() => other.Load(folder["initialization.safetensors"]));
    }

    [Fact]
    public void WhatTookLongestIsBegunFirstTheNextTime()
    {
        var clock = new HandClock();
        var executor = new ThreadExecutor(1, clock: clock);
        string[] ids = ["short", "long", "middle"];
        var jobs = ids.Select((id, i) => Job(new LeapOptions()) with { TaskId = id, Index = i }).ToList();
        Assert.Equal(["short", "long", "middle"], Order(jobs));
        Assert.Equal(["long", "middle", "short"], Order(jobs));
        var another = jobs[0] with { TaskId = "new", Index = 3 };
        Assert.Equal(["new", "long", "middle", "short"], Order([.. jobs, another]));

        List<string> Order(IReadOnlyList<TaskJob> tasks)
        {
            var begun = new List<string>();
            var outcomes = executor.Map(new MetaBatch(0, null!, tasks), (job, _, _) =>
            {
                begun.Add(job.TaskId);
                clock.Seconds += job.TaskId switch { "long" => 3, "middle" => 2, _ => 1 };
                return new TaskOutcome(job, null, "");
            });
            Assert.Equal(tasks, outcomes.Select(outcome => outcome.Job));
            return begun;
        }
    }

    private sealed class HandClock : TimeProvider
    {
        public long Seconds { get; set; }
        public override long TimestampFrequency => 1;
        public override long GetTimestamp() => Seconds;
    }

    [Fact]
    public void TheTimeOfATrainingIsToldWithoutThatOfItsHooks()
    {
        using var start = Start();
        var (clock, times) = (new HandClock(), new List<TimeSpan>());
        var hooks = new TrainingHooks
        {
            Stepped = (_, _) => clock.Seconds += 20, Trained = (_, time) => times.Add(time), Clock = clock,
        };
        var outcome = TaskRun.Execute(Job(new Slow(clock)), Sine, start, hooks);
        Assert.Equal(TimeSpan.FromSeconds(3 * outcome.Contribution!.Steps), Assert.Single(times));
    }

    // Takes three seconds at every point.
    private sealed record Slow(HandClock Clock) : PerTaskMethod
    {
        public override string Name => "slow";
        public override PathObserver Observe(string taskId) => new Observer(taskId, Clock);

        private sealed class Observer(string taskId, HandClock clock) : PathObserver(taskId)
        {
            protected override void ObservePoint(Tensor position, Tensor gradient, double loss) => clock.Seconds += 3;
            protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics) => end * 0;
        }
    }

    [Fact]
    public void ATaskThatDivergesIsLeftOutAndNamed()
    {
        ITask[] pool = [Sine, new SinusoidTask("poisoned", 1, 0, Head, poisonedAt: 3)];
        using var learner = new LeapOptions().Create(Context(pool));
        var record = learner.MetaStep(pool, new ThreadExecutor(2));
        Assert.Equal("sine", Assert.Single(record.Tasks).TaskId);
        var diverged = Assert.Single(record.Diverged);
        Assert.Equal("poisoned", diverged.Job.TaskId);
        Assert.Contains("gradient step 3", diverged.Failure);

        using var alone = new LeapOptions().Create(Context(pool));
        alone.MetaStep([Sine], new InlineExecutor());
        Assert.Equal(Values(alone.Initialization), Values(learner.Initialization));
    }

    [Fact]
    public void TooManyDivergedTasksStopTheRun()
    {
        ITask[] pool =
        [
            Sine,
            new SinusoidTask("poisoned", 1, 0, Head, poisonedAt: 3),
            new SinusoidTask("poisoned too", 1, 0, Head, poisonedAt: 0),
        ];
        foreach (var method in new MetaLearningMethod[] { new LeapOptions(), new FinetuningOptions() })
        {
            using var learner = method.Create(Context(pool));
            var before = Values(learner.Initialization);
            var error = Assert.Throws<RlLeapException>(() => learner.MetaStep(pool, new InlineExecutor()));
            Assert.Contains("2 of 3 tasks diverged", error.Message);
            Assert.Contains("seed", error.Message);
            Assert.Equal(before, Values(learner.Initialization));
        }
    }

    [Fact]
    public void FinetuningLeavesATaskOutFromWhereItDiverges()
    {
        ITask[] pool = [Sine, new SinusoidTask("poisoned", 1, 0, Head, poisonedAt: 3)];
        using var learner = new FinetuningOptions().Create(Context(pool));
        var record = learner.MetaStep(pool, new InlineExecutor());
        Assert.Equal("sine", Assert.Single(record.Tasks).TaskId);
        Assert.Equal("poisoned", Assert.Single(record.Diverged).Job.TaskId);
        Assert.All(Values(learner.Initialization), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void AnErrorInATaskReachesTheCallerAndStopsTheOthers()
    {
        using var learner = new LeapOptions().Create(Context([Sine]));
        var odd = new SinusoidTask("odd", 1, 0, new Head("value", 1, Shared: true));
        Assert.Throws<RlLeapException>(() => learner.MetaStep([Sine, odd], new ThreadExecutor(2)));
    }

    [Fact]
    public void ABatchLargerThanThePoolPassesOverItAgainInANewOrder()
    {
        var sampler = new TaskSampler(new Rng(1), 7, 17);
        var batch = sampler.Batch(0);
        Assert.Equal(17, batch.Length);
        Assert.Equal(Enumerable.Range(0, 7), batch[..7].Order());
        Assert.Equal(Enumerable.Range(0, 7), batch[7..14].Order());
        Assert.Equal(3, batch[14..].Distinct().Count());
        Assert.NotEqual(batch[..7], batch[7..14]);
        Assert.Equal(batch, new TaskSampler(new Rng(1), 7, 17).Batch(0));
        Assert.NotEqual(batch, sampler.Batch(1));
        var small = new TaskSampler(new Rng(1), 100, 5).Batch(3);
        Assert.Equal(5, small.Distinct().Count());
    }

    [Fact]
    public void SettingsThatCannotWorkAreRefusedInWords()
    {
        Assert.Contains("empty", Refusal(new LeapOptions(), Context([])));
        Assert.Contains("empty", Assert.Throws<RlLeapException>(() => new TaskSampler(new Rng(0), 0, 3)).Message);
        Assert.Contains("last step", Refusal(new LeapOptions { IncludeLastStep = true }, Context([Sine])));
        var adam = new LearnerOptions { Optimizer = new OptimizerOptions { Kind = OptimizerKind.Adam } };
        Assert.Contains("Adam", Refusal(new MamlOptions(), Context([Sine]) with { Learner = adam }));
        Assert.Contains("twice", Refusal(new FinetuningOptions(), Context([Sine, Sine])));
        var sharing = new SinusoidTask("b", 1, 1, new Head("value", 1, Shared: true));
        Assert.Contains("shares", Refusal(new LeapOptions(), Context([Sine, sharing])));
        Assert.Contains("inputs", Refusal(new LeapOptions(), Context([Sine]) with { Network = new SmallMlp([2, 3]) }));
        Assert.Contains("module of mine", Refusal(new MamlOptions(), Context([Sine]) with
        {
            Network = new ModuleNetwork("module of mine", [1], 4, () => nn.Sequential(nn.Linear(1, 4), nn.Tanh())),
        }));

        static string Refusal(MetaLearningMethod method, MetaLearnerContext context) =>
            Assert.Throws<RlLeapException>(() => method.Create(context)).Message;
    }

    private static MetaInitialization Start()
    {
        var start = new MetaInitialization(Network, []);
        start.Initialize(new Rng(3));
        return start;
    }

    private static float[] Values(MetaInitialization initialization) =>
        initialization.Shared.Flat.detach().data<float>().ToArray();

    private static TaskJob Job(PerTaskMethod method) =>
        new() { TaskId = "sine", Seed = 7, MetaStep = 2, Index = 1, Method = method, Learner = Sgd(5) };

    private static MetaLearnerContext Context(IReadOnlyList<ITask> pool) =>
        new() { Network = Network, Pool = pool, Learner = Sgd(6), Rng = new Rng(1) };

    private static LearnerOptions Sgd(long gradientSteps) =>
        new() { GradientSteps = gradientSteps, Optimizer = new OptimizerOptions { LearningRate = 0.01 } };
}
