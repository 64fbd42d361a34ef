// The network and the method of docs/networks.md and docs/own-methods.md in use.
using RlLeap.MetaLearning;
using RlLeap.Testing;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class AMethodOfAUsersOwnKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new MyMethod.PartWay();
}

public sealed class ExtendingTests
{
    [Python3Fact]
    public void ANetworkOfAUsersOwnPlaysAndItsInitializationActsFromTenLinesAndReadsFromFiveOfPython()
    {
        using var folder = new TempFolder();
        var path = folder["initialization.safetensors"];
        var agent = RlLeap.Agents.ActorCriticOptions.MinAtar with { Environments = 4 };
        var task = new RlLeap.Agents.ActorCriticTask("MinAtar/Breakout-v1", agent);
        using (var trained = new Learner(task, task.CreateNetwork(), task.LearnerOptions(200), new Rng(1)))
        {
            while (!trained.IsDone) trained.TrainStep();
            using var scope = NewDisposeScope();
            SafeTensors.Write(path, trained.Model.Parameters.Export().ToDictionary(p => p.Name, p => p.Value));
        }

        // Ten lines of C#: load it, act with it.
        using var model = new Model(task.CreateNetwork(), task.Info.Heads);
        var (tensors, _) = SafeTensors.Read(path);
        Assert.Empty(model.Parameters.Import(tensors));
        using var environment = RlLeap.Environments.Registry.MakeVector("MinAtar/Breakout-v1", 2, new Rng(2));
        var episodes = RlLeap.Agents.Evaluation.Play(model, environment, episodesEach: 1, rng: null, maxSteps: 200);
        Assert.Equal(2, episodes.Count);
        foreach (var tensor in tensors.Values) tensor.Dispose();

        // Five lines of Python, nothing installed.
        const string Python = """
            import json, struct, sys
            raw = open(sys.argv[1], 'rb').read(); n = struct.unpack('<Q', raw[:8])[0]; head = json.loads(raw[8:8+n])
            start, end = head['policy.bias']['data_offsets']
            bias = struct.unpack(f'<{(end - start) // 4}f', raw[8+n+start:8+n+end])
            print(len(bias), all(b == b for b in bias))
            """;
        var command = new System.Diagnostics.ProcessStartInfo("python3", ["-c", Python, path])
        {
            RedirectStandardOutput = true,
        };
        using var python = System.Diagnostics.Process.Start(command)!;
        Assert.Equal("3 True", python.StandardOutput.ReadToEnd().Trim());

        using var own = new Model(new MyNetwork.TwoLayers([4], 8), [new Head("value", 1)]);
        own.Initialize(new Rng(1));
        using var inside = NewDisposeScope();
        Assert.Equal([5L, 1L], own.Output(ones(5, 4)).shape);
    }
}
