// Roles in meta-learning: ANIL, BOIL, freezing. The roles are those of the configs in experiments/omniglot.
using System.Text.Json;
using RlLeap.Cli.Config;
using RlLeap.Cli.MetaTraining;
using RlLeap.Data;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class RoleTests
{
    private static readonly SmallMlp Network = new([1, 5, 4], activateLast: true);
    private static readonly Head Shared = new("head", 1, Shared: true);
    private static readonly SinusoidTask Task = new("sine", 1.5, 0.3, Shared);

    [Theory]
    [InlineData("anil.yaml", "head")]
    [InlineData("boil.yaml", "body")]
    public void What_the_config_says_is_adapted_on_Omniglot(string name, string adapted)
    {
        var config = Config(name);
        var entries = Model.LayoutOf(ConvolutionalEncoder.Omniglot, [new Head("classes", 20, Shared: true)],
            config.Omniglot!.Learner.ParameterRoles).Entries;
        Assert.All(entries, entry => Assert.Equal(
            entry.Name.StartsWith("classes", StringComparison.Ordinal) == (adapted == "head")
                ? ParameterRole.Adapted : ParameterRole.Meta, entry.Role));
    }

    // Central differences of the outer loss, in every parameter: those that a task adapts and those that it does not.
    [Theory]
    [InlineData("anil.yaml")]
    [InlineData("boil.yaml")]
    public void Maml_gives_the_derivative_in_adapted_and_in_meta_parameters(string name)
    {
        var learner = Sgd(steps: 3) with { Roles = Config(name).Omniglot!.Learner.Roles };
        using var start = Start(learner);
        var gradient = Run(new MamlOptions(), learner, start).MetaGradient;
        for (var i = 0; i < gradient.Length; i++)
        {
            const double step = 1e-5;
            var numeric = (OuterLoss(start, learner, i, step) - OuterLoss(start, learner, i, -step)) / (2 * step);
            Assert.Equal(numeric, gradient[i], 1e-7 * Math.Max(1, Math.Abs(numeric)));
        }
    }

    [Theory]
    [InlineData("anil.yaml")]
    [InlineData("boil.yaml")]
    public void A_task_leaves_meta_parameters_and_the_method_moves_them_between_tasks(string name)
    {
        var learner = Sgd(steps: 4) with { Roles = Config(name).Omniglot!.Learner.Roles };
        foreach (PerTaskMethod method in new PerTaskMethod[] { new FirstOrderMamlOptions(), new MamlOptions() })
        {
            using var meta = method.Create(Context(learner));
            using (var trained = meta.Begin(Task, learner, new Rng(1)))
            {
                while (!trained.IsDone) trained.TrainStep();
                foreach (var entry in trained.Model.Parameters.Layout.Entries)
                    Assert.Equal(entry.Role == ParameterRole.Meta, trained.Model.Parameters[entry.Name].detach()
                        .Equals(meta.Initialization.Shared[entry.Name].detach()));
            }
            var before = meta.Initialization.Shared.Flat.detach().clone();
            meta.MetaStep([Task], new ThreadExecutor(1));
            Assert.Equal(0, meta.Initialization.Shared.Flat.detach().eq(before).sum().item<long>());
        }
    }

    [Fact]
    public void Freezing_holds_in_tasks_and_between_them_and_elsewhere_all_is_learned()
    {
        var roles = Config("freeze.yaml").Evaluation!.Roles!;
        var learner = With("0", ParameterRole.Frozen);
        using var meta = new LeapOptions().Create(Context(learner));
        var first = meta.Initialization.Shared["0.weight"].detach().clone();
        var second = meta.Initialization.Shared["2.weight"].detach().clone();
        meta.MetaStep([Task], new ThreadExecutor(1));
        Assert.True(meta.Initialization.Shared["0.weight"].detach().Equals(first));
        Assert.False(meta.Initialization.Shared["2.weight"].detach().Equals(second));

        // Meta-trained whole or in part, evaluated with the body frozen.
        using var frozen = meta.Begin(Task, Sgd(steps: 4) with { Roles = roles }, new Rng(1));
        while (!frozen.IsDone) frozen.TrainStep();
        foreach (var entry in frozen.Model.Parameters.Layout.Entries)
            Assert.Equal(!entry.Name.StartsWith("head", StringComparison.Ordinal), frozen.Model.Parameters[entry.Name]
                .detach().Equals(meta.Initialization.Shared[entry.Name].detach()));
    }

    [Fact]
    public void A_role_that_a_method_cannot_honour_is_an_error_before_training()
    {
        var meta = With("body", ParameterRole.Meta);
        var message = Assert.Throws<RlLeapException>(() => new LeapOptions().Create(Context(meta))).Message;
        Assert.Contains("0.weight of sine is meta, which the method leap cannot honour", message,
            StringComparison.Ordinal);
        var frozen = With("body", ParameterRole.Frozen);
        Assert.Contains("hat cannot honour", Assert.Throws<RlLeapException>(() =>
            new HatOptions().Create(Context(frozen))).Message, StringComparison.Ordinal);
        var typo = With("conv*", ParameterRole.Frozen);
        Assert.Contains("conv* matches no parameter", Assert.Throws<RlLeapException>(() =>
            new LeapOptions().Create(Context(typo))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Jobs_and_initializations_carry_roles()
    {
        using var folder = new TempFolder();
        var learner = Sgd(4) with
        {
            Roles = new Dictionary<string, ParameterRole> { ["0.*"] = ParameterRole.Frozen },
            Rates = new Dictionary<string, double> { ["head"] = 3 },
        };
        var job = new TaskJob
        {
            TaskId = "sine", Seed = 7, MetaStep = 0, Index = 0, Method = new LeapOptions(), Learner = learner,
        };
        var sent = JsonSerializer.Serialize(job, Methods.Json);
        var read = JsonSerializer.Deserialize<TaskJob>(sent, Methods.Json)!.Learner;
        Assert.Equal(learner.Roles, read.Roles);
        Assert.Equal(learner.Rates, read.Rates);
        using var meta = new LeapOptions().Create(Context(learner));
        meta.Save(folder["meta"]);
        Assert.Equal("0.weight frozen, 0.bias frozen, head.weight rate 3, head.bias rate 3",
            SafeTensors.Read(folder["meta"]).Notes["roles"]);
    }

    private static MetaTrainConfig Config(string name) =>
        ConfigFile.Load<MetaTrainConfig>(Path.Combine(Repository.Root, "experiments", "omniglot", name));

    private static MetaLearnerContext Context(LearnerOptions learner) => new()
    {
        Network = Network, Pool = [Task], Learner = learner, Rng = new Rng(5), DType = ScalarType.Float64,
        MetaOptimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 0.01 },
    };

    private static MetaInitialization Start(LearnerOptions learner)
    {
        var start = new MetaInitialization(Network, [Shared], ScalarType.Float64, roles: learner.ParameterRoles);
        start.Initialize(new Rng(3));
        return start;
    }

    private static double OuterLoss(MetaInitialization start, LearnerOptions learner, int i, double step)
    {
        var at = start.Shared.Flat.detach().narrow(0, i, 1);
        at.add_(step);
        try { return Run(new MamlOptions(), learner, start).Metrics["loss.outer"]; }
        finally { at.sub_(step); }
    }

    private static Contribution Run(PerTaskMethod method, LearnerOptions learner, MetaInitialization start) =>
        TaskRun.Execute(new TaskJob
        {
            TaskId = "sine", Seed = 7, MetaStep = 0, Index = 0, Method = method, Learner = learner,
        }, Task, start).Contribution!;

    private static LearnerOptions With(string pattern, ParameterRole role) =>
        Sgd(steps: 4) with { Roles = new Dictionary<string, ParameterRole> { [pattern] = role } };

    private static LearnerOptions Sgd(long steps) =>
        new() { GradientSteps = steps, Optimizer = new OptimizerOptions { LearningRate = 0.05 } };
}
