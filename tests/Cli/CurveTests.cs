// Learning curves of returns: where they begin, and what is compared.
using RlLeap.Cli.MetaTraining;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Statistics;
using Xunit;

namespace RlLeap.Tests.Cli;

public class CurveTests
{
    private const int Copies = 32, Rollout = 5;

    // Copies of an environment whose episodes are as long as they are worth, from 1 to 400 steps.
    private static ReturnCurve Play(ReturnCurve curve, int updates, int from = 0)
    {
        var rng = new Rng(3);
        var (length, age) = (new int[Copies], new int[Copies]);
        for (var i = 0; i < Copies; i++) length[i] = 1 + rng.NextInt(400);
        for (var update = 0; update < updates; update++)
        {
            List<FinishedEpisode> ended = [];
            for (var i = 0; i < Copies; i++)
                for (var t = 0; t < Rollout; t++)
                    if (++age[i] == length[i])
                    {
                        ended.Add(new FinishedEpisode(1, length[i], length[i]));
                        (age[i], length[i]) = (0, 1 + rng.NextInt(400));
                    }
            if (update == from) curve.Restore(Play(new ReturnCurve(100, 500), from).Save());
            if (update >= from)
                curve.Add(Record(update, ended), (update + 1L) * Copies * Rollout);
        }
        return curve;
    }

    private static StepRecord Record(long step, IReadOnlyList<FinishedEpisode> ended) =>
        new(step, 0, Copies * Rollout, new Dictionary<string, double>()) { Episodes = ended };

    [Fact]
    public void A_curve_of_returns_begins_when_short_episodes_no_longer_outweigh_the_rest()
    {
        var curve = Play(new ReturnCurve(100, 500), 400);
        // Every mean is near 200. The first episodes to end have less than 50.
        Assert.All(curve.Values, value => Assert.InRange(value, 160, 260));
        Assert.InRange(curve.Steps[0], 8000, 24_000);
        Assert.Equal(64_000, curve.Steps[^1]);
    }

    [Fact]
    public void A_restored_curve_goes_on_as_if_it_had_not_stopped()
    {
        var whole = Play(new ReturnCurve(100, 500), 400);
        foreach (var from in new[] { 10, 30, 200 })
        {
            var resumed = Play(new ReturnCurve(100, 500), 400, from);
            Assert.Equal(whole.Steps, resumed.Steps);
            Assert.Equal(whole.Values, resumed.Values);
        }
    }

    [Fact]
    public void A_run_too_short_for_a_curve_has_the_mean_of_what_ended()
    {
        var curve = Play(new ReturnCurve(100, 500), 8);
        Assert.Empty(curve.Steps);
        curve.End(8 * Copies * Rollout);
        Assert.Equal([8 * Copies * Rollout], curve.Steps);
        var nothing = new ReturnCurve(100, 500);
        nothing.Add(Record(0, []), 160);
        nothing.End(160);
        Assert.Empty(nothing.Steps);
    }

    [Fact]
    public void A_mean_of_few_points_reaches_no_goal()
    {
        // One lucky short episode first; then leap rises to 10 over 100 episodes, none to 5.
        static Curve Of(string method, double end) => new("t", method, 0,
            [.. Enumerable.Range(0, 100).Select(i => 10L * i + 1)],
            [.. Enumerable.Range(0, 100).Select(i => i == 0 ? 20 : i * end / 99)]);
        var result = new Result("meta-train", "a", [Of("leap", 10), Of("none", 5)], [], Window: 10);
        var task = Report.Of([("a", result)], new Rng(0), 100).Tasks[0];
        Assert.InRange(task.Methods[0].StepsToGoal!.Value, 450, 560); // the mean of ten passes 4.77 with episode 52
        Assert.Equal(91, task.Methods[0].Steps[0]); // with the tenth episode
    }

    [Fact]
    public void Areas_of_a_task_are_over_the_steps_that_all_its_curves_have()
    {
        // The same line: one seen from the beginning, one from step 50 on.
        long[] all = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], late = all[5..];
        static Curve Line(string method, long[] steps) => new("t", method, 0, steps, [.. steps.Select(s => (double)s)]);
        var result = new Result("evaluate", "a", [Line("leap", late), Line("none", all)], []);
        var report = Report.Of([("a", result)], new Rng(0), 100);
        Assert.All(report.Tasks[0].Methods, method => Assert.Equal(75, method.Area.Value, 9));
        Assert.Equal(72.5, LearningCurves.Area(all, [.. all.Select(s => (double)s)], 45), 9);
        Assert.Equal(50, LearningCurves.Area(all, [.. all.Select(s => (double)s)], -5), 9);
        // Copies that end an episode at the same step: from there the curve goes on from the last of their points.
        Assert.Equal(5, LearningCurves.Area([0, 10, 10, 20], [0, 8, 4, 6], 10), 9);
    }

    [Fact]
    public void Windows_that_have_filled_begin_at_their_last_point()
    {
        var (steps, values) = LearningCurves.Filled([1, 2, 3, 4], [4.0, 2.0, 6.0, 1.0], 3);
        Assert.Equal([3, 4], steps);
        Assert.Equal([4.0, 3.0], values);
        (steps, values) = LearningCurves.Filled([1, 2], [4.0, 2.0], 3);
        Assert.Equal([2L], steps);
        Assert.Equal([3.0], values);
    }
}
