// Leap's meta-gradient against numbers of the authors' implementation, in every setting.
// The note in Golden/leap-meta-gradients.json says how the numbers were made.
// RLLEAP_EXTRA_GOLDEN may name a folder with more of them in its subfolder leap/.
using System.Text.Json;
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.MetaLearning;

public sealed class LeapMetaGradient
{
    private const double Agreement = 1e-9;

    public static IEnumerable<object[]> Cases()
    {
        foreach (var file in Files())
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var (i, golden) in document.RootElement.GetProperty("cases").EnumerateArray().Index())
                foreach (var setting in golden.GetProperty("meta_gradients").EnumerateArray())
                {
                    var (metric, lossInPath, stabilizer) = SettingOf(setting);
                    yield return [file, i, metric, lossInPath, stabilizer];
                }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AgreesWithTheAuthorsImplementation(
        string file, int index, string metric, bool lossInPath, bool stabilizer)
    {
        using var scope = NewDisposeScope();
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var golden = document.RootElement.GetProperty("cases")[index];
        var network = new SmallMlp([.. golden.GetProperty("layers").EnumerateArray().Select(n => n.GetInt64())]);
        var steps = golden.GetProperty("steps").GetInt32();
        using var start = new MetaInitialization(network, [], ScalarType.Float64);
        foreach (var entry in golden.GetProperty("init").EnumerateObject())
        {
            using var _ = no_grad();
            var target = start.Shared[entry.Name];
            target.copy_(Matrix(entry.Value.GetProperty("data"), target.shape));
        }

        var contributions = new List<Contribution>();
        var options = new LeapOptions
        {
            Metric = Enum.Parse<PathMetric>(metric, ignoreCase: true), LossInPath = lossInPath, Stabilizer = stabilizer,
        };
        var paths = golden.GetProperty("paths").EnumerateArray();
        foreach (var (batches, path) in golden.GetProperty("batches").EnumerateArray().Zip(paths))
        {
            var task = new GivenBatches(network, [.. batches.EnumerateArray().Select(PairOf)]);
            var learning = new LearnerOptions { GradientSteps = steps, Optimizer = Optimizer(golden) };
            using var learner = start.Begin(task, learning, new Rng(0), options.Observe(task.Info.Id));
            foreach (var loss in path.GetProperty("losses").EnumerateArray())
                Agree([loss.GetDouble()], [learner.TrainStep().Loss]);
            foreach (var entry in path.GetProperty("final").EnumerateObject())
                Agree(
                    Numbers(entry.Value),
                    learner.Model.Parameters[entry.Name].detach().data<double>().ToArray());
            contributions.Add(learner.Contribute());
        }

        var expected = golden.GetProperty("meta_gradients").EnumerateArray()
            .Single(setting => SettingOf(setting) == (metric, lossInPath, stabilizer)).GetProperty("gradient");
        var actual = MetaOptimizer.Average(contributions);
        foreach (var (entry, offset) in start.Shared.Layout.Entries.Zip(start.Shared.Layout.Offsets))
            Agree(Numbers(expected.GetProperty(entry.Name)), actual[(int)offset..(int)(offset + entry.Count)]);
    }

    private static (string Metric, bool LossInPath, bool Stabilizer) SettingOf(JsonElement setting) => (
        setting.GetProperty("metric").GetString()!,
        setting.GetProperty("loss_in_manifold").GetBoolean(),
        setting.GetProperty("stabilizer").GetBoolean());

    private static IEnumerable<string> Files()
    {
        yield return Path.Combine(AppContext.BaseDirectory, "MetaLearning", "Golden", "leap-meta-gradients.json");
        if (Environment.GetEnvironmentVariable("RLLEAP_EXTRA_GOLDEN") is not { Length: > 0 } extra) yield break;
        var folder = Path.Combine(extra, "leap");
        if (!Directory.Exists(folder)) yield break;
        foreach (var file in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal))
            yield return file;
    }

    private static void Agree(IReadOnlyList<double> expected, IReadOnlyList<double> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        // Relative to each number. For numbers in which larger ones cancelled, relative to the vector's scale.
        var floor = 1e-3 * expected.Max(Math.Abs);
        for (var i = 0; i < expected.Count; i++)
        {
            var scale = Math.Max(Math.Abs(expected[i]), floor);
            Assert.InRange(Math.Abs(actual[i] - expected[i]), 0, Agreement * scale);
        }
    }

    private static OptimizerOptions Optimizer(JsonElement golden)
    {
        var options = golden.GetProperty("optimizer").GetString() switch
        {
            "SGD" => new OptimizerOptions { Kind = OptimizerKind.Sgd },
            "Adam" => new OptimizerOptions { Kind = OptimizerKind.Adam },
            "RMSprop" => new OptimizerOptions { Kind = OptimizerKind.RmsProp },
            var other => throw new InvalidDataException($"unknown optimizer {other}"),
        };
        foreach (var argument in golden.GetProperty("optimizer_args").EnumerateObject())
            options = argument.Name switch
            {
                "lr" => options with { LearningRate = argument.Value.GetDouble() },
                "momentum" => options with { Momentum = argument.Value.GetDouble() },
                "weight_decay" => options with { WeightDecay = argument.Value.GetDouble() },
                "alpha" => options with { Alpha = argument.Value.GetDouble() },
                "eps" => options with { Epsilon = argument.Value.GetDouble() },
                "betas" => options with
                {
                    Beta1 = argument.Value[0].GetDouble(),
                    Beta2 = argument.Value[1].GetDouble(),
                },
                var other => throw new InvalidDataException($"unknown optimizer argument {other}"),
            };
        return options;
    }

    private static double[] Numbers(JsonElement values) => [.. values.EnumerateArray().Select(v => v.GetDouble())];

    private static (Tensor X, Tensor Y) PairOf(JsonElement batch) =>
        (Matrix(batch.GetProperty("x")), Matrix(batch.GetProperty("y")));

    private static Tensor Matrix(JsonElement rows)
    {
        double[] numbers = [.. rows.EnumerateArray().SelectMany(Numbers)];
        return tensor(numbers, [rows.GetArrayLength(), rows[0].GetArrayLength()], dtype: ScalarType.Float64);
    }

    private static Tensor Matrix(JsonElement values, long[] shape) =>
        tensor(Numbers(values), shape, dtype: ScalarType.Float64);

    private sealed class GivenBatches(Network network, (Tensor X, Tensor Y)[] batches) : ITask, ITaskStream
    {
        private int _next;
        public TaskInfo Info { get; } = new("given", network.InputShape, []);
        public ITaskStream Open(Rng rng, Device device) => this;

        public IBatch NextBatch(Model model, Split split)
        {
            var (x, y) = batches[_next++];
            return new SinusoidBatch(x.alias(), y.alias());
        }

        public Tensor Loss(Model model, IBatch batch) =>
            F.mse_loss(model.Output(((SinusoidBatch)batch).X), ((SinusoidBatch)batch).Y);

        public IReadOnlyDictionary<string, double> Score(Model model, Split split) => new Dictionary<string, double>();
        public bool CanSave => false;
        public byte[] Save() => throw new NotSupportedException();
        public void Restore(ReadOnlySpan<byte> state) => throw new NotSupportedException();
        public void Dispose() { }
    }
}
