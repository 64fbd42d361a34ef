// Roles of an agent's parameters: what is frozen stays, through every kernel and kind of stream.
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public sealed class RoleTests
{
    private static readonly ActorCriticOptions Options = ActorCriticOptions.MinAtar with
    {
        Environments = 8,
        Optimizer = new OptimizerOptions { LearningRate = 0.01 },
    };

    public static TheoryData<string, int, bool> Settings => new()
    {
        { "conv*", 1, false }, { "dense", 1, false }, { "body", 1, false }, { "head", 1, false }, { "conv*", 2, false },
        { "value", 2, false }, { "dense", 1, true },
    };

    // After one step of SGD everything else has the bits it has without frozen parameters.
    [Theory]
    [MemberData(nameof(Settings))]
    public void What_is_frozen_stays_and_the_rest_learns_as_before(string frozen, int workers, bool ppo)
    {
        var options = ppo ? Options with { Ppo = new PpoOptions { Epochs = 1, Minibatches = 1 } } : Options;
        using var whole = Stepped(options, workers);
        var roles = new Dictionary<string, ParameterRole> { [frozen] = ParameterRole.Frozen };
        using var part = Stepped(options with { Roles = roles }, workers);
        using var start = Stepped(options, workers, steps: 0);
        var stayed = 0;
        foreach (var entry in part.Model.Parameters.Layout.Entries)
        {
            var isFrozen = entry.Role == ParameterRole.Frozen;
            Assert.True(Value(part, entry).Equals(Value(isFrozen ? start : whole, entry)), entry.Name);
            stayed += isFrozen ? 1 : 0;
        }
        Assert.InRange(stayed, 1, part.Model.Parameters.Layout.Entries.Count - 1);
        for (var i = 0; i < 3; i++) part.TrainStep();
    }

    [Fact]
    public void Image_kernels_differentiate_past_frozen_layers()
    {
        using var scope = NewDisposeScope();
        var images = randint(0, 255, [4, 4, 84, 84], ScalarType.Byte);
        var network = AgentNetworks.Mnih2013(Box.Bytes(255, 4, 84, 84));
        foreach (var frozen in new[] { "conv1", "conv2", "dense" })
        {
            using var whole = Gradients(network, images, null);
            using var part = Gradients(network, images,
                new ParameterRoles(new Dictionary<string, ParameterRole> { [frozen] = ParameterRole.Frozen }));
            for (var i = 0; i < part.Layout.Entries.Count; i++)
                Assert.True(part.Layout.Entries[i].Role == ParameterRole.Frozen
                    ? part.GradientOf(i).count_nonzero().item<long>() == 0
                    : part.GradientOf(i).Equals(whole.GradientOf(i)), part.Layout.Entries[i].Name);
        }
    }

    private static ParameterVector Gradients(Network network, Tensor images, ParameterRoles? roles)
    {
        var model = new Model(network, [new Head("policy", 3)], roles: roles);
        model.Initialize(new Rng(1));
        model.Output(images).square().mean().backward();
        return model.Parameters;
    }

    private static Learner Stepped(ActorCriticOptions options, int workers, int steps = 1)
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1", options, workers: workers);
        var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(10_000), new Rng(4));
        for (var i = 0; i < steps; i++) learner.TrainStep();
        return learner;
    }

    private static Tensor Value(Learner learner, ParameterInfo entry) => learner.Model.Parameters[entry.Name].detach();
}
