// One thread an operator without any launcher: asked of the program in a process of its own.
using TorchSharp;
using Xunit;

namespace RlLeap.Tests.Core.Torch;

public class OperatorThreadsTests
{
    private static string Doctor(string threads)
    {
        var (_, output, _) = ProgramProcess.Wait(ProgramProcess.StartWith(
            new Dictionary<string, string> { ["OMP_NUM_THREADS"] = threads }, "doctor"));
        return output.Split('\n').Single(line => line.Contains("  libtorch ", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_launcher_it_is_one() => Assert.EndsWith("threads an operator: 1", Doctor(""));

    [Theory]
    [InlineData("2")]
    [InlineData("2,1")]
    public void The_usual_variable_overrides_it(string variable) => // libtorch takes at most one a core
        Assert.EndsWith($"threads an operator: {Math.Min(2, Environment.ProcessorCount)}", Doctor(variable));

    [Fact]
    public void Every_thread_of_this_process_has_it_whichever_assembly_came_first()
    {
        var seen = 0;
        var thread = new Thread(() => seen = torch.get_num_threads());
        thread.Start();
        thread.Join();
        Assert.Equal((OperatorThreads.Count, OperatorThreads.Count), (seen, torch.get_num_threads()));
    }
}
