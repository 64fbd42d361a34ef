using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Data;

/// <summary>
/// The convolutional encoder of Omniglot and Multi-CV. It has four blocks of 3x3 convolution (64 filters, padding 1),
/// 2x2 max-pooling, batch normalization and ReLU. The output is flattened.
/// </summary>
/// <remarks>
/// <para>The paper (Flennerhag et al. 2019, appendix D) gives the order convolution, batch-norm, ReLU, pool. The
/// authors' code pools before batch-norm. We follow the code, which is also cheaper; <see cref="PoolFirst"/> chooses.
/// See docs/fidelity.md.</para>
/// <para>For hooks, each block is a hidden layer. Its pre-activation is the input of the ReLU, and its units are the
/// block's output. Images of 28x28 give 64 features, images of 32x32 give 256.</para>
/// </remarks>
public sealed class ConvolutionalEncoder : Network
{
    private const double Momentum = 0.1, Epsilon = 1e-5;
    private readonly int _blocks, _pooled;
    private readonly long _filters, _features;
    private readonly string _name;

    /// <summary>An encoder of square images.</summary>
    /// <param name="channels">Input channels.</param>
    /// <param name="side">Side of the input.</param>
    /// <param name="filters">Filters of each convolution.</param>
    /// <param name="blocks">How many blocks.</param>
    /// <param name="pooled">How many of them, the first ones, halve the side (rounding down); null for all.</param>
    /// <exception cref="RlLeapException">The image is too small for so many blocks.</exception>
    public ConvolutionalEncoder(int channels, int side, int filters = 64, int blocks = 4, int? pooled = null)
    {
        (_blocks, _pooled) = (blocks, pooled ?? blocks);
        if (channels < 1 || filters < 1 || blocks < 1 || _pooled < 0 || _pooled > blocks || side >> _pooled < 1)
            throw new RlLeapException(
                $"An encoder of {blocks} blocks with {filters} filters, of which {_pooled} halve the side, cannot " +
                $"take {channels} x {side} x {side} images.");
        InputShape = [channels, side, side];
        (_filters, _features) = (filters, (long)filters * (side >> _pooled) * (side >> _pooled));
        HiddenUnits = [.. Enumerable.Repeat((long)filters, blocks)];
        _name = $"conv{blocks}x{filters}" + (_pooled == blocks ? "" : $"pool{_pooled}");
        Parameters = [.. Enumerable.Range(0, blocks).SelectMany(b => new ParameterInfo[]
        {
            // With channels-last weights a training step on a CPU takes little more than half the time
            // (7.5 instead of 13.5 ms at batch 20, libtorch 1.13).
            new($"encoder.{b}.conv.weight", [filters, b == 0 ? channels : filters, 3, 3], ChannelsLast: true),
            new($"encoder.{b}.conv.bias", [filters]),
            new($"encoder.{b}.norm.weight", [filters]),
            new($"encoder.{b}.norm.bias", [filters]),
        })];
        Buffers = [.. Enumerable.Range(0, blocks).SelectMany(b => new ParameterInfo[]
        {
            new($"encoder.{b}.norm.running_mean", [filters]),
            new($"encoder.{b}.norm.running_var", [filters]),
        })];
    }

    /// <summary>The encoder for Omniglot: from 1 x 28 x 28 to 64 features.</summary>
    public static ConvolutionalEncoder Omniglot => new(1, OmniglotData.Side);

    /// <summary>The encoder for Multi-CV: from 3 x 32 x 32 to 256 features.</summary>
    public static ConvolutionalEncoder MultiCv => new(MultiCvSet.Channels, MultiCvSet.Side);

    /// <summary>How many of the blocks, the first ones, halve the side.</summary>
    public int Pooled => _pooled;

    /// <summary>Whether pooling comes right after the convolution (the authors' code) or last (the text).</summary>
    public bool PoolFirst { get; init; } = true;

    /// <summary>
    /// Whether a block halves the side by a convolution of stride 2 (rounding up) instead of pooling, and the features
    /// are means over all places, one a filter: the encoder of Finn et al. 2017 for Omniglot. It costs a quarter.
    /// </summary>
    public bool Strided { get; init; }

    public override string Name => _name + (Strided ? "strided" : "");
    public override long[] InputShape { get; }
    public override long Features => Strided ? _filters : _features;
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<ParameterInfo> Buffers { get; }
    public override IReadOnlyList<long> HiddenUnits { get; }

    public override Tensor Forward(Pass pass, Tensor input)
    {
        Shape.Require(input, nameof(input), [-1, .. InputShape]);
        for (var b = 0; b < _blocks; b++) input = Layer(b, pass, input);
        return Strided ? input.mean([2, 3]) : input.flatten(1);
    }

    public override bool IsLayered => !Strided; // a mean over places follows the layers then

    public override Tensor Layer(int layer, Pass pass, Tensor input)
    {
        // x is [N, C, H, W] throughout.
        Tensor weight = pass.Parameter(4 * layer), bias = pass.Parameter(4 * layer + 1), x;
        var (pools, stride) = (layer < _pooled && !Strided, layer < _pooled && Strided ? 2 : 1);
        if (layer == 0 && PoolFirst && pools && pass.AtParameters && PooledConvolution.Fits(input, weight))
            x = PooledConvolutionLayer.Apply(input, weight, bias);
        else
        {
            x = F.conv2d(input, weight, bias, strides: [stride, stride], padding: [1, 1]);
            if (PoolFirst && pools) x = F.max_pool2d(x, 2);
        }
        x = F.batch_norm(x, pass.Buffer(2 * layer), pass.Buffer(2 * layer + 1),
            pass.Parameter(4 * layer + 2), pass.Parameter(4 * layer + 3), pass.Training, Momentum, Epsilon);
        x = F.relu(pass.PreActivation(layer, x));
        if (!PoolFirst && pools) x = F.max_pool2d(x, 2);
        return pass.Units(layer, x);
    }

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input)
    {
        var x = input;
        for (var b = 0; b < _blocks; b++)
        {
            var (pools, stride) = (b < _pooled && !Strided, b < _pooled && Strided ? 2 : 1);
            x = graph.Convolution(x, pass.Parameter(4 * b), pass.Parameter(4 * b + 1), stride, padding: 1);
            if (PoolFirst && pools) x = graph.MaxPool(x, 2);
            x = graph.Relu(graph.BatchNorm(x, pass.Parameter(4 * b + 2), pass.Parameter(4 * b + 3),
                pass.Buffer(2 * b), pass.Buffer(2 * b + 1), Epsilon));
            if (!PoolFirst && pools) x = graph.MaxPool(x, 2);
        }
        return graph.Flatten(Strided ? graph.Add("GlobalAveragePool", [x]) : x);
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        for (var b = 0; b < _blocks; b++)
        {
            Initialization.TorchDefault(parameter(4 * b), parameter(4 * b + 1), rng.Split("block", b));
            parameter(4 * b + 2).fill_(1);
            buffer(2 * b + 1).fill_(1);
        }
    }
}
