using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.MetaLearning;

/// <summary>Progressive Nets: a column of its own for every task, fed by the hidden units of the other columns (Rusu et al. 2016, arXiv 1606.04671).</summary>
/// <remarks>
/// <para>Hidden layer l of a column receives, besides its own units below, those of every source column: each times a learned scalar, all concatenated, reduced to one
/// column's width (1x1 convolution or linear map, then ReLU), mapped like the layer's own weight and added to the pre-activation (section 2.1 there).
/// Only the column of the task being trained learns; the others run in evaluation mode.</para>
/// <para>As the Leap paper has it, lateral connections run between ALL pretraining tasks and tasks are revisited: all columns exist from the start, and a column sees
/// the others as they are now. A held-out task gets a new column that sees all of them and is seen by none. Heads have no laterals. See docs/fidelity.md.</para>
/// </remarks>
public sealed record ProgressiveOptions : MetaLearningMethod
{
    /// <inheritdoc/>
    public override string Name => "progressive";

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext setting)
    {
        if (!setting.Network.IsFunctional || !setting.Network.IsLayered)
            throw new RlLeapException($"Progressive Nets cannot be made of {setting.Network.Name}: it cannot be walked layer by layer. Use a RlLeap.Network that overrides Layer.");
        if (setting.Pool.GroupBy(task => task.Info.Id).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new RlLeapException($"The pool has {twice.Key} twice: Progressive Nets keep one column for each task and cannot tell them apart.");
    }

    /// <inheritdoc/>
    protected override IMetaLearner Open(MetaLearnerContext setting) => new ProgressiveNets(this, setting);
}

internal sealed class ProgressiveNets : ContinualMetaLearner
{
    private readonly string[] _pool;

    public ProgressiveNets(ProgressiveOptions options, MetaLearnerContext setting) : base(options, setting)
    {
        _pool = [.. setting.Pool.Select(task => task.Info.Id)];
        foreach (var task in setting.Pool)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            using var column = new Model(new ProgressiveNetwork(setting.Network, task.Info.Id, _pool, new Dictionary<string, Dictionary<string, Tensor>>()), new PrivateHeads(task).Info.Heads, setting.DType, setting.Device);
            column.Initialize(setting.Rng.Split("column." + task.Info.Id));
            Tasks[task.Info.Id] = Keep(column);
        }
    }

    public override Learner Begin(ITask task, LearnerOptions options, Rng rng)
    {
        var network = new ProgressiveNetwork(Setting.Network, task.Info.Id, _pool, Tasks.Where(t => t.Key != task.Info.Id).ToDictionary());
        var learner = new Learner(new PrivateHeads(task), network, options, rng, Setting.Device, dtype: Setting.DType);
        if (!Tasks.TryGetValue(task.Info.Id, out var own)) return learner;
        learner.Model.Import(own);
        return learner;
    }

    protected override Dictionary<string, Tensor> Consolidate(ITask task, Learner learner)
    {
        if (!_pool.Contains(task.Info.Id)) throw new RlLeapException($"{task.Info.Id} is not in the pool that Progressive Nets were set up with, so it has no column.");
        return Keep(learner.Model);
    }

    private static Dictionary<string, Tensor> Keep(Model model) =>
        model.Parameters.Layout.Entries.Select(e => (e.Name, Value: model.Parameters[e.Name]))
            .Concat(model.Buffers.Layout.Entries.Select(e => (Name: Model.BufferPrefix + e.Name, Value: model.Buffers[e.Name])))
            .ToDictionary(t => t.Name, t => t.Value.detach().clone().DetachFromDisposeScope());
}

/// <summary>One task's column with the others around it. All columns are walked together, layer by layer, since each feeds all others.</summary>
internal sealed class ProgressiveNetwork : Network, IDisposable
{
    private readonly Network _inner;
    private readonly string _own;
    private readonly string[] _pool;
    private readonly Column[] _others;

    private sealed record Column(string Id, Tensor[] Parameters, Tensor[] Buffers);

    /// <summary>The column of <paramref name="own"/>, a task of the pool or a new one.</summary>
    /// <param name="inner">A column's architecture.</param>
    /// <param name="own">The column that learns.</param>
    /// <param name="pool">All tasks whose columns see one another.</param>
    /// <param name="others">The other columns' tensors by name; copied. Empty for a network that only tells its parameters.</param>
    public ProgressiveNetwork(Network inner, string own, string[] pool, IReadOnlyDictionary<string, Dictionary<string, Tensor>> others)
    {
        (_inner, _own, _pool) = (inner, own, pool);
        Parameters = ParametersOf(own);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _others = [.. others.Select(column => new Column(column.Key,
            [.. ParametersOf(column.Key).Select(p => column.Value[p.Name].clone().DetachFromDisposeScope())],
            [.. inner.Buffers.Select(b => column.Value[Model.BufferPrefix + b.Name].clone().DetachFromDisposeScope())]))];
    }

    public override string Name => $"Progressive({_inner.Name})";
    public override long[] InputShape => _inner.InputShape;
    public override long Features => _inner.Features;
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<ParameterInfo> Buffers => _inner.Buffers;
    public override IReadOnlyList<long> HiddenUnits => _inner.HiddenUnits;

