// Networks as ONNX: ONNX Runtime computes what they compute.
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RlLeap.Agents;
using RlLeap.Data;
using RlLeap.Environments;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Box = RlLeap.Environments.Box;
using Tensor = TorchSharp.torch.Tensor;

namespace RlLeap.Tests.Core;

public sealed class OnnxTests : IDisposable
{
    private const double Tolerance = 1e-5;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Agents { get; } =
    [
        "separate", "shared", "normalized", "layer-norm", "state-dependent", "minatar", "minatar-norm", "mnih2013",
        "nature2015", "floats-of-255", "parts",
    ];

    [Theory]
    [MemberData(nameof(Agents))]
    public void An_agent_has_the_same_outputs_in_onnx_runtime(string kind)
    {
        var plain = new ActorCriticOptions();
        var vector = Box.Between(-3, 3, 5);
        var (options, observation, continuous) = kind switch
        {
            "separate" => (plain, vector, true),
            "shared" => (plain with { SharedNetwork = true }, vector, false),
            // Large enough that normalized ones are clipped.
            "normalized" => (plain with { NormalizeObservations = true }, Box.Between(-60, 60, 5), true),
            "layer-norm" => (plain with { LayerNorm = true }, Box.Floats(2, 3), false),
            "state-dependent" => (plain with { Gaussian = new() { StateDependent = true } }, vector, true),
            "minatar" => (ActorCriticOptions.MinAtar, Box.Bytes(1, 4, 10, 10), false),
            "minatar-norm" => (ActorCriticOptions.MinAtar with { LayerNorm = true }, Box.Bytes(1, 7, 10, 10), false),
            "mnih2013" => (ActorCriticOptions.Leap, Box.Bytes(255, 4, 84, 84), false),
            "nature2015" => (ActorCriticOptions.A2c with { LayerNorm = true }, Box.Bytes(255, 4, 84, 84), false),
            "floats-of-255" => (plain with { Network = "mnih2013" }, Box.Between(0, 255, 3, 40, 44), false),
            _ => (plain, Box.Floats(3 * 9 * 8 + 5) with
            {
                Images = [new SpacePart("eye", Box.Between(0, 1, 3, 9, 8), 2)],
            }, false),
        };
        using var scope = NewDisposeScope();
        var spec = new EnvironmentSpec("test", observation,
            continuous ? Box.Between(-1, 1, 2) : new Discrete(6));
        using var model = new Model(AgentNetworks.Create(options, observation),
            ActorCritic.Heads(new ActionDistribution(spec, options.Gaussian), options));
        Randomize(model);
        RequireSame(model, observation.Element == ElementType.Byte, observation.High is > 0 and < 256
            ? observation.High : 1);
    }

    [Theory]
    [InlineData(1, 28, 8, 4, 4, true, false)] // Omniglot's
    [InlineData(3, 32, 8, 4, 4, true, false)] // Multi-CV's
    [InlineData(1, 28, 8, 4, 4, false, true)] // MAML's
    [InlineData(1, 28, 8, 4, 4, false, false)] // few-shot
    [InlineData(3, 33, 6, 3, 2, false, false)] // few-shot, maps
    public void The_encoder_of_images_has_the_same_features_in_onnx_runtime(
        int channels, int side, int filters, int blocks, int pooled, bool poolFirst, bool strided)
    {
        using var scope = NewDisposeScope();
        using var model = new Model(
            new ConvolutionalEncoder(channels, side, filters, blocks, pooled)
            { PoolFirst = poolFirst, Strided = strided }, []);
        Randomize(model);
        RequireSame(model, bytes: false, high: 1);
    }

