// A user's own parts that are wrong: what RlLeap says names the part, its assembly and what it broke, and asks nobody
// to report it.
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class PluginFaultTests
{
    private static readonly string Assembly = Path.Combine(Repository.Root,
        "tests/FaultyPlugins/bin/Release/net10.0/FaultyPlugins.dll");

    private static string Fails(params string[] arguments)
    {
        var (code, _, error) = ProgramProcess.Run([.. arguments, "--assembly", Assembly]);
        Assert.Equal(1, code);
        Assert.DoesNotContain("should not have happened", error);
        Assert.DoesNotContain("   at ", error);
        return error;
    }

    [Theory]
    [InlineData("features", "FaultyPlugins.FaultyNetwork in FaultyPlugins.dll",
        "returned Float32 [32, 8] from Forward where Float32 [32, 9]")]
    [InlineData("null", "FaultyPlugins.FaultyNetwork in FaultyPlugins.dll", "returned null from Forward")]
    [InlineData("double", "FaultyPlugins.FaultyNetwork in FaultyPlugins.dll", "returned Float64")]
    [InlineData("throws", "FaultyPlugins.FaultyNetwork in FaultyPlugins.dll", "in Forward")]
    [InlineData("later", "FaultyPlugins.FaultyNetwork in FaultyPlugins.dll",
        "InvalidOperationException in Forward: the wheels came off")]
    [InlineData("shapes", "FaultyPlugins.FaultyNetwork in FaultyPlugins.dll", "in Forward")]
    public void ATrainingNamesTheNetworkThatIsWrong(string how, params string[] expected)
    {
        using var folder = new TempFolder();
        var error = Fails("train", "MinAtar/Breakout-v1", "--agent-steps", "6400", "--directory", folder["r"],
            "--set", $"agent.network=faulty/network?how={how}",
            "--set", "record.evaluation-episodes=0");
        Assert.All(expected, part => Assert.Contains(part, error));
    }

    [Theory]
    [InlineData("throws",
        "FaultyPlugins.FaultyMethod in FaultyPlugins.dll threw KeyNotFoundException in ObservePoint: no such path")]
    [InlineData("unkept", "FaultyPlugins.FaultyMethod in FaultyPlugins.dll threw KeyNotFoundException in ObservePoint")]
    [InlineData("null",
        "The method faulty (FaultyPlugins.FaultyMethod in FaultyPlugins.dll) returned null from Observe")]
    [InlineData("short", "FaultyMethod+Observer in FaultyPlugins.dll) returned [3] from MetaGradient")]
    [InlineData("empty", "FaultyMethod+Observer in FaultyPlugins.dll) returned null from MetaGradient")]
    public void AMetaTrainingNamesTheMethodThatIsWrong(string how, string expected)
    {
        using var folder = new TempFolder();
        var error = Fails("meta-train", folder.Write("c.yaml", $$"""
            run: {directory: {{folder["r"]}}, seed: 3}
            suite: games
            games: {pool: [MinAtar/Breakout-v1], agent-steps: 640, agent: {network: mlp} }
            method: {name: faulty/method?how={{how}}}
            meta: {steps: 1, batch: 2}
            """));
        Assert.Contains(expected, error);
    }

    [Theory]
    [InlineData("throws",
        "(FaultyPlugins.FaultyEnvironment in FaultyPlugins.dll): Step threw ArithmeticException: no luck")]
    [InlineData("constructor", "ArithmeticException: no luck")]
    [InlineData("infinite", "step 2: element 1 of the observation is infinite")]
    public void ATrainingNamesTheEnvironmentThatIsWrong(string how, string expected)
    {
        using var folder = new TempFolder();
        Assert.Contains(expected, Fails("train", $"faulty/Env-v0?how={how}", "--agent-steps", "6400", "--directory",
            folder["r"]));
    }

    private static string Check(string kind, string name, int code)
    {
        var (exit, output, error) = ProgramProcess.Run(kind, "check", name, "--assembly", Assembly);
        Assert.True(exit == code, error + output);
        return output;
    }

    [Theory]
    [InlineData("nameless", "It describes itself consistently")]
    [InlineData("twice", "It describes itself consistently")]
    [InlineData("zeros", "It draws its initial values from the stream it is given")]
    [InlineData("constant", "It draws its initial values from the stream it is given")]
    [InlineData("features", "Features are [N, Features] of its parameters' type")]
    [InlineData("double", "Features are [N, Features] of its parameters' type")]
    [InlineData("nan", "Features are [N, Features] of its parameters' type")]
    [InlineData("floats", "It reads bytes and floats")]
    [InlineData("batch", "An input's features depend on that input alone")]
    [InlineData("inplace", "A pass changes neither parameters nor input")]
    [InlineData("noise", "A pass changes neither parameters nor input")]
    [InlineData("unused", "Every parameter is used")]
    [InlineData("detached", "Every parameter is used")]
    [InlineData("units", "Hidden units are what it says")]
    [InlineData("leaks", "A pass leaves no tensors behind")]
    public void TheCheckOfANetworkFindsWhatIsWrong(string how, string rule) =>
        Assert.Contains($"!!  {rule}\n", Check("networks", $"faulty/network?how={how}", 1));

    [Theory]
    [InlineData("short", "It meta-learns, and a new task learns from it")]
    [InlineData("throws", "It meta-learns, and a new task learns from it")]
    [InlineData("nan", "It meta-learns, and a new task learns from it")]
    [InlineData("shared", "The same seed gives the same curve")]
    [InlineData("leaks", "Meta-steps leave no tensors behind")]
    public void TheCheckOfAMethodFindsWhatIsWrong(string how, string rule) =>
        Assert.Contains($"!!  {rule}\n", Check("methods", $"faulty/method?how={how}", 1));

    [Fact]
    public void TheCheckOfAnEnvironmentFindsASharedArray() =>
        Assert.Contains("!!  Two environments keep apart\n      what happened: both handed out the same array",
            Check("envs", "faulty/Env-v0?how=shares", 1));

    [Theory]
    [InlineData("networks", "faulty/network", "keeps all 8 rules that apply")]
    [InlineData("networks", "minatar", "keeps all 10 rules")]
    [InlineData("networks", "mlp", "keeps all 9 rules that apply")]
    [InlineData("methods", "faulty/method", "keeps all 10 rules")]
    [InlineData("methods", "leap", "keeps all 10 rules")]
    public void TheChecksFindNothingWhereNothingIs(string kind, string name, string said) =>
        Assert.Contains(said, Check(kind, name, 0));

    [Theory]
    [InlineData("networks", "nothing", "There is no network nothing")]
    [InlineData("methods", "nothing", "No method is named nothing; there are none, leap,")]
    [InlineData("networks", "my/nothing", "my/nothing")]
    public void AnUnknownNameIsNamed(string kind, string name, string expected) => Assert.Contains(expected,
        Fails(kind, "check", name));

    [Theory]
    [InlineData("4,x")]
    [InlineData("0")]
    [InlineData("99999,99999,99999")]
    public void AnInputThatIsNoShapeIsNamed(string input) => Assert.Contains("--input", Fails("networks", "check",
        "mlp", "--input", input));
}
