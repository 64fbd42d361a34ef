// Tasks as messages: files, checkpoints in the middle, divergence, sampling.
using RlLeap.MetaLearning;
using RlLeap.Testing;
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
        var work = Work(Named(name)) with { Learner = new LearnerOptions { GradientSteps = 20, Optimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 0.01, MaxGradientNorm = 0.5 } } };
        var straight = TaskRun.Execute(work, Sine, start).Contribution!;
        var path = folder["task.safetensors"];
        using var stop = new CancellationTokenSource();
        var hooks = new TrainingHooks { Checkpoint = _ => path, Stepped = (_, record) => { if (record.Step == 10) stop.Cancel(); } };
        Assert.Throws<OperationCanceledException>(() => TaskRun.Execute(work, Sine, start, hooks, stop.Token));
        Assert.True(File.Exists(path));
        var seen = new List<long>();
        var resumed = TaskRun.Execute(work, Sine, start, hooks with { Stepped = (_, record) => seen.Add(record.Step) }).Contribution!;
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
        Assert.All(observer.State.Values, tensor => Assert.Equal([learner.Model.Parameters.Layout.SharedCount], tensor.shape));
    }

    [Fact]
    public void WorksAndOutcomesSurviveTheirFiles()
    {
        using var folder = new TempFolder();
        using var start = Start();
        foreach (var method in new PerTaskMethod[] { new LeapOptions { Metric = PathMetric.Energy, Stabilizer = false }, new ReptileOptions { IncludeLastStep = true }, new FirstOrderMamlOptions { Gradient = OuterBatch.Validation }, new MamlOptions { OuterBatches = 3 } })
        {
            var work = Work(method);
            work.Save(folder["work.json"]);
            Assert.Equal(work, TaskJob.Load(folder["work.json"]));
            var outcome = TaskRun.Execute(TaskJob.Load(folder["work.json"]), Sine, start);
            outcome.Save(folder["outcome.safetensors"]);
            var read = TaskOutcome.Load(folder["outcome.safetensors"], work).Contribution!;
            Assert.Equal(outcome.Contribution!.MetaGradient, read.MetaGradient);
            Assert.Equal(outcome.Contribution.Metrics, read.Metrics);
            Assert.Equal(outcome.Contribution.Steps, read.Steps);
        }
        var failed = new TaskOutcome(Work(new LeapOptions()), null, "it diverged");
        failed.Save(folder["failed.safetensors"]);
        Assert.Equal("it diverged", TaskOutcome.Load(folder["failed.safetensors"], failed.Job).Failure);
        Assert.Contains("seed 8", Assert.Throws<RlLeapException>(() => TaskOutcome.Load(folder["failed.safetensors"], failed.Job with { Seed = 8 })).Message);
        Assert.Contains("nothing.json", Assert.Throws<RlLeapException>(() => TaskJob.Load(folder["nothing.json"])).Message);
        Assert.Contains("broken.json", Assert.Throws<RlLeapException>(() => TaskJob.Load(folder.Write("broken.json", "{\"method\": 3"))).Message);
    }

    [Fact]
    public void AnInitializationSurvivesItsFile()
    {
        using var folder = new TempFolder();
        using var start = Start();
        start.Save(folder["initialization.safetensors"]);
        using var read = new MetaInitialization(Network, []);
        read.Load(folder["initialization.safetensors"]);
        Assert.Equal(start.Shared.Flat.detach().data<float>().ToArray(), read.Shared.Flat.detach().data<float>().ToArray());
        using var other = new MetaInitialization(new SmallMlp([1, 9, 6], activateLast: true), []);
        Assert.Throws<RlLeapException>(() => other.Load(folder["initialization.safetensors"]));
    }

    [Fact]
    public void WhatTookLongestIsBegunFirstTheNextTime()
    {
        var clock = new HandClock();
        var executor = new ThreadExecutor(1, clock: clock);
        string[] ids = ["short", "long", "middle"];
        var works = ids.Select((id, i) => Work(new LeapOptions()) with { TaskId = id, Index = i }).ToList();
        Assert.Equal(["short", "long", "middle"], Order(works));
        Assert.Equal(["long", "middle", "short"], Order(works));
        Assert.Equal(["new", "long", "middle", "short"], Order([.. works, works[0] with { TaskId = "new", Index = 3 }]));

        List<string> Order(IReadOnlyList<TaskJob> tasks)
        {
            var begun = new List<string>();
            var outcomes = executor.Map(new MetaBatch(0, null!, tasks), (work, _, _) =>
            {
                begun.Add(work.TaskId);
                clock.Seconds += work.TaskId switch { "long" => 3, "middle" => 2, _ => 1 };
                return new TaskOutcome(work, null, "");
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
        var outcome = TaskRun.Execute(Work(new Slow(clock)), Sine, start, new TrainingHooks { Stepped = (_, _) => clock.Seconds += 20, Trained = (_, time) => times.Add(time), Clock = clock });
        Assert.Equal(TimeSpan.FromSeconds(3 * outcome.Contribution!.Steps), Assert.Single(times));
    }

    // Takes three seconds at every point.
    private sealed record Slow(HandClock Clock) : PerTaskMethod
    {
        public override string Name => "slow";
        public override PathObserver Observe(string taskId) => new Observer(taskId, Clock);

        private sealed class Observer(string taskId, HandClock clock) : PathObserver(taskId)
        {
            protected override void ObservePoint(TorchSharp.torch.Tensor position, TorchSharp.torch.Tensor gradient, double loss) => clock.Seconds += 3;
            protected override TorchSharp.torch.Tensor MetaGradient(TorchSharp.torch.Tensor end, IDictionary<string, double> metrics) => end * 0;
        }
    }

    [Fact]
    public void ATaskThatDivergesIsLeftOutAndNamed()
    {
        ITask[] pool = [Sine, new SinusoidTask("poisoned", 1, 0, Head, poisonedAt: 3)];
        using var learner = new LeapOptions().Create(Setting(pool));
        var record = learner.MetaStep(pool, new ThreadExecutor(2));
        Assert.Equal("sine", Assert.Single(record.Tasks).TaskId);
        var diverged = Assert.Single(record.Diverged);
        Assert.Equal("poisoned", diverged.Job.TaskId);
        Assert.Contains("gradient step 3", diverged.Failure);

        using var alone = new LeapOptions().Create(Setting(pool));
        alone.MetaStep([Sine], new InlineExecutor());
        Assert.Equal(alone.Initialization.Shared.Flat.detach().data<float>().ToArray(), learner.Initialization.Shared.Flat.detach().data<float>().ToArray());
    }

    [Fact]
    public void TooManyDivergedTasksStopTheRun()
    {
        ITask[] pool = [Sine, new SinusoidTask("poisoned", 1, 0, Head, poisonedAt: 3), new SinusoidTask("poisoned too", 1, 0, Head, poisonedAt: 0)];
        foreach (var method in new MetaLearningMethod[] { new LeapOptions(), new FinetuningOptions() })
        {
            using var learner = method.Create(Setting(pool));
            var before = learner.Initialization.Shared.Flat.detach().data<float>().ToArray();
            var error = Assert.Throws<RlLeapException>(() => learner.MetaStep(pool, new InlineExecutor()));
            Assert.Contains("2 of 3 tasks diverged", error.Message);
            Assert.Contains("seed", error.Message);
            Assert.Equal(before, learner.Initialization.Shared.Flat.detach().data<float>().ToArray());
        }
    }

    [Fact]
    public void FinetuningLeavesATaskOutFromWhereItDiverges()
    {
        ITask[] pool = [Sine, new SinusoidTask("poisoned", 1, 0, Head, poisonedAt: 3)];
        using var learner = new FinetuningOptions().Create(Setting(pool));
        var record = learner.MetaStep(pool, new InlineExecutor());
        Assert.Equal("sine", Assert.Single(record.Tasks).TaskId);
        Assert.Equal("poisoned", Assert.Single(record.Diverged).Job.TaskId);
        Assert.All(learner.Initialization.Shared.Flat.detach().data<float>().ToArray(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void AnErrorInATaskReachesTheCallerAndStopsTheOthers()
    {
        using var learner = new LeapOptions().Create(Setting([Sine]));
        Assert.Throws<RlLeapException>(() => learner.MetaStep([Sine, new SinusoidTask("odd", 1, 0, new Head("value", 1, Shared: true))], new ThreadExecutor(2)));
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
        Assert.Contains("empty", Refusal(new LeapOptions(), Setting([])));
        Assert.Contains("empty", Assert.Throws<RlLeapException>(() => new TaskSampler(new Rng(0), 0, 3)).Message);
        Assert.Contains("last step", Refusal(new LeapOptions { IncludeLastStep = true }, Setting([Sine])));
        Assert.Contains("Adam", Refusal(new MamlOptions(), Setting([Sine]) with { Learner = new LearnerOptions { Optimizer = new OptimizerOptions { Kind = OptimizerKind.Adam } } }));
        Assert.Contains("twice", Refusal(new FinetuningOptions(), Setting([Sine, Sine])));
        Assert.Contains("shares", Refusal(new LeapOptions(), Setting([Sine, new SinusoidTask("b", 1, 1, new Head("value", 1, Shared: true))])));
        Assert.Contains("inputs", Refusal(new LeapOptions(), Setting([Sine]) with { Network = new SmallMlp([2, 3]) }));
        Assert.Contains("module of mine", Refusal(new MamlOptions(), Setting([Sine]) with
        {
            Network = new ModuleNetwork("module of mine", [1], 4, () => nn.Sequential(nn.Linear(1, 4), nn.Tanh())),
        }));

        static string Refusal(MetaLearningMethod method, MetaLearnerContext setting) => Assert.Throws<RlLeapException>(() => method.Create(setting)).Message;
    }

    private static MetaInitialization Start()
    {
        var start = new MetaInitialization(Network, []);
        start.Draw(new Rng(3));
        return start;
    }

    private static TaskJob Work(PerTaskMethod method) =>
        new() { TaskId = "sine", Seed = 7, MetaStep = 2, Index = 1, Method = method, Learner = new LearnerOptions { GradientSteps = 5, Optimizer = new OptimizerOptions { LearningRate = 0.01 } } };

    private static MetaLearnerContext Setting(IReadOnlyList<ITask> pool) =>
        new() { Network = Network, Pool = pool, Learner = new LearnerOptions { GradientSteps = 6, Optimizer = new OptimizerOptions { LearningRate = 0.01 } }, Rng = new Rng(1) };
}
