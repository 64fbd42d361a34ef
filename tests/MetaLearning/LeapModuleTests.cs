// Leap around a module and a training loop of the user's own.
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class LeapModuleTests
{
    private const int Steps = 12;

    [Fact]
    public void IsTheMetaLearnerOnTheSameModule()
    {
        // One network as a torch.nn.Module in a loop of one's own, and as a ModuleNetwork in the meta-learner.
        var tasks = SinusoidTask.Family(3, new Rng(4));
        var network = new ModuleNetwork("net", [1], 1, Build);
        using var meta = new LeapOptions().Create(new MetaLearnerContext
        {
            Network = network, Pool = tasks, Rng = new Rng(1), DType = ScalarType.Float32,
            Learner = new LearnerOptions
            {
                GradientSteps = Steps, Optimizer = new OptimizerOptions { LearningRate = 0.02 },
            },
            MetaOptimizer = new OptimizerOptions { LearningRate = 0.1 },
        });
        using var module = Build();
        using var scope = NewDisposeScope();
        using (no_grad())
            foreach (var (name, parameter) in module.named_parameters())
                parameter.copy_(meta.Initialization.Shared[name]);
        using var leap = new LeapModule(module, new LeapOptions());
        for (var step = 0; step < 2; step++)
        {
            var record = meta.MetaStep(tasks, new InlineExecutor());
            foreach (var (task, seed) in tasks.Zip(record.Tasks, (task, done) => (task, done.Seed)))
            {
                using var path = leap.Begin(task.Info.Id);
                using var stream = task.Open(new Rng(seed).Split("stream"), CPU);
                using var reference = new Model(network, []);
                var optimizer = optim.SGD(module.parameters(), 0.02);
                for (var k = 0; k < Steps; k++)
                {
                    using var batch = (SinusoidBatch)stream.NextBatch(reference);
                    optimizer.zero_grad();
                    var loss = nn.functional.mse_loss(module.call(batch.X), batch.Y);
                    loss.backward();
                    path.Observe(loss);
                    optimizer.step();
                }
                leap.Add(path);
            }
            leap.Step();
        }
        foreach (var (name, parameter) in module.named_parameters())
        {
            var expected = meta.Initialization.Shared[name].detach().data<float>().ToArray();
            var actual = parameter.detach().data<float>().ToArray();
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5f);
        }
    }

    [Fact]
    public void TheExampleOfTheReadmeLearnsWhereToStart()
    {
        var (before, after) = LeapOnAnyModule.Program.Run(metaSteps: 60, TextWriter.Null);
        Assert.True(after < 0.85 * before, $"{before} before, {after} after");
    }

    [Fact]
    public void WhatIsNotSharedIsPutBackForEveryTask()
    {
        using var module = nn.Sequential(
            ("encoder", nn.Linear(2, 3)), ("norm", nn.BatchNorm1d(3)), ("head", nn.Linear(3, 1)));
        using var leap = new LeapModule(
            module, new ReptileOptions { IncludeLastStep = true }, new OptimizerOptions { LearningRate = 1 },
            shared: name => name.StartsWith("encoder"));
        using var scope = NewDisposeScope();
        var before = module.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
        using (var path = leap.Begin())
        {
            var optimizer = optim.SGD(module.parameters(), 0.1);
            for (var k = 0; k < 3; k++)
            {
                optimizer.zero_grad();
                var loss = module.call(Noise(5, 2)).square().mean();
                loss.backward();
                path.Observe(loss);
                optimizer.step();
            }
            leap.Add(path);
        }
        var trained = module.state_dict()["encoder.weight"].detach().clone();
        leap.Step();
        foreach (var (name, value) in module.state_dict())
            if (name.StartsWith("encoder.weight"))
                Assert.True(
                    (value - trained).abs().max().item<float>() < 1e-6,
                    "Reptile with rate 1 moves to where training ended");
            else if (!name.StartsWith("encoder")) Assert.True(value.Equals(before[name]), name);
        Assert.Equal(1, leap.MetaSteps);
        Assert.Equal(2, leap.Initialization.Views.Count);
    }

    [Fact]
    public void MisuseIsRefusedInWords()
    {
        using var module = Build();
        Assert.Contains("maml", Refusal(() => new LeapModule(module, new MamlOptions())));
        Assert.Contains("shared", Refusal(() => new LeapModule(module, new LeapOptions(), shared: _ => false)));
        using var leap = new LeapModule(module, new LeapOptions());
        Assert.Contains("Add", Assert.Throws<InvalidOperationException>(leap.Step).Message);
        using var path = leap.Begin("mine");
        Assert.Throws<InvalidOperationException>(() => leap.Add(path));
        Assert.Contains("loss", Assert.Throws<DivergenceException>(() => path.Observe(double.NaN)).Message);

        static string Refusal(Func<LeapModule> create) => Assert.Throws<RlLeapException>(create).Message;
    }

    [Fact]
    public void APathThatLeftTheFiniteNumbersIsRefusedAndMovesNothing()
    {
        using var module = Build();
        using var leap = new LeapModule(module, new ReptileOptions { IncludeLastStep = true });
        var before = leap.Initialization.Flat.detach().data<float>().ToArray();
        using var path = leap.Begin("mine");
        path.Observe(1.0);
        // What the last update does when the learning rate is too large.
        using (no_grad()) module.parameters().First().fill_(double.PositiveInfinity);
        Assert.Contains("mine", Assert.Throws<DivergenceException>(() => leap.Add(path)).Message);
        var metrics = new Dictionary<string, double>();
        var diverged = new Contribution("elsewhere", [.. before.Select(_ => double.NaN)], 1, metrics);
        Assert.Throws<DivergenceException>(() => leap.Add(diverged));
        var foreign = new Contribution("of another module", [1.0], 1, metrics);
        Assert.Contains("37", Assert.Throws<RlLeapException>(() => leap.Add(foreign)).Message);
        Assert.Throws<InvalidOperationException>(leap.Step);
        Assert.Equal(before, leap.Initialization.Flat.detach().data<float>().ToArray());
    }

    private static nn.Module<Tensor, Tensor> Build() => nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1));

    private static Tensor Noise(long rows, long columns)
    {
        var values = new float[rows * columns];
        new Rng(5).FillNormal(values);
        return tensor(values, [rows, columns]);
    }
}
