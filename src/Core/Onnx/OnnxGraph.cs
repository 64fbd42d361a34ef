using Google.Protobuf;
using RlLeap.OnnxFormat;
using DataType = RlLeap.OnnxFormat.TensorProto.Types.DataType;

namespace RlLeap;

/// <summary>What an operator of an <see cref="OnnxGraph"/> gives: a tensor [N, ...] by its name.</summary>
/// <param name="Name">Its name in the file.</param>
public readonly record struct OnnxValue(string Name);

/// <summary>A network written as ONNX (onnx.ai): operators on named tensors, weights beside them.</summary>
/// <remarks>
/// The first axis of every input and output is the batch; its size is free. A network says in
/// <see cref="Network.ToOnnx"/> which operators it is; <see cref="Of"/> adds a model's heads. Operators are those of
/// operator set 17.
/// </remarks>
public sealed class OnnxGraph
{
    private const int IrVersion = 8, OperatorSet = 17;
    private readonly GraphProto _graph;
    private readonly Dictionary<Tensor, string> _names = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Tensor, OnnxValue> _constants = new(ReferenceEqualityComparer.Instance);
    private int _made;

    private OnnxGraph(string name) => _graph = new GraphProto { Name = name };

    /// <summary>A model in evaluation mode: its heads' outputs, or the features without heads.</summary>
    /// <param name="model">The model. It is only read.</param>
    /// <param name="input">What the input [N, input...] is called.</param>
    /// <param name="type">The input's element type: Byte or Float32.</param>
    /// <param name="output">What the output of a head is called; null: as the head.</param>
    /// <exception cref="RlLeapException">A layer cannot be written as ONNX; names it.</exception>
    public static OnnxGraph Of(Model model, string input = "input", ScalarType type = ScalarType.Float32,
        Func<Head, string>? output = null)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (graph, network) = (new OnnxGraph(model.Network.Name), model.Network);
        foreach (var (vector, prefix) in new[] { (model.Parameters, ""), (model.Buffers, Model.BufferPrefix) })
            for (var i = 0; i < vector.Views.Count; i++)
                graph._names[vector.Views[i]] = prefix + vector.Layout.Entries[i].Name;
        graph._graph.Input.Add(Described(input, type, network.InputShape));
        var read = new OnnxValue(input);
        if (type != model.DType) read = graph.Add("Cast", [read], ("to", (long)TypeOf(model.DType)));
        var features = network.ToOnnx(graph, model.Pass, read);
        if (model.Heads.Count == 0) graph.Output("features", features, [network.Features], model.DType);
        foreach (var head in model.Heads)
            graph.Output(output?.Invoke(head) ?? head.Name, graph.HeadOf(model, head, features), [head.Size],
                model.DType);
        return graph;
    }

    /// <summary>An operator with one output.</summary>
    /// <param name="type">Its name in the operator set, "Relu".</param>
    /// <param name="inputs">What it reads, in the operator's order.</param>
    /// <param name="attributes">Its attributes: long, double or long[].</param>
    /// <exception cref="ArgumentException">An attribute is of another type.</exception>
    public OnnxValue Add(string type, IReadOnlyList<OnnxValue> inputs,
        params IReadOnlyList<(string Name, object Value)> attributes)
    {
        var name = $"{type.ToLowerInvariant()}{++_made}";
        var node = new NodeProto { Name = name, OpType = type, Output = { name } };
        node.Input.AddRange(inputs.Select(value => value.Name));
        node.Attribute.AddRange(attributes.Select(attribute => AttributeOf(attribute.Name, attribute.Value)));
        _graph.Node.Add(node);
        return new OnnxValue(name);
    }

    /// <summary>A tensor of the file: a parameter or buffer under its own name, else a constant.</summary>
    public OnnxValue Constant(Tensor value)
    {
        if (_constants.TryGetValue(value, out var known)) return known;
        var name = _names.GetValueOrDefault(value) ?? $"constant{++_made}";
        using var plain = value.detach().cpu().contiguous();
        var tensor = new TensorProto
        {
            Name = name, DataType = (int)TypeOf(plain.dtype), RawData = ByteString.CopyFrom(plain.bytes),
        };
        tensor.Dims.AddRange(plain.shape);
        _graph.Initializer.Add(tensor);
        return _constants[value] = new OnnxValue(name);
    }

    /// <summary>A dense layer: input [N, in] times weight [out, in], plus bias [out].</summary>
    public OnnxValue Dense(OnnxValue input, Tensor weight, Tensor? bias) => Add("Gemm",
        bias is null ? [input, Constant(weight)] : [input, Constant(weight), Constant(bias)], ("transB", 1L));

    /// <summary>A convolution of [N, C, H, W] with weight [filters, C, h, w].</summary>
    public OnnxValue Convolution(OnnxValue input, Tensor weight, Tensor? bias, long stride = 1, long padding = 0) =>
        Add("Conv", bias is null ? [input, Constant(weight)] : [input, Constant(weight), Constant(bias)],
            ("strides", new[] { stride, stride }), ("pads", new[] { padding, padding, padding, padding }));

    /// <summary>The largest of each square of [N, C, H, W], no overlap; a rest at the border is left out.</summary>
    public OnnxValue MaxPool(OnnxValue input, long side) => Add("MaxPool", [input],
        ("kernel_shape", new[] { side, side }), ("strides", new[] { side, side }));

    /// <summary>Batch normalization of [N, C, ...] with running statistics [C].</summary>
    public OnnxValue BatchNorm(OnnxValue input, Tensor weight, Tensor bias, Tensor mean, Tensor variance,
        double epsilon = 1e-5) => Add("BatchNormalization",
            [input, Constant(weight), Constant(bias), Constant(mean), Constant(variance)], ("epsilon", epsilon));

    /// <summary>Layer normalization over the last axis.</summary>
    public OnnxValue LayerNorm(OnnxValue input, Tensor weight, Tensor? bias, double epsilon = 1e-5) =>
        Add("LayerNormalization", bias is null ? [input, Constant(weight)] : [input, Constant(weight), Constant(bias)],
            ("axis", -1L), ("epsilon", epsilon));

    /// <summary>ReLU.</summary>
    public OnnxValue Relu(OnnxValue input) => Add("Relu", [input]);

    /// <summary>The hyperbolic tangent.</summary>
    public OnnxValue Tanh(OnnxValue input) => Add("Tanh", [input]);

    /// <summary>[N, everything else].</summary>
    public OnnxValue Flatten(OnnxValue input) => Add("Flatten", [input], ("axis", 1L));

    /// <summary>[N, shape...] of the same elements.</summary>
    public OnnxValue Reshape(OnnxValue input, IReadOnlyList<long> shape) =>
        Add("Reshape", [input, Numbers([-1, .. shape])]);

    /// <summary>Values side by side on axis 1.</summary>
    public OnnxValue Concatenate(IReadOnlyList<OnnxValue> values) => Add("Concat", values, ("axis", 1L));

    /// <summary>So many columns from <paramref name="start"/> of axis 1.</summary>
    public OnnxValue Columns(OnnxValue input, long start, long count) => Add("Slice",
        [input, Numbers([start]), Numbers([start + count]), Numbers([1])]);

    /// <summary>Each element times a number.</summary>
    public OnnxValue Scale(OnnxValue input, double factor, ScalarType type = ScalarType.Float32)
    {
        using var number = tensor(factor, type);
        return Add("Mul", [input, Constant(number)]);
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="notes">Facts by name, which tools show beside the model.</param>
    /// <exception cref="RlLeapException">The file cannot be written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? notes = null)
    {
        var model = new ModelProto
        {
            IrVersion = IrVersion, ProducerName = "RlLeap", Graph = _graph,
            ProducerVersion = typeof(OnnxGraph).Assembly.GetName().Version!.ToString(3),
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OperatorSet } },
        };
        foreach (var (key, value) in notes ?? new Dictionary<string, string>())
            model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        AtomicFile.Write(path, stream => model.WriteTo(stream));
    }

    private OnnxValue HeadOf(Model model, Head head, OnnxValue features)
    {
        var bias = model.Parameters[head.Name + ".bias"];
        if (head.IsConstant) // as many rows as the batch has
            return Add("Expand", [Constant(bias), Add("Concat",
                [Add("Shape", [features], ("start", 0L), ("end", 1L)), Numbers([head.Size])], ("axis", 0L))]);
        var (start, count) = model.Network.FeaturesOf(head);
        if (start != 0 || count != model.Network.Features) features = Columns(features, start, count);
        return Dense(features, model.Parameters[head.Name + ".weight"], bias);
    }

    private void Output(string name, OnnxValue value, long[] shape, ScalarType type)
    {
        _graph.Node.Add(new NodeProto { Name = name, OpType = "Identity", Input = { value.Name }, Output = { name } });
        _graph.Output.Add(Described(name, type, shape));
    }

    private OnnxValue Numbers(IReadOnlyList<long> values)
    {
        using var numbers = tensor(values.ToArray(), ScalarType.Int64);
        return Constant(numbers);
    }

    private static ValueInfoProto Described(string name, ScalarType type, IReadOnlyList<long> shape)
    {
        var sizes = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "N" } } };
        sizes.Dim.AddRange(shape.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor { ElemType = (int)TypeOf(type), Shape = sizes },
            },
        };
    }

    private static AttributeProto AttributeOf(string name, object value) => value switch
    {
        long number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = number },
        double number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = (float)number },
        long[] numbers => new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { numbers } },
        _ => throw new ArgumentException($"The attribute {name} is a {value.GetType().Name}; an attribute is a long, "
            + "a double or a long[].", nameof(value)),
    };

    private static DataType TypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => DataType.Float,
        ScalarType.Float64 => DataType.Double,
        ScalarType.Byte => DataType.Uint8,
        ScalarType.Int64 => DataType.Int64,
        _ => throw new RlLeapException($"Tensors of {type} are not written as ONNX; Float32 is usual."),
    };
}
