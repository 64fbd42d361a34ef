namespace RlLeap.MetaLearning;

/// <summary>One task's column of Progressive Nets, with the other columns around it.</summary>
/// <remarks>Each column reads all others, so all of them are computed together, layer by layer.</remarks>
internal sealed class ProgressiveNetwork : NetworkWrapper, IDisposable
{
    private const int LateralParameters = 4; // of a layer: scale, reduce, its bias, map

    private readonly string _own;
    private readonly string[] _pool;
    private readonly bool _earlierOnly;
    private readonly Column[] _others;

    private sealed record Column(string Id, ParameterVector Parameters, ParameterVector Buffers);

    /// <summary>The column of a task of the pool, or of a new one.</summary>
    /// <param name="inner">The architecture of a column.</param>
    /// <param name="own">The id of the column that learns.</param>
    /// <param name="pool">The ids of all tasks whose columns read one another.</param>
    /// <param name="others">
    /// The other columns' tensors by name, which are copied. Empty for a network that only tells its parameters.
    /// </param>
    /// <param name="dtype">Floating type of the other columns.</param>
    /// <param name="device">Where the other columns lie.</param>
    /// <param name="earlierOnly">Whether a column reads only those before it in the pool.</param>
    public ProgressiveNetwork(
        Network inner, string own, string[] pool, IReadOnlyDictionary<string, Dictionary<string, Tensor>> others,
        ScalarType dtype = ScalarType.Float32, Device? device = null, bool earlierOnly = false)
        : base(inner)
    {
        (_own, _pool, _earlierOnly) = (own, pool, earlierOnly);
        Parameters = ParametersOf(own);
        _others = [.. others.Select(other => ColumnOf(other.Key, other.Value))];

        Column ColumnOf(string id, Dictionary<string, Tensor> tensors)
        {
            var column = new Column(id, Frozen(ParametersOf(id)), Frozen(inner.Buffers));
            IEnumerable<string> missing =
                [.. column.Parameters.Import(tensors), .. column.Buffers.Import(tensors, Model.BufferPrefix)];
            if (missing.FirstOrDefault() is { } name)
                throw new RlLeapException($"The column of {id} has no {name}: it was saved from another network.");
            return column;
        }

        ParameterVector Frozen(IEnumerable<ParameterInfo> entries)
        {
            // All shared: the layout then keeps the order of the entries.
            var layout = new ParameterLayout(entries.Select(entry => entry with { Shared = true }));
            return new ParameterVector(layout, dtype, device, requiresGradient: false);
        }
    }

    public override string Name => $"Progressive({Inner.Name})";
    public override IReadOnlyList<ParameterInfo> Parameters { get; }

    public override Tensor Forward(Pass pass, Tensor input)
    {
        Tensor[] parameters = [.. Parameters.Select((_, i) => pass.Parameter(i))];
        Tensor[] buffers = [.. Buffers.Select((_, i) => pass.Buffer(i))];
        var below = new Dictionary<string, Tensor>(); // the units of every column in the layer below
        for (var l = 0; l < HiddenUnits.Count; l++)
        {
            var units = new Dictionary<string, Tensor>();
            var isLast = l == HiddenUnits.Count - 1; // nobody reads the other columns' last layer
            using (no_grad())
                foreach (var column in isLast ? [] : _others)
                {
                    // Without a scope, the intermediate tensors of all columns would add up to gigabytes.
                    using var scope = NewDisposeScope();
                    var (theta, statistics) = (column.Parameters.Views, column.Buffers.Views);
                    var value = UnitsOf(l, column.Id, theta, statistics, training: false, hooks: null);
                    units[column.Id] = value.MoveToOuterDisposeScope();
                }
            units[_own] = UnitsOf(l, _own, parameters, buffers, pass.Training, pass.Hooks);
            below = units;
        }
        return below[_own].flatten(1);

        Tensor UnitsOf(
            int l, string id, IReadOnlyList<Tensor> theta, IReadOnlyList<Tensor> statistics, bool training,
            LayerHooks? hooks)
        {
            var sources = SourcesOf(id);
            // A column alone in the pool reads nothing. Neither does a network that only tells its parameters.
            var isFirst = l == 0 || sources.Length == 0 || _others.Length == 0;
            var withLateral = new LayerHooks((layer, value) =>
            {
                value = hooks?.PreActivation?.Invoke(layer, value) ?? value;
                return isFirst ? value : value + Lateral(l, theta, [.. sources.Select(s => below[s])], value);
            }, hooks?.Units);
            return Inner.Layer(l, new Pass(theta, statistics, training, withLateral), l == 0 ? input : below[id]);
        }
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Inner.Initialize(parameter, buffer, rng);
        for (var (i, l) = (Inner.Parameters.Count, 1); i < Parameters.Count; i += LateralParameters, l++)
        {
            var lateral = rng.Split("lateral", l);
            var scales = new double[parameter(i).numel()];
            // Section 2.1 asks for different small values and does not say which.
            foreach (ref var scale in scales.AsSpan()) scale = 0.01 + 0.09 * lateral.NextDouble();
            using var drawn = tensor(scales);
            parameter(i).copy_(drawn);
            Initialization.TorchDefault(parameter(i + 1), parameter(i + 2), lateral.Split("reduce"));
            Initialization.TorchDefault(parameter(i + 3), null, lateral.Split("map"));
        }
    }

