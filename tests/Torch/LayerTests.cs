// Layers and losses against PyTorch: outputs, gradients and buffers.
using System.Text.Json;
using TorchSharp;
using Xunit;
using static RlLeap.Tests.Torch.ModuleGolden;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RlLeap.Tests.Torch;

public class LayerTests
{
    private static readonly Dictionary<string, Func<ScalarType, Module<Tensor, Tensor>>> Layers = new()
    {
        ["linear"] = t => Linear(5, 3, dtype: t),
        ["linear_nobias"] = t => Linear(5, 3, hasBias: false, dtype: t),
        ["conv"] = t => Conv2d(2, 4, 3, dtype: t),
        ["conv_stride_pad"] = t => Conv2d(2, 4, (3, 2), stride: (2, 1), padding: (1, 2), bias: false, dtype: t),
        ["conv_dilation_groups"] = t => Conv2d(4, 6, 3, padding: 2, dilation: 2, groups: 2, dtype: t),
        ["conv_same"] = t => Conv2d(2, 3, (3, 4), Padding.Same, dtype: t),
        ["conv_valid"] = t => Conv2d(2, 3, 3, Padding.Valid, dtype: t),
        ["conv_reflect"] = t => Conv2d(2, 3, (3, 3), padding: (1, 2), padding_mode: PaddingModes.Reflect, dtype: t),
        ["conv_replicate"] = t => Conv2d(2, 3, (3, 3), padding: (1, 2), padding_mode: PaddingModes.Replicate, dtype: t),
        ["conv_circular"] = t => Conv2d(2, 3, (3, 3), padding: (1, 2), padding_mode: PaddingModes.Circular, dtype: t),
        ["conv_unbatched"] = t => Conv2d(2, 4, 3, dtype: t),
        ["batchnorm1d"] = t => BatchNorm1d(3).to(t),
        ["batchnorm1d_length"] = t => BatchNorm1d(3, eps: 1e-3, momentum: 0.3).to(t),
        ["batchnorm2d"] = t => BatchNorm2d(3).to(t),
        ["batchnorm2d_plain"] = t => BatchNorm2d(3, affine: false).to(t),
        ["batchnorm2d_untracked"] = t => BatchNorm2d(3, track_running_stats: false).to(t),
        ["batchnorm2d_average"] = t => { var m = BatchNorm2d(3).to(t); m.momentum = null; return m; },
        ["layernorm"] = t => LayerNorm(6, dtype: t),
        ["layernorm_two"] = t => LayerNorm([4, 6], eps: 1e-3, dtype: t),
        ["layernorm_plain"] = t => LayerNorm(6, elementwise_affine: false, dtype: t),
        ["relu"] = _ => ReLU(),
        ["leaky_relu"] = _ => LeakyReLU(0.2),
        ["tanh"] = _ => Tanh(),
        ["sigmoid"] = _ => Sigmoid(),
        ["softmax"] = _ => Softmax(-1),
        ["log_softmax"] = _ => LogSoftmax(1),
        ["maxpool"] = _ => MaxPool2d(2),
        ["maxpool_options"] = _ => MaxPool2d(3, 2, 1, ceil_mode: true),
        ["avgpool"] = _ => AvgPool2d(2),
        ["avgpool_options"] = _ => AvgPool2d((3, 2), (2, 1), (1, 1), ceil_mode: true, count_include_pad: false),
        ["avgpool_divisor"] = _ => AvgPool2d(2, divisor_override: 3),
        ["flatten"] = _ => Flatten(),
        ["flatten_part"] = _ => Flatten(0, 1),
        ["unflatten"] = _ => Unflatten(1, [2, 3]),
        ["identity"] = _ => Identity(),
        ["sequential"] = t => Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), ReLU(), MaxPool2d(2), Flatten(), Linear(8, 3)).to(t),
    };

    public static TheoryData<string> LayerCases => Names("layers");
    public static TheoryData<string> EmbeddingCases => Names("embeddings");
    public static TheoryData<string> LossCases => Names("losses");

    [Theory, MemberData(nameof(LayerCases))]
    public void A_layer_computes_what_PyTorch_computes(string name)
    {
        var golden = Section("layers").GetProperty(name);
        var parts = name.Split('/');
        using var module = Layers[parts[0]](Type(parts[1]));
        using var scope = NewDisposeScope();
        var state = State(golden.GetProperty("state"));
        Assert.Equal(state.Keys.Order(), module.state_dict().Keys.Order());
        module.load_state_dict(state);
        foreach (var call in golden.GetProperty("calls").EnumerateArray())
        {
            module.train(call.GetProperty("train").GetBoolean());
            module.zero_grad();
            var x = Read(call.GetProperty("x")).requires_grad_();
            var y = module.call(x);
            Near(call.GetProperty("y"), y, "output");
            (y * Read(call.GetProperty("w"))).sum().backward();
            Near(call.GetProperty("dx"), x.grad!, "input gradient");
            foreach (var (key, parameter) in module.named_parameters())
                Near(call.GetProperty("dp").GetProperty(key), parameter.grad!, $"gradient of {key}");
            foreach (var (key, buffer) in module.named_buffers())
                Near(call.GetProperty("buffers").GetProperty(key), buffer, key);
        }
    }

    [Theory, MemberData(nameof(EmbeddingCases))]
    public void An_embedding_reads_rows_and_learns_them(string name)
    {
        var golden = Section("embeddings").GetProperty(name);
        using var module = Embedding(6, 3, padding_idx: name == "embedding_padding" ? 1 : null, max_norm: name == "embedding_max_norm" ? 1.5 : null);
        using var scope = NewDisposeScope();
        module.load_state_dict(new() { ["weight"] = Read(golden.GetProperty("weight")) });
        var y = module.call(Read(golden.GetProperty("x")));
        Near(golden.GetProperty("y"), y, "rows");
        Near(golden.GetProperty("after"), module.weight!, "weight after");
        (y * Read(golden.GetProperty("w"))).sum().backward();
        Near(golden.GetProperty("dp"), module.weight!.grad!, "gradient");
    }

    [Theory, MemberData(nameof(LossCases))]
    public void A_loss_is_PyTorchs(string name)
    {
        using var scope = NewDisposeScope();
        var golden = Section("losses").GetProperty(name);
        var parts = name.Split('/');
        var reduction = Enum.Parse<Reduction>(parts[1], ignoreCase: true);
        var weight = Read(golden.GetProperty("weight"));
        Module<Tensor, Tensor, Tensor> loss = parts[0] switch
        {
            "mse" => MSELoss(reduction),
            "l1" => L1Loss(reduction),
            "smooth_l1" => SmoothL1Loss(reduction),
            "smooth_l1_beta" => SmoothL1Loss(reduction, beta: 0.5),
            "huber" => HuberLoss(reduction: reduction),
            "huber_delta" => HuberLoss(0.7, reduction),
            "cross_entropy" or "cross_entropy_soft" => CrossEntropyLoss(reduction: reduction),
            "cross_entropy_weight" => CrossEntropyLoss(weight, reduction: reduction),
            "cross_entropy_ignore" => CrossEntropyLoss(ignore_index: 1, reduction: reduction),
            "cross_entropy_smooth" => new TorchSharp.Modules.CrossEntropyLoss(reduction: reduction, label_smoothing: 0.2),
            "nll" => NLLLoss(reduction: reduction),
            "nll_weight" => NLLLoss(weight, reduction),
            "bce" => BCEWithLogitsLoss(reduction: reduction),
            "bce_weight" => BCEWithLogitsLoss(weight, reduction, weight * 2),
            _ => throw new ArgumentException(name),
        };
        var x = Read(golden.GetProperty("x")).requires_grad_();
        var y = loss.call(x, Read(golden.GetProperty("target")));
        Near(golden.GetProperty("y"), y, "loss");
        y.sum().backward();
        Near(golden.GetProperty("dx"), x.grad!, "gradient");
    }

    [Fact]
    public void Dropout_drops_in_training_only_and_keeps_the_mean()
    {
        using var scope = NewDisposeScope();
        using var dropout = Dropout(0.25);
        var x = ones(100, 100);
        var y = Values(dropout.call(x));
        Assert.InRange(y.Count(v => v == 0) / 10000.0, 0.22, 0.28);
        Assert.All(y, v => Assert.True(v == 0 || Math.Abs(v - 4.0 / 3) < 1e-6));
        dropout.eval();
        Assert.True(Values(dropout.call(x)).All(v => v == 1));
    }

    [Fact]
    public void Wrong_inputs_are_managed_exceptions()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => BatchNorm2d(3).call(zeros(2, 3)));
        Assert.Throws<ArgumentException>(() => BatchNorm1d(3).call(zeros(2, 3, 4, 5)));
        Assert.Throws<ArgumentException>(() => Conv2d(3, 4, 3).call(zeros(2, 3)));
        Assert.ThrowsAny<Exception>(() => Conv2d(3, 4, 3).call(zeros(1, 2, 8, 8)));
        Assert.ThrowsAny<Exception>(() => Linear(3, 4).call(zeros(2, 5)));
    }

    [SystemTorchFact]
    public void A_layer_that_cannot_work_is_not_made()
    {
        Assert.Throws<ArgumentException>(() => Conv2d(3, 4, 3, groups: 2));
        Assert.Throws<ArgumentException>(() => Conv2d(2, 4, 3, Padding.Same, stride: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Embedding(3, 2, padding_idx: 3));
        Assert.Throws<NotSupportedException>(() => Embedding(3, 2, sparse: true));
        Assert.Equal(ScalarType.Int64, BatchNorm2d(2, dtype: ScalarType.Float64).num_batches_tracked!.dtype);
    }
}
