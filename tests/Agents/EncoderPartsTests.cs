// The fast ways through an agent's encoder give what libtorch's own operations give: values, and every parameter's
// gradient.
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Agents;

public class EncoderPartsTests
{
    private static readonly Head[] Heads = [new("policy", 3), new("value", 1)];

    [Theory]
    [InlineData(1, 1, 3, 1)]
    [InlineData(5, 4, 10, 16)]
    [InlineData(3, 10, 10, 7)]
    public void The_convolution_of_sparse_planes_is_that_of_libtorch_with_its_gradient(int n, int c, int h, int f)
    {
        using var scope = NewDisposeScope();
        var rng = new Rng(1);
        var planes = tensor(Enumerable.Range(0, n * c * h * 10).Select(_ => (byte)(rng.NextBool(0.15) ? 1 : 0))
            .ToArray(), [n, c, h, 10]);
        Tensor weight = Noise(rng, f, c, 3, 3).requires_grad_(), bias = Noise(rng, f).requires_grad_();
        Assert.True(PlaneConvolution.Fits(planes, weight));
        var expected = F.conv2d(planes.to_type(ScalarType.Float32), weight, bias);
        var gradient = Noise(rng, n, f, h - 2, 8);
        var units = expected.relu();
        units.backward([gradient]);
        Near(expected.detach(), PlaneConvolution.Forward(planes, weight.detach(), bias.detach()));
        var gradients = PlaneConvolution.Gradients(planes, units.detach(), gradient, f);
        Near(weight.grad!, gradients.Weight);
        Near(bias.grad!, gradients.Bias);
    }

    [Theory]
    [InlineData(16, 64, 32)]   // by hand where the machine has vectors of 512 bits
    [InlineData(160, 96, 128)]
    [InlineData(5, 64, 32)]    // rows that are no multiple of eight
    [InlineData(16, 40, 10)]   // nor columns of 32
    public void The_gradients_of_a_dense_layer_are_the_products_of_libtorch(int n, int inputs, int outputs)
    {
        using var scope = NewDisposeScope();
        var rng = new Rng(3);
        Tensor input = Noise(rng, n, inputs), gradient = Noise(rng, n, outputs),
            weight = Noise(rng, inputs, outputs).t();
        Near(input.t().mm(gradient).t(), DenseGradient.OfWeight(input, gradient));
        Near(gradient.mm(weight), DenseGradient.OfInput(gradient, weight));
    }

    public static TheoryData<string, ScalarType, bool> Networks => new()
    {
        { "planes", ScalarType.Float32, false },   // all by hand
        { "planes", ScalarType.Float64, false },   // convolution by autograd
        { "planes", ScalarType.Float32, true },    // hooks: autograd alone
        { "images", ScalarType.Float32, false },   // two convolutions by autograd
        { "mlp", ScalarType.Float64, false },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void Parts_joined_have_the_gradient_of_one_pass_over_all_rows(string kind, ScalarType type, bool hooked)
    {
        using var scope = NewDisposeScope();
        var box = kind == "images" ? Box.Bytes(255, 4, 36, 36) : Box.Bytes(1, 4, 10, 10);
        var network = kind switch
        {
            "planes" => AgentNetworks.MinAtar(box),
            "images" => AgentNetworks.Mnih2013(box),
            _ => AgentNetworks.Mlp(box, [8, 8]),
        };
        using var model = new Model(network, Heads, type);
        model.Initialize(new Rng(1));
        if (hooked) model.Hooks = new LayerHooks(Units: (_, units) => units * 0.5);
        var rng = new Rng(2);
        var input = tensor(Enumerable.Range(0, (int)(8 * box.Length))
            .Select(_ => (byte)(rng.NextBool(0.2) ? box.High : 0)).ToArray(), [8, .. box.Shape]);
        static Tensor Loss(Tensor[] outputs) => outputs[0].log_softmax(1).square().sum() + outputs[1].square().mean();

        model.Parameters.ZeroGradient();
        var whole = Loss(model.Forward(input));
        whole.backward();
        var expected = model.Parameters.Gradient!.clone();
        Assert.All(model.Parameters.Layout.Entries, entry => Assert.True(model.Parameters.GradientOf(entry.Name).abs()
            .max().to_type(ScalarType.Float64).item<double>() > 0, entry.Name));

        for (var round = 0; round < 2; round++)
        {
            using var parts = model.BeginFeatures();
            foreach (var part in input.split([3, 1, 4]))
            {
                var features = parts.Add(part);
                using var _ = no_grad();
                Near(model.Features(part), features.detach());
            }
            var loss = 2 * Loss(model.Outputs(parts.Join()));
            parts.Dispose(); // what was joined stays
            model.Parameters.ZeroGradient();
            loss.backward();
            Near(2 * whole.detach(), loss.detach());
            Near(2 * expected, model.Parameters.Gradient!);
        }
    }

    [Fact]
    public void Tensors_alive_do_not_grow()
    {
        var task = new ActorCriticTask("MinAtar/Breakout-v1", ActorCriticOptions.MinAtar with { Environments = 4 });
        using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(1_000_000), new Rng(5));
        for (var k = 0; k < 5; k++) learner.TrainStep();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var k = 0; k < 20; k++) learner.TrainStep();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static Tensor Noise(Rng rng, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        rng.FillNormal(values);
        return tensor(values, shape);
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var scale = expected.abs().max().to_type(ScalarType.Float64).item<double>();
        var apart = (expected - actual).abs().max().to_type(ScalarType.Float64).item<double>();
        Assert.True(apart <= (expected.dtype == ScalarType.Float64 ? 1e-12 : 1e-5) * scale,
            $"{apart} apart, of {scale}");
    }
}