    [Fact]
    public void A_few_shot_network_is_its_encoder()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(new RelationOptions().Extend(new ConvolutionalEncoder(1, 28, 4, pooled: 2)), []);
        Randomize(model);
        RequireSame(model, bytes: false, high: 1);
    }

    [Fact]
    public void A_module_of_a_user_s_own_is_written_layer_by_layer()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(new ModuleNetwork("mine", [2, 9, 9], 3, () => nn.Sequential(
            ("conv", nn.Conv2d(2, 4, 3, stride: 1, padding: 1)), ("norm", nn.BatchNorm2d(4)), ("relu", nn.ReLU()),
            ("pool", nn.MaxPool2d(2)), ("drop", nn.Dropout(0.5)), ("flat", nn.Flatten()),
            ("dense", nn.Linear(64, 5, hasBias: false)), ("layer", nn.LayerNorm(5)), ("tanh", nn.Tanh()),
            ("twice", new Twice()), ("out", nn.Linear(5, 3)), ("sigmoid", nn.Sigmoid()))), [new Head("classes", 4)]);
        Randomize(model);
        RequireSame(model, bytes: false, high: 1);
    }

    [Fact]
    public void A_layer_that_cannot_be_written_is_named()
    {
        using var scope = NewDisposeScope();
        using var module = new Model(new ModuleNetwork("mine", [4], 3,
            () => nn.Sequential(("first", nn.Linear(4, 3)), ("odd", nn.GELU()))), []);
        var error = Assert.Throws<RlLeapException>(() => OnnxGraph.Of(module)).Message;
        Assert.StartsWith("The layer mine.odd is a GELU that cannot be written as ONNX", error,
            StringComparison.Ordinal);

        using var option = new Model(new ModuleNetwork("mine", [4, 5, 5], 4,
            () => nn.Sequential(("wide", nn.Conv2d(4, 4, 5, groups: 2)), ("flat", nn.Flatten()))), []);
        Assert.StartsWith("The layer mine.wide is a Conv2d", Assert.Throws<RlLeapException>(() => OnnxGraph.Of(option))
            .Message, StringComparison.Ordinal);

        using var own = new Model(new Silent(), []);
        error = Assert.Throws<RlLeapException>(() => OnnxGraph.Of(own)).Message;
        Assert.Contains("The network silent (Silent) does not say how it is written as ONNX", error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_have_the_names_that_the_run_s_files_use()
    {
        using var scope = NewDisposeScope();
        using var model = new Model(AgentNetworks.Mlp(Box.Floats(3), [4]), [new Head("classes", 2)]);
        OnnxGraph.Of(model).Save(_folder["model.onnx"], new Dictionary<string, string> { ["run"] = "a" });
        using var session = new InferenceSession(_folder["model.onnx"]);
        Assert.Equal("a", session.ModelMetadata.CustomMetadataMap["run"]);
        var text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(_folder["model.onnx"]));
        foreach (var name in new[] { "dense1.weight", "dense1.bias", "classes.weight", "classes.bias" })
            Assert.Contains(name, text, StringComparison.Ordinal);
    }

    // Biases, gains and statistics too: what begins as 0 or 1 would not show where it went.
    private static void Randomize(Model model)
    {
        model.Initialize(new Rng(1));
        model.Training = false;
        using var _ = no_grad();
        manual_seed(3);
        model.Parameters.Flat.add_(randn_like(model.Parameters.Flat) * 0.05);
        for (var i = 0; i < model.Buffers.Views.Count; i++)
            model.Buffers.Views[i].copy_(rand(model.Buffers.Views[i].shape) * 0.3
                + (model.Buffers.Layout.Entries[i].Name.EndsWith("mean", StringComparison.Ordinal) ? -0.15 : 0.02));
    }

    private void RequireSame(Model model, bool bytes, double high)
    {
        using var _ = no_grad();
        OnnxGraph.Of(model, "observation", bytes ? ScalarType.Byte : ScalarType.Float32).Save(_folder["model.onnx"]);
        using var session = new InferenceSession(_folder["model.onnx"]);
        foreach (var rows in new[] { 1, 7 })
        {
            var input = rand([rows, .. model.Network.InputShape]);
            input = bytes ? input * (high + 0.99) : input * high - high / 3;
            if (bytes) input = input.to_type(ScalarType.Byte);
            int[] sizes = [.. input.shape.Select(size => (int)size)];
            using var results = session.Run([bytes
                ? NamedOnnxValue.CreateFromTensor("observation",
                    new DenseTensor<byte>(input.data<byte>().ToArray(), sizes))
                : NamedOnnxValue.CreateFromTensor("observation",
                    new DenseTensor<float>(input.data<float>().ToArray(), sizes))]);
            var expected = model.Forward(bytes && model.Heads.Count == 0 ? input.to_type(ScalarType.Float32) : input);
            string[] names = model.Heads.Count == 0 ? ["features"] : [.. model.Heads.Select(head => head.Name)];
            Assert.Equal(names, results.Select(result => result.Name));
            // A signal that died on its way would say nothing.
            if (rows > 1) Assert.True(expected[0].std(0).max().item<float>() > 1e-3f);
            foreach (var (result, tensor) in results.Zip(expected))
            {
                var values = result.AsTensor<float>();
                Assert.Equal(tensor.shape, values.Dimensions.ToArray().Select(size => (long)size));
                foreach (var (mine, its) in values.Zip(tensor.contiguous().data<float>()))
                    Assert.True(Math.Abs(mine - its) <= Tolerance * Math.Max(1, Math.Abs(its)),
                        $"{result.Name}: {mine} where libtorch has {its}");
            }
        }
    }

    private sealed class Twice() : nn.Module<Tensor, Tensor>("twice"), IOnnxModule
    {
        public override Tensor forward(Tensor input) => input + input;

        public OnnxValue ToOnnx(OnnxGraph graph, OnnxValue input) => graph.Add("Add", [input, input]);
    }

    private sealed class Silent : Network
    {
        public override string Name => "silent";

        public override long[] InputShape => [2];

        public override long Features => 2;

        public override IReadOnlyList<ParameterInfo> Parameters => [];

        public override Tensor Forward(Pass pass, Tensor input) => input;

        public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) { }
    }
}
