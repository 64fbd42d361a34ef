// Early stopping and epochs: when a learner ends, that evaluating moves nothing, and that a resume ends at the same
// step.
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core;

public sealed class EarlyStoppingTests
{
    private static LearnerOptions Options(EarlyStopping? stopping) =>
        new() { GradientSteps = 100, Stopping = stopping, Optimizer = new OptimizerOptions { LearningRate = 0.01 } };

    [Fact]
    public void Patience_runs_out_after_so_many_evaluations_in_a_row_without_a_new_lowest_value()
    {
        var patience = new Patience(2);
        var over = new[] { 0.5, 0.4, 0.4, 0.3, double.NaN, 0.3 }.Select(value =>
        {
            patience.Add(value);
            return patience.IsOver;
        });
        Assert.Equal([false, false, false, false, false, true], over);
        Assert.Equal((0.3, 0.3), (patience.Best, patience.Last));
        Assert.Contains("at least one", Assert.Throws<RlLeapException>(() => new Patience(0)).Message);
    }

    [Theory]
    [InlineData(5, 2, 20)] // evaluated at 5, 10, 15, 20: 0.9 0.5 0.6 0.5; the third and fourth are no better
    [InlineData(5, 3, 25)]
    [InlineData(7, 2, 28)]
    [InlineData(5, 9, 80)] // the seventh has the lowest, nine more follow
    public void A_learner_ends_at_the_evaluation_that_exhausts_patience(int every, int patience, long expected)
    {
        using var learner = new Learner(new Scripted([0.9, 0.5, 0.6, 0.5, 0.7, 0.6, 0.4]), new Line(),
            Options(new EarlyStopping { Every = every, Patience = patience }), new Rng(1));
        while (!learner.IsDone) learner.TrainStep();
        Assert.Equal(expected, learner.Step);
    }

    [Fact]
    public void Evaluating_moves_nothing_and_a_saved_learner_ends_at_the_same_step_with_the_same_bits()
    {
        using var folder = new TempFolder();
        double[] script = [0.9, 0.5, 0.6, 0.5, 0.7];
        var stopping = new EarlyStopping { Every = 5, Patience = 3 };
        using var blind = new Learner(new Scripted(script), new Line(), Options(null), new Rng(1));
        for (var i = 0; i < 25; i++) blind.TrainStep();
        using (var first = new Learner(new Scripted(script), new Line(), Options(stopping), new Rng(1)))
        {
            for (var i = 0; i < 17; i++) first.TrainStep();
            Assert.Equal(0.6, first.LastValidation);
            first.Save(folder["half.safetensors"]);
        }
        using var second = new Learner(new Scripted(script), new Line(), Options(stopping), new Rng(9));
        second.Load(folder["half.safetensors"]);
        while (!second.IsDone) second.TrainStep();
        Assert.Equal(25, second.Step);
        Assert.True(blind.Model.Parameters.Flat.Equals(second.Model.Parameters.Flat));
    }

    [Fact]
    public void There_is_one_more_evaluation_at_the_last_step()
    {
        using var learner = new Learner(new Scripted([0.9, 0.5]), new Line(),
            Options(new EarlyStopping { Every = 10 }) with { GradientSteps = 13 }, new Rng(1));
        while (!learner.IsDone) learner.TrainStep();
        Assert.Equal(0.5, learner.LastValidation);
    }

    [Fact]
    public void A_task_without_the_score_or_without_epochs_is_told_so()
    {
        using var learner = new Learner(new Scripted([0.9]), new Line(),
            Options(new EarlyStopping { Every = 1, Of = "regret" }), new Rng(1));
        Assert.Contains("no validation score \"regret\"",
            Assert.Throws<RlLeapException>(() => learner.TrainStep()).Message);
        Assert.Contains("has no epochs",
            Assert.Throws<RlLeapException>(() => new LearnerOptions { Epochs = 1 }.For(new Scripted([]).Info)).Message);
    }

    [Fact]
    public void Epochs_become_the_tasks_own_number_of_gradient_steps()
    {
        var options = new LearnerOptions { Epochs = 3 };
        Assert.Equal(21, options.For(new Scripted([]).Info with { StepsPerEpoch = 7 }).GradientSteps);
        Assert.Equal(100, new LearnerOptions().For(new Scripted([]).Info with { StepsPerEpoch = 7 }).GradientSteps);
    }

    // y = w x, w* = 2; the validation error follows a script, the last value for ever.
    private sealed class Scripted(double[] errors) : ITask
    {
        public TaskInfo Info { get; } = new("scripted", [1], [new Head("y", 1)]);

        public ITaskStream Open(Rng rng, Device device) => new Stream(errors, rng);

        private sealed class Stream(double[] errors, Rng rng) : ITaskStream
        {
            private Rng _rng = rng;
            private int _evaluations;

            public IBatch NextBatch(Model model, Split split) => new Pair((float)_rng.NextNormal());

            public Tensor Loss(Model model, IBatch batch)
            {
                var x = ((Pair)batch).X;
                return (model.Output(full([1, 1], x)) - 2 * x).pow(2).mean();
            }

            public IReadOnlyDictionary<string, double> Score(Model model, Split split) =>
                new Dictionary<string, double> { ["error"] = errors[Math.Min(_evaluations++, errors.Length - 1)] };

            public bool CanSave => true;

            public byte[] Save() => [.. BitConverter.GetBytes(_evaluations), .. _rng.SaveState()];

            public void Restore(ReadOnlySpan<byte> state) =>
                (_evaluations, _rng) = (BitConverter.ToInt32(state), Rng.FromState(state[4..]));

            public void Dispose() { }
        }

        private sealed class Pair(float x) : IBatch
        {
            public float X => x;

            public long Count => 1;

            public IReadOnlyDictionary<string, double> Metrics => new Dictionary<string, double>();

            public void Dispose() { }
        }
    }

    private sealed class Line : Network
    {
        public override string Name => "line";

        public override long[] InputShape => [1];

        public override long Features => 1;

        public override IReadOnlyList<ParameterInfo> Parameters { get; } = [new("w", [1])];

        public override Tensor Forward(Pass pass, Tensor input) => input * pass.Parameter(0);

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
            parameter(0).fill_(1);
    }
}
