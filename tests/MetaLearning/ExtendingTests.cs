// The network and the method of docs/extending.md, as written there.
using RlLeap.MetaLearning;
using RlLeap.Testing;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.MetaLearning;

public sealed class AMethodOfAUsersOwnKeepsTheContract : MetaLearnerContract
{
    protected override MetaLearningMethod Method => new HalfWay();

    private sealed record HalfWay : MapMethod
    {
        public override string Name => "half-way";
        public override PathObserver Observe(string taskId) => new Observer(taskId);

        private sealed class Observer(string taskId) : PathObserver(taskId)
        {
            protected override void Arrive(ParameterVector theta, double loss)
            {
                if (Points == 0) Keep("start", theta.Shared);
            }

            protected override Tensor End(ParameterVector theta, IDictionary<string, double> metrics) => (this["start"] - theta.Shared) * 0.5;
        }
    }
}

public sealed class ExtendingTests
{
    private sealed class TwoLayers(long inputs, long units) : Network
    {
        public override string Name => "two-layers";
        public override long[] InputShape => [inputs];
        public override long Features => units;
        public override IReadOnlyList<ParameterInfo> Parameters { get; } =
            [new("0.weight", [units, inputs]), new("0.bias", [units]), new("1.weight", [units, units]), new("1.bias", [units])];

        public override Tensor Forward(Pass pass, Tensor x) =>
            F.linear(F.linear(x, pass.Parameter(0), pass.Parameter(1)).relu(), pass.Parameter(2), pass.Parameter(3)).relu();

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
        {
            Initialization.TorchDefault(parameter(0), parameter(1), rng.Split("0"));
            Initialization.TorchDefault(parameter(2), parameter(3), rng.Split("1"));
        }
    }

    [Fact]
    public void ANetworkOfAUsersOwnPlaysAndItsInitializationActsFromTenLinesAndReadsFromFiveOfPython()
    {
        using var folder = new TempFolder();
        var path = folder["initialization.safetensors"];
        var task = new RlLeap.Agents.ActorCriticTask("MinAtar/Breakout-v1", RlLeap.Agents.ActorCriticOptions.MinAtar with { Environments = 4 });
        using (var trained = new Learner(task, task.CreateNetwork(), task.LearnerOptions(200), new Rng(1)))
        {
            while (!trained.IsDone) trained.Advance();
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
        using var python = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("python3", ["-c", Python, path]) { RedirectStandardOutput = true })!;
        Assert.Equal("3 True", python.StandardOutput.ReadToEnd().Trim());

        using var own = new Model(new TwoLayers(4, 8), [new Head("value", 1)]);
        own.Initialize(new Rng(1));
        using var inside = NewDisposeScope();
        Assert.Equal([5L, 1L], own.Output(ones(5, 4)).shape);
    }
}
