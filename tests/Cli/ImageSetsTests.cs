// What is remembered of tasks that were learned one after another: the scores, and the order of the sets.
using RlLeap.Cli.Statistics;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ImageSetsTests
{
    [Fact]
    public void AverageBackwardTransferAndForgettingAreThoseOfTheAccuracyMatrix()
    {
        // Three tasks, learned at steps 1, 2 and 3; rows are tasks, columns the steps after which they were tested.
        var memory = new Remembered([[1, 2, 3], [2, 3], [3]], [[90, 95, 60], [80, 70], [50]]);
        Assert.Equal((60 + 70 + 50) / 3.0, memory.Scores[Remembered.Average], 1e-12);
        Assert.Equal((90 + 80 + 50) / 3.0, memory.Scores[Remembered.Learned], 1e-12);
        Assert.Equal(((60 - 90) + (70 - 80)) / 2.0, memory.Scores[Remembered.BackwardTransfer], 1e-12);
        Assert.Equal(((95 - 60) + (80 - 70)) / 2.0, memory.Scores[Remembered.Forgetting], 1e-12);
        Assert.Equal((95 + 80) / 2.0, memory.AverageAt(2), 1e-12);
    }

    [Fact]
    public void TasksThatWereLearnedTogetherHaveNothingToForget()
    {
        var memory = new Remembered([[1, 2], [1, 2]], [[50, 60], [70, 90]]);
        Assert.Equal(75, memory.Scores[Remembered.Average]);
        Assert.DoesNotContain(Remembered.Forgetting, memory.Scores.Keys);
    }
}
