// Dict observations with an image among their parts: a convolution reads the image.
using RlLeap.Agents;
using RlLeap.Environments;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class PartsNetworkTests
{
    // A number, an image of 8 x 8, another number.
    private static readonly Box Space = Box.Floats(66) with
    {
        Images = [new SpacePart("camera", Box.Between(0, 1, 1, 8, 8), 1)],
    };

    private static readonly ActorCriticOptions Options = ActorCriticOptions.Presets["classic"];

    /// <summary>
    /// Shows a light; a reward of 1 for naming its half of the image, or the other half where the first number is 1.
    /// Ten steps an episode. Image or number alone say nothing: whoever sees only one of them earns 5.
    /// </summary>
    private sealed class Lights(Rng rng) : IEnvironment
    {
        private int _right, _step;

        public EnvironmentSpec Spec { get; } = new("Lights", Space, new Discrete(2));

        public TimeStep Reset()
        {
            _step = 0;
            return TimeStep.First(Next());
        }

        public TimeStep Step(int action)
        {
            var reward = action == _right ? 1 : 0;
            return ++_step == 10 ? TimeStep.Terminated(reward, Next()) : TimeStep.Mid(reward, Next());
        }

        private float[] Next()
        {
            var seen = new float[66];
            var (row, column) = (rng.NextInt(8), rng.NextInt(8));
            (seen[0], seen[65]) = (rng.NextInt(2), 1);
            seen[1 + 8 * row + column] = 1;
            _right = column >= 4 == (seen[0] == 0) ? 1 : 0;
            return seen;
        }
    }

    [Fact]
    public void An_image_among_the_parts_is_read_by_a_convolution()
    {
        var network = AgentNetworks.Create(Options with { SharedNetwork = true }, Space);
        Assert.Equal("parts", network.Name);
        Assert.Equal(["camera.conv1.weight", "camera.conv1.bias", "camera.dense.weight", "camera.dense.bias",
            "dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"], network.Parameters.Select(p => p.Name));
        Assert.Equal([16, 1, 3, 3], network.Parameters[0].Shape);
        Assert.Equal([64, 128 + 2], network.Parameters[4].Shape);
        var separate = AgentNetworks.Create(Options, Space);
        Assert.Equal(2 * network.Parameters.Count, separate.Parameters.Count);
        Assert.Contains("an image among their parts", Assert.Throws<RlLeapException>(
            () => AgentNetworks.Create("parts", Box.Floats(66))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_features_are_those_of_the_convolution_beside_the_other_numbers()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var model = new Model(AgentNetworks.Create(Options with { SharedNetwork = true }, Space), []);
        model.Initialize(new Rng(1));
        var image = (Box)Space.Images[0].Space;
        using var camera = new Model(AgentNetworks.Create("minatar", image), []);
        using var dense = new Model(AgentNetworks.Create("mlp", Box.Floats(130)), []);
        for (var i = 0; i < 4; i++)
        {
            camera.Parameters.Views[i].copy_(model.Parameters.Views[i]);
            dense.Parameters.Views[i].copy_(model.Parameters.Views[4 + i]);
        }
        var input = rand(5, 66);
        var found = camera.Features(input.narrow(1, 1, 64).reshape(5, 1, 8, 8));
        var expected = dense.Features(cat([found, input.narrow(1, 0, 1), input.narrow(1, 65, 1)], 1));
        Assert.True(model.Features(input).allclose(expected, 1e-5, 1e-6));
    }

    [Fact]
    public void An_agent_learns_what_only_image_and_number_together_tell()
    {
        var task = new ActorCriticTask(new Lights(new Rng(0)).Spec, Options, rng =>
            new EnvironmentVector(Options.Environments, i => new Lights(rng.Split("environment", i))));
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(30_000), new Rng(1));
        while (!learner.IsDone) learner.TrainStep();
        var episodes = ((IAgentStream)learner.Stream).Episodes;
        Assert.True(episodes.MeanReturn >= 9, $"mean return {episodes.MeanReturn}");
    }

    [Fact]
    public void Every_layer_learns_from_what_is_seen()
    {
        var options = Options with { Environments = 4, RolloutLength = 8, Ppo = new() { Epochs = 1, Minibatches = 1 } };
        var task = new ActorCriticTask(new Lights(new Rng(0)).Spec, options, rng =>
            new EnvironmentVector(4, i => new Lights(rng.Split("environment", i))));
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1000), new Rng(1));
        var layout = learner.Model.Parameters.Layout;
        var before = learner.Model.Export().Select(entry => entry.Value).ToArray();
        learner.TrainStep();
        var after = learner.Model.Export().Select(entry => entry.Value).ToArray();
        for (var i = 0; i < before.Length; i++)
            Assert.False(before[i].allclose(after[i], 0, 0), $"{layout.Entries[i].Name} did not move");
    }
}
