// From logits to actions.
using RlLeap.Agents;
using Xunit;

namespace RlLeap.Tests.Agents;

public class PolicyTests
{
    [Fact]
    public void Actions_come_as_often_as_the_softmax_says()
    {
        float[] row = [2, -1, 0.5f, -30, 1];
        const int Rows = 1000, Times = 100;
        var logits = Enumerable.Repeat(row, Rows).SelectMany(r => r).ToArray();
        var (actions, counts, rng) = (new int[Rows], new int[row.Length], new Rng(5));
        for (var k = 0; k < Times; k++)
        {
            Policy.Sample(logits, rng, actions);
            foreach (var action in actions) counts[action]++;
        }
        var total = row.Sum(l => Math.Exp(l));
        for (var a = 0; a < row.Length; a++)
        {
            var p = Math.Exp(row[a]) / total;
            var deviation = Math.Sqrt(p * (1 - p) / (Rows * Times));
            Assert.True(Math.Abs(counts[a] / (double)(Rows * Times) - p) <= 5 * deviation + 1e-9,
                $"action {a}: {counts[a]} of {Rows * Times}, expected a share of {p:f4}");
        }
        Assert.Equal(0, counts[3]);
    }

    [Fact]
    public void Large_logits_do_not_overflow()
    {
        var actions = new int[2];
        Policy.Sample([1e30f, 0, -1e30f, 3e38f, -3e38f, 0], new Rng(1), actions);
        Assert.Equal([0, 0], actions);
    }

    [Fact]
    public void Greedy_takes_the_first_of_the_largest()
    {
        var actions = new int[2];
        Policy.Greedy([0, 3, 3, -1, -2, -1.5f], actions);
        Assert.Equal([1, 0], actions);
    }

    [Fact]
    public void One_stream_gives_the_same_actions_again()
    {
        float[] logits = [0, 1, 2, 2, 1, 0];
        int[] first = new int[2], second = new int[2];
        for (var seed = 0; seed < 20; seed++)
        {
            Policy.Sample(logits, new Rng(seed), first);
            Policy.Sample(logits, new Rng(seed), second);
            Assert.Equal(first, second);
        }
    }
}
