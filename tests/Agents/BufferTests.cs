// Networks that count something in buffers while they learn: who may change it, and what is kept of it.
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public sealed class BufferTests
{
    private static readonly ActorCriticOptions Options = ActorCriticOptions.MinAtar with { Environments = 4 };

    // Counts its passes in training, and adds the count to its features.
    private sealed class Counting(long[] shape) : Network
    {
        public override string Name => "test/counting";
        public override long[] InputShape => shape;
        public override long Features => 3;
        public override IReadOnlyList<ParameterInfo> Parameters { get; } =
            [new("weight", [3, shape.Aggregate((a, b) => a * b)])];
        public override IReadOnlyList<ParameterInfo> Buffers { get; } = [new("passes", [1])];

        public override Tensor Forward(Pass pass, Tensor input)
        {
            if (pass.Training)
            {
                using var _ = no_grad();
                pass.Buffer(0).add_(1);
            }
            return nn.functional.linear(input.flatten(1).to_type(ScalarType.Float32), pass.Parameter(0))
                + pass.Buffer(0);
        }

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
            buffer(0).fill_(5);
    }

    [Fact]
    public void Playing_moves_nothing_that_is_of_training()
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1", Options);
        using var model = new Model(new Counting([4, 10, 10]), task.Info.Heads);
        model.Initialize(new Rng(1));
        using var environment = Registry.MakeVector("MinAtar/Breakout-v1", 2, new Rng(2));
        Evaluation.Play(model, environment, episodesEach: 1, rng: null, maxSteps: 20);
        Assert.Equal(5, model.Buffers.Flat.item<float>());
        Assert.True(model.Training);
    }

    [Fact]
    public void They_are_saved_and_read_with_the_parameters()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(new Counting([1]), []);
        using var read = new Model(new Counting([1]), []);
        model.Initialize(new Rng(1));
        var saved = model.Export().ToDictionary(t => t.Name, t => t.Value);
        Assert.Equal(["buffer.passes", "weight"], saved.Keys.Order());
        Assert.Empty(read.Import(saved));
        Assert.Equal(5, read.Buffers.Flat.item<float>());
        saved.Remove("buffer.passes");
        Assert.Equal(["buffer.passes"], read.Import(saved));
    }

    [Fact]
    public void Workers_refuse_what_they_would_change_at_the_same_time()
    {
        using var learner = new Learner(new ActorCriticTask("MinAtar/Breakout-v1", Options, workers: 2),
            new Counting([4, 10, 10]), new LearnerOptions { GradientSteps = 3 }, new Rng(1));
        Assert.Contains("test/counting has buffers (passes)",
            Assert.Throws<RlLeapException>(() => learner.TrainStep()).Message, StringComparison.Ordinal);
    }
}