    public void Dispose()
    {
        foreach (var column in _others)
        {
            column.Parameters.Dispose();
            column.Buffers.Dispose();
        }
    }

    private string[] SourcesOf(string id) =>
        [.. _earlierOnly ? _pool.TakeWhile(other => other != id) : _pool.Where(other => other != id)];

    /// <summary>The inner network's parameters, then the lateral ones of every layer above the first.</summary>
    /// <remarks>
    /// With S sources and u units below: scale [S], reduce [u, S u], its bias [u], and a map in the shape of the
    /// layer's weight.
    /// </remarks>
    private ParameterInfo[] ParametersOf(string id)
    {
        var sources = SourcesOf(id).Length;
        var weights = Inner.Parameters.Where(p => p.Shape.Length > 1).ToArray();
        if (weights.Length != Inner.HiddenUnits.Count)
            throw new RlLeapException($"Progressive Nets cannot tell the layers of {Inner.Name}: it has "
                + $"{Inner.HiddenUnits.Count} hidden layers and {weights.Length} weights.");
        if (sources == 0) return [.. Inner.Parameters];
        return [.. Inner.Parameters, .. Enumerable.Range(1, weights.Length - 1).SelectMany(Laterals)];

        ParameterInfo[] Laterals(int l)
        {
            var units = Inner.HiddenUnits[l - 1];
            return
            [
                new($"lateral.{l}.scale", [sources]),
                new($"lateral.{l}.reduce.weight", [units, sources * units]),
                new($"lateral.{l}.reduce.bias", [units]),
                weights[l] with { Name = $"lateral.{l}.weight" },
            ];
        }
    }

    /// <summary>What the source columns add to a layer's pre-activation: U relu(V [scale_j h_j]).</summary>
    private Tensor Lateral(int layer, IReadOnlyList<Tensor> theta, Tensor[] sources, Tensor preActivation)
    {
        var first = Inner.Parameters.Count + LateralParameters * (layer - 1);
        var (scale, reduce, bias, map) = (theta[first], theta[first + 1], theta[first + 2], theta[first + 3]);
        var all = cat([.. sources.Select((units, i) => units * scale[i])], 1);
        if (all.dim() == 2) return F.linear(F.relu(F.linear(all, reduce, bias)), map);
        var reduced = F.relu(F.conv2d(all, reduce.view(reduce.shape[0], reduce.shape[1], 1, 1), bias));
        if (preActivation.dim() == 2) return F.linear(reduced.flatten(1), map);
        var (strides, padding) = StridesAndPadding(reduced.shape, map.shape, preActivation.shape);
        return F.conv2d(reduced, map, null, strides: strides, padding: padding);
    }

    /// <summary>The smallest strides that bring the units below to the size of the pre-activation.</summary>
    /// <remarks>A layer does not tell its own stride and padding, and a pool may come after the convolution.</remarks>
    private static (long[] Strides, long[] Padding) StridesAndPadding(long[] from, long[] kernel, long[] to)
    {
        var (strides, padding) = (new long[2], new long[2]);
        for (var axis = 0; axis < 2; axis++)
        {
            var (size, width, wanted) = (from[2 + axis], kernel[2 + axis], to[2 + axis]);
            var found = (
                from stride in Enumerable.Range(1, (int)size)
                from pad in Enumerable.Range(0, (int)(width / 2) + 1)
                where size + 2 * pad >= width && (size + 2 * pad - width) / stride + 1 == wanted
                select (stride, pad)).FirstOrDefault();
            if (found.stride == 0)
                throw new RlLeapException($"No {width}-wide convolution leads from {size} to {wanted} places: "
                    + "Progressive Nets cannot connect these layers.");
            (strides[axis], padding[axis]) = (found.stride, found.pad);
        }
        return (strides, padding);
    }
}
