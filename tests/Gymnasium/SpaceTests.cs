// Actions and observations of every kind of Python's, and an agent that learns in a continuous environment.
using RlLeap.Agents;
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Gymnasium;

[Collection("python")]
public sealed class SpaceTests
{
    private const string Echo = "gym:rlleap_kinds:Echo", Reach = "gym:rlleap_kinds:Reach";

    [PythonFact]
    public void ActionsOfEveryKindArriveAndObservationsOfEveryKindComeBack()
    {
        foreach (var id in new[] { Echo, "gym:rlleap_kinds:EchoVector" })
        {
            using var vector = Registry.MakeVector(id, 2, new Rng(1));
            Assert.Equal(new Dict(("choice", new Discrete(3)), ("legs", new MultiDiscrete(2, 3, 4, 5)),
                ("lamps", new MultiBinary(3)), ("arm", Dict.Tuple(Box.Between(-1, 2, 2, 2), new Discrete(2)))),
                vector.Spec.Action);
            // choice, legs, lamps, arm, picture
            Assert.Equal(3 + 14 + 3 + 4 + 2 + 12, vector.Spec.Observation.Length);
            vector.Reset();
            float[] action = [2, 1, 2, 3, 4, 1, 0, 1, 0.25f, -1, 2, 0.5f, 1];
            for (var t = 1; t <= 20; t++)
            {
                vector.Step([.. action, .. action]);
                Assert.Equal([4, 4], vector.Rewards);
                var shown = (t % 9 == 0 ? vector.FinalObservations : vector.Observations).FloatRow(1);
                Assert.Equal([0, 0, 1, /**/ 0, 1, /**/ 0, 0, 1, /**/ 0, 0, 0, 1, /**/ 0, 0, 0, 0, 1, /**/ 1, 0, 1, /**/
                    0.25f, -1, 2, 0.5f, /**/ 0, 1], shown[..26].ToArray());
                Assert.Equal(0.2f, shown[26], 1e-6f);
                Assert.Equal(t % 9 == 0 ? StepType.Terminated : StepType.Mid, vector.StepTypes[1]);
                if (t % 9 == 0) Assert.Equal(1, vector.Observations.FloatRow(1)[0]);
            }
            var outside = Assert.Throws<EnvironmentException>(() => vector.Step([.. action, .. action[..12], 2]));
            Assert.Contains("(copy 1 of 2): its action arm.1 is 2, not a whole number from 0 to 1", outside.Message);
        }
    }

    [PythonTheory]
    [InlineData("key", "copy 0 of 2", "has no part lamps")]
    [InlineData("shape", "the part arm.0 of the observation is float64 of shape (3,)", "Box((2, 2), float64)")]
    [InlineData("outside", "number 2 of the part legs of the observation is 4", "MultiDiscrete([[2, 3], [4, 5]])")]
    public void ObservationsThatAreNoneAreOneClearError(string wrong, string what, string also)
    {
        using var vector = Registry.MakeVector($"{Echo}?wrong={wrong}", 2, new Rng(1));
        vector.Reset();
        var error = Assert.Throws<EnvironmentException>(() => vector.Step(new float[2 * vector.Spec.Action.Length]));
        Assert.Contains(what, error.Message);
        Assert.Contains(also, error.Message);
    }

    [PythonFact]
    public void AnImageInADictKeepsItsShapeAndLiesInPlanes()
    {
        using var vector = Registry.MakeVector("gym:rlleap_kinds:Camera", 2, new Rng(1));
        var image = Assert.Single(vector.Spec.Observation.Images);
        Assert.Equal(new SpacePart("camera", Box.Between(0, 1, 3, 8, 10), 2), image);
        vector.Reset();
        var row = vector.Observations.FloatRow(1);
        Assert.Equal([0.5f, -0.5f], row[..2].ToArray());
        for (var y = 0; y < 8; y++) Assert.Equal(y / 255f, row[2 + 10 * y + 9], 1e-7f); // red
        Assert.All(row.Slice(2 + 80, 80).ToArray(), green => Assert.Equal(0, green));
        Assert.All(row.Slice(2 + 160, 80).ToArray(), blue => Assert.Equal(1, blue));
        Assert.Equal("parts", new ActorCriticTask("gym:rlleap_kinds:Camera", ActorCriticOptions.Presets["classic"])
            .CreateNetwork().Name);
    }

    [PythonFact]
    public void AContinuousEnvironmentOfOnesOwnIsLearned()
    {
        var task = new ActorCriticTask(Reach, ActorCriticOptions.Presets["classic"]);
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(20_000), new Rng(1));
        while (!learner.IsDone) learner.TrainStep();
        // Standing still costs about 10, noise alone about 20.
        var mean = ((IAgentStream)learner.Stream).Episodes.MeanReturn;
        Assert.True(mean > -5, $"mean return {mean}");
    }

    [PythonFact]
    public void AnUnboundedOrEmptyBoxOfActionsIsRefusedByName()
    {
        var options = ActorCriticOptions.Presets["classic"];
        var error = Assert.Throws<EnvironmentException>(() => new ActorCriticTask(Reach + "?high=1e999", options));
        Assert.Contains("element 0 of its action", error.Message);
        var same = Assert.Throws<EnvironmentException>(() => new ActorCriticTask(Reach + "?low=0.5", options));
        Assert.Contains("goes from 0.5 to 0.5", same.Message);
    }
}
