// Observations outside their space are counted and the first is named; outputs that are no numbers are one clear error.
using RlLeap.Agents;
using RlLeap.Environments;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class OutOfSpaceTests
{
    private static readonly ActorCriticOptions Options = ActorCriticOptions.Presets["classic"] with
    {
        Environments = 2,
        RolloutLength = 8,
        Ppo = new() { Epochs = 1, Minibatches = 2 },
    };

    // Counts 0, 1, 2, ... in its second element, from 0 anew after ten steps.
    private sealed class Climbing(Box space, bool bytes = false) : IEnvironment
    {
        private int _step;

        public EnvironmentSpec Spec { get; } = new("Climbing", space, new Discrete(2));

        public TimeStep Reset()
        {
            _step = 0;
            return TimeStep.First(Seen());
        }

        public TimeStep Step(int action) =>
            ++_step == 10 ? TimeStep.Terminated(0, Seen()) : TimeStep.Mid(0, Seen());

        private Observation Seen() => bytes ? new byte[] { 0, (byte)_step, 0 } : new float[] { 0, _step, 0 };
    }

    public static TheoryData<string> Spaces => ["each", "all", "bytes"];

    private static Box SpaceOf(string kind) => kind switch
    {
        "each" => Box.Between([-1, 0, double.NegativeInfinity], [1, 5.5, double.PositiveInfinity]),
        "all" => Box.Between(-0.1, 5.5, 3),
        _ => Box.Bytes(5, 3),
    };

    [Theory]
    [MemberData(nameof(Spaces))]
    public void Observations_outside_their_space_are_counted_and_the_first_is_named(string kind)
    {
        using var learner = Learn(kind);
        var stream = (IAgentStream)learner.Stream;
        learner.TrainStep(); // eight steps: 0 .. 7
        Assert.Equal(2 * 2, stream.OutOfSpace.Count);
        Assert.StartsWith("element 1 of the observation is 6, outside ", stream.OutOfSpace.First,
            StringComparison.Ordinal);
        Assert.EndsWith("(copy 0 of 2, agent step 12)", stream.OutOfSpace.First, StringComparison.Ordinal);
        var first = stream.OutOfSpace.First;
        while (learner.Count < 2 * 20) learner.TrainStep(); // 0 .. 9, 0 .. 9, 0 .. 3
        Assert.Equal(2 * 4 * 2, stream.OutOfSpace.Count);
        Assert.Equal(first, stream.OutOfSpace.First);
    }

    [Fact]
    public void The_count_goes_on_after_a_resume()
    {
        using var folder = new TempFolder();
        using var whole = Learn("each");
        whole.TrainStep();
        whole.Save(folder["c"]);
        using var resumed = Learn("each");
        resumed.Load(folder["c"]);
        var (before, after) = (((IAgentStream)whole.Stream).OutOfSpace, ((IAgentStream)resumed.Stream).OutOfSpace);
        Assert.Equal((4, before.First), (after.Count, after.First));
    }

    [Fact]
    public void Nothing_is_outside_of_an_unbounded_space()
    {
        using var learner = Learn(Box.Floats(3), false);
        learner.TrainStep();
        Assert.Equal(0, ((IAgentStream)learner.Stream).OutOfSpace.Count);
    }

    [Fact]
    public void An_action_of_outputs_that_are_no_numbers_is_refused_with_copy_and_step()
    {
        using var learner = Learn(Box.Floats(3), false);
        using (no_grad())
        {
            learner.Model.Parameters["policy.bias"][1] = float.NaN;
        }
        var error = Assert.Throws<DivergenceException>(() => learner.TrainStep()).Message;
        Assert.Contains("Climbing: the policy's output 1 for copy 0 of 2, step 1 of the rollout, became NaN at "
            + "gradient step 0", error, StringComparison.Ordinal);
    }

    private static Learner Learn(string kind) => Learn(SpaceOf(kind), kind == "bytes");

    private static Learner Learn(Box space, bool bytes)
    {
        var task = new ActorCriticTask(new Climbing(space).Spec, Options,
            _ => new EnvironmentVector(2, _ => new Climbing(space, bytes)));
        return new Learner(task, task.CreateNetwork(), task.LearnerOptions(1000), new Rng(1));
    }
}
