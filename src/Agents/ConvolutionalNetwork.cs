namespace RlLeap.Agents;

/// <summary>One convolution: square kernel, no padding, ReLU after it.</summary>
public readonly record struct Convolution(long Filters, long Kernel, long Stride);

/// <summary>Convolutions with ReLU, then a dense layer: the encoder of agents that see [C, H, W].</summary>
/// <remarks>
/// <para>With <c>layerNorm</c> the dense layer's outputs are normalized for each input (Ba et al. 2016, arXiv
/// 1607.06450) before their ReLU. Then about half of them are positive whatever the weights are, and few units can die
/// (docs/diagnosis.md).</para>
/// <para>Bytes come in as they are and turn into floats in the pass. What divides them (255 for images; 0/1 planes
/// stay) divides the first layer's weights instead: the same function, and a pass over a few thousand weights instead
/// of over millions of pixels.</para>
/// <para>With <c>channelsLast</c> weights and inputs lie in memory as N, H, W, C, which is faster or slower by network
/// (benchmarks/Agents).</para>
/// </remarks>
public sealed class ConvolutionalNetwork : Network
{
    private readonly Convolution[] _convolutions;
    private readonly LayerInitialization _initialization;
    private readonly bool _channelsLast, _layerNorm, _planes;
    private readonly double _scale;
    private readonly ImageConvolution?[] _kernels;

    /// <summary>An encoder for observations of <paramref name="observation"/>.</summary>
    /// <exception cref="RlLeapException">Observations that are not [C, H, W], or too small for the kernels.</exception>
    public ConvolutionalNetwork(
        string name, Box observation, IReadOnlyList<Convolution> convolutions, long dense,
        LayerInitialization initialization, bool channelsLast, bool layerNorm = false)
    {
        if (observation.Shape is not [var channels, var height, var width])
            throw new RlLeapException($"The network {name} reads images or planes [C, H, W]; these observations are "
                + $"{observation}. Use the network mlp for vectors.");
        (Name, Features, InputShape) = (name, dense, observation.Shape);
        (_convolutions, _initialization, _channelsLast, _layerNorm) =
            ([.. convolutions], initialization, channelsLast, layerNorm);
        _scale = observation.UnitScale;
        _planes = !channelsLast && _convolutions.Length > 0 && PlaneConvolution.Fits(observation, _convolutions[0]);
        _kernels = new ImageConvolution?[_convolutions.Length];
        var parameters = new List<ParameterInfo>();
        for (var i = 0; i < _convolutions.Length; i++)
        {
            var (filters, kernel, stride) = _convolutions[i];
            if (height < kernel || width < kernel)
                throw new RlLeapException($"The network {name} is too deep for observations of {observation}: its "
                    + $"convolution {i + 1} gets {height}x{width} and has a kernel of {kernel}x{kernel}. Choose "
                    + "another network or larger observations.");
            parameters.Add(new($"conv{i + 1}.weight", [filters, channels, kernel, kernel], ChannelsLast: channelsLast));
            parameters.Add(new($"conv{i + 1}.bias", [filters]));
            var fast = new ImageConvolution(filters, channels, kernel, stride, height, width);
            if (channelsLast && fast.Fits(inputGradient: i > 0)) _kernels[i] = fast;
            (channels, height, width) = (filters, (height - kernel) / stride + 1, (width - kernel) / stride + 1);
        }
        parameters.Add(new("dense.weight", [dense, channels * height * width], InputsFirst: true));
        parameters.Add(new("dense.bias", [dense]));
        if (layerNorm) parameters.AddRange(LayerNorm.Parameters("norm", dense));
        Parameters = parameters;
        HiddenUnits = [.. _convolutions.Select(c => c.Filters), dense];
    }

    public override string Name { get; }
    public override long[] InputShape { get; }
    public override long Features { get; }
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<long> HiddenUnits { get; }

    public override Tensor Forward(Pass pass, Tensor input)
    {
        for (var layer = 0; layer <= _convolutions.Length; layer++) input = Layer(layer, pass, input);
        return input;
    }

    public override IncrementalFeatures BeginFeatures(Pass pass)
    {
        if (_layerNorm || pass.Hooks is not null) return base.BeginFeatures(pass);
        return new EncoderParts(this, pass, _planes && _convolutions.Length == 1
            && pass.Parameter(0).dtype == ScalarType.Float32 && pass.Parameter(0).device_type == DeviceType.CPU);
    }

    public override bool IsLayered => true;

    public override Tensor Layer(int layer, Pass pass, Tensor input)
    {
        Tensor x;
        if (layer == _convolutions.Length)
        {
            var (flat, weight, bias) = (input.flatten(1), pass.Parameter(2 * layer), pass.Parameter(2 * layer + 1));
            x = pass.AtParameters && is_grad_enabled() && DenseGradient.Fits(flat, weight, bias)
                ? DenseLayer.Apply(flat, weight, bias) : pass.Dense(2 * layer, flat);
            if (_layerNorm) x = LayerNorm.Apply(x, pass.Parameter(2 * layer + 2), pass.Parameter(2 * layer + 3));
        }
        else
        {
            Tensor weight = pass.Parameter(2 * layer), bias = pass.Parameter(2 * layer + 1);
            var scale = layer == 0 ? _scale : 1;
            if (_kernels[layer] is { } kernel && pass is { AtParameters: true, Hooks: null }
                && kernel.Fits(input, weight) && (layer > 0 || !input.requires_grad))
                return ConvolutionLayer.Apply(kernel, input, weight, bias, (float)scale, _convolutions[layer].Stride);
            if (layer == 0)
            {
                if (_planes && !is_grad_enabled() && PlaneConvolution.Fits(input, weight))
                    return pass.Units(layer,
                        pass.PreActivation(layer, PlaneConvolution.Forward(input, weight, bias)).relu_());
                input = Laid(input);
                if (input.dtype != weight.dtype) input = input.to_type(weight.dtype);
                if (_scale != 1) weight = weight * _scale;
            }
            x = F.conv2d(input, weight, bias, strides: [_convolutions[layer].Stride, _convolutions[layer].Stride]);
        }
        return pass.Units(layer, pass.PreActivation(layer, x).relu_());
    }

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input)
    {
        var x = _scale == 1 ? input : graph.Scale(input, _scale, pass.Parameter(0).dtype);
        var dense = 2 * _convolutions.Length;
        for (var layer = 0; layer < _convolutions.Length; layer++)
            x = graph.Relu(graph.Convolution(x, pass.Parameter(2 * layer), pass.Parameter(2 * layer + 1),
                _convolutions[layer].Stride));
        x = graph.Dense(graph.Flatten(x), pass.Parameter(dense), pass.Parameter(dense + 1));
        if (_layerNorm) x = LayerNorm.ToOnnx(graph, x, pass.Parameter(dense + 2), pass.Parameter(dense + 3));
        return graph.Relu(x);
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
        LayerInitializer.Initialize(Parameters, parameter, _initialization, rng);

    // While the input is still bytes: a quarter of the memory to move. The conversion to float keeps the strides.
    private Tensor Laid(Tensor input)
    {
        if (!_channelsLast) return input;
        if (NchwToNhwc.Fits(input)) return NchwToNhwc.Lay(input);
        if (input.shape[1] > 1) return input.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        // One channel: contiguous() would change nothing, but the strides decide which kernel libtorch takes.
        var (n, h, w) = (input.shape[0], input.shape[2], input.shape[3]);
        return input.contiguous().as_strided([n, 1, h, w], [h * w, 1, w, 1]);
    }
}