    public override Tensor Forward(Pass pass, Tensor input)
    {
        IReadOnlyList<Tensor> parameters = [.. Parameters.Select((_, i) => pass.Parameter(i))];
        IReadOnlyList<Tensor> buffers = [.. Buffers.Select((_, i) => pass.Buffer(i))];
        var below = new Dictionary<string, Tensor>();
        for (var l = 0; l < HiddenUnits.Count; l++)
        {
            var here = new Dictionary<string, Tensor>();
            // Nobody reads the other columns' last layer.
            using (no_grad())
                foreach (var column in l < HiddenUnits.Count - 1 ? _others : [])
                {
                    using var scope = NewDisposeScope(); // a column's intermediate tensors would add up to gigabytes
                    here[column.Id] = Walk(l, column.Id, column.Parameters, column.Buffers, training: false, hooks: null).MoveToOuterDisposeScope();
                }
            here[_own] = Walk(l, _own, parameters, buffers, pass.Training, pass.Hooks);
            below = here;
        }
        return below[_own].flatten(1);

        Tensor Walk(int l, string id, IReadOnlyList<Tensor> theta, IReadOnlyList<Tensor> statistics, bool training, LayerHooks? hooks)
        {
            var laterals = new LayerHooks((layer, value) =>
            {
                value = hooks?.PreActivation?.Invoke(layer, value) ?? value;
                var sources = SourcesOf(id);
                // Without their columns (or alone in the pool) there is nothing to add.
                return l == 0 || sources.Length == 0 || _others.Length == 0 ? value : value + Lateral(l, theta, [.. sources.Select(s => below[s])], value);
            }, hooks?.Units);
            return _inner.Layer(l, new Pass(theta, statistics, training, laterals), l == 0 ? input : below[id]);
        }
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        _inner.Initialize(parameter, buffer, rng);
        for (var (i, l) = (_inner.Parameters.Count, 1); i < Parameters.Count; i += 4, l++)
        {
            var lateral = rng.Split("lateral", l);
            var scales = new double[parameter(i).numel()];
            // Different small values, as section 2.1 says without saying which.
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
            foreach (var value in column.Parameters.Concat(column.Buffers)) value.Dispose();
    }

    private string[] SourcesOf(string id) => [.. _pool.Where(other => other != id)];

    // The inner network's parameters; then for every layer above the first: scale [S], reduce [u, S u], its bias [u], and a map in the shape of the layer's weight.
    private ParameterInfo[] ParametersOf(string id)
    {
        var sources = SourcesOf(id).Length;
        var weights = _inner.Parameters.Where(p => p.Shape.Length > 1).ToArray();
        if (weights.Length != _inner.HiddenUnits.Count)
            throw new RlLeapException($"Progressive Nets cannot tell the layers of {_inner.Name}: it has {_inner.HiddenUnits.Count} hidden layers and {weights.Length} weights.");
        return [.. _inner.Parameters, .. Enumerable.Range(1, sources == 0 ? 0 : weights.Length - 1).SelectMany(l => new ParameterInfo[]
        {
            new($"lateral.{l}.scale", [sources]),
            new($"lateral.{l}.reduce.weight", [_inner.HiddenUnits[l - 1], sources * _inner.HiddenUnits[l - 1]]),
            new($"lateral.{l}.reduce.bias", [_inner.HiddenUnits[l - 1]]),
            weights[l] with { Name = $"lateral.{l}.weight" },
        })];
    }

    private Tensor Lateral(int layer, IReadOnlyList<Tensor> theta, Tensor[] sources, Tensor target)
    {
        var at = _inner.Parameters.Count + 4 * (layer - 1);
        var (scale, reduce, bias, map) = (theta[at], theta[at + 1], theta[at + 2], theta[at + 3]);
        var all = cat([.. sources.Select((units, i) => units * scale[i])], 1);
        if (all.dim() == 2) return F.linear(F.relu(F.linear(all, reduce, bias)), map);
        var reduced = F.relu(F.conv2d(all, reduce.view(reduce.shape[0], reduce.shape[1], 1, 1), bias));
        if (target.dim() == 2) return F.linear(reduced.flatten(1), map);
        var (stride, padding) = Geometry(reduced.shape, map.shape, target.shape);
        return F.conv2d(reduced, map, null, strides: stride, padding: padding);
    }

    // The layer's own stride and padding are its secret, and a pool may follow: the smallest stride that brings units below to the size of the pre-activation.
    private static (long[] Stride, long[] Padding) Geometry(long[] from, long[] kernel, long[] to)
    {
        var (stride, padding) = (new long[2], new long[2]);
        for (var axis = 0; axis < 2; axis++)
        {
            var (size, k, wanted) = (from[2 + axis], kernel[2 + axis], to[2 + axis]);
            var found = (from s in Enumerable.Range(1, (int)size) from p in Enumerable.Range(0, (int)(k / 2) + 1) where size + 2 * p >= k && (size + 2 * p - k) / s + 1 == wanted select (s, p)).FirstOrDefault();
            if (found.s == 0) throw new RlLeapException($"No {k}-wide convolution leads from {size} to {wanted} places: Progressive Nets cannot connect these layers.");
            (stride[axis], padding[axis]) = (found.s, found.p);
        }
        return (stride, padding);
    }
}
