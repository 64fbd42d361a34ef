using TorchSharp.Modules;

namespace RlLeap;

/// <summary>A point of parameter space: one buffer [n] with named views into it, and one gradient likewise.</summary>
/// <remarks>
/// <para>An optimizer step, a Leap increment, an average or a checkpoint is then an operation on one tensor, not a loop
/// over modules. The views are detached leaves made once, each with its grad a view of <see cref="Gradient"/>: backward
/// accumulates straight into the flat buffer. Zero that buffer (<see cref="ZeroGradient"/>); never set a view's grad to
/// null, which would part it from the buffer. Frozen entries take no gradient.</para>
/// <para>The vector owns its tensors whatever dispose scope it was made in; dispose the vector.</para>
/// </remarks>
public sealed class ParameterVector : IDisposable
{
    private readonly Tensor[] _views;
    private readonly Tensor[] _gradientViews;
    private Tensor? _shared;
    private Tensor? _sharedGradient;

    /// <summary>A vector of zeros.</summary>
    /// <param name="layout">Names, shapes, order.</param>
    /// <param name="dtype">Floating type of every entry.</param>
    /// <param name="device">Where it lies; the CPU when null.</param>
    /// <param name="requiresGradient">False for buffers (batch-norm statistics): no gradient buffer, views without
    /// grad.</param>
    public ParameterVector(ParameterLayout layout, ScalarType dtype = ScalarType.Float32, Device? device = null,
        bool requiresGradient = true)
        : this(layout, zeros([layout.Count], dtype, device), requiresGradient) { }

    // Takes the values over.
    private ParameterVector(ParameterLayout layout, Tensor values, bool requiresGradient)
    {
        Layout = layout;
        using var scope = NewDisposeScope();
        var (dtype, device) = (values.dtype, values.device);
        Flat = new Parameter(values, requiresGradient);
        Flat.DetachFromDisposeScope();
        _views = new Tensor[layout.Entries.Count];
        _gradientViews = new Tensor[requiresGradient ? _views.Length : 0];
        if (requiresGradient)
        {
            Gradient = zeros([layout.Count], dtype, device).DetachFromDisposeScope();
            Flat.grad = Gradient;
        }
        using var _ = no_grad();
        for (var i = 0; i < _views.Length; i++)
        {
            _views[i] = View(Flat, i).detach().DetachFromDisposeScope();
            if (!requiresGradient) continue;
            _gradientViews[i] = View(Gradient!, i).detach().DetachFromDisposeScope();
            _views[i].requires_grad_(Layout.Entries[i].Role != ParameterRole.Frozen);
            _views[i].grad = _gradientViews[i];
        }
    }

    /// <summary>Names, shapes and order of the entries.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>All values as one leaf [n], which optimizers step; its grad is <see cref="Gradient"/>.</summary>
    public Parameter Flat { get; }

    /// <summary>All gradients as one tensor [n]; null for buffers.</summary>
    public Tensor? Gradient { get; }

    /// <summary>The entries as leaves of their logical shape, in order. They alias <see cref="Flat"/>.</summary>
    public IReadOnlyList<Tensor> Views => _views;

    /// <summary>The entry called <paramref name="name"/>.</summary>
    public Tensor this[string name] => _views[Layout.IndexOf(name)];

    /// <summary>The gradient of the entry called <paramref name="name"/>, a view of <see cref="Gradient"/>.</summary>
    public Tensor GradientOf(string name) => _gradientViews[Layout.IndexOf(name)];

    /// <summary>The gradient of the <paramref name="i"/>-th entry, a view of <see cref="Gradient"/>.</summary>
    public Tensor GradientOf(int i) => _gradientViews[i];

    /// <summary>The shared part [s] as a view without grad; owned by the vector.</summary>
    public Tensor Shared => _shared ??= Head(Flat);

    /// <summary>The gradient of the shared part [s] as a view; owned by the vector.</summary>
    public Tensor SharedGradient => _sharedGradient ??= Head(Gradient
        ?? throw new InvalidOperationException("A vector of buffers has no gradient."));

    /// <summary>
    /// A vector on the same values, with a gradient buffer of its own: what another thread differentiates at. It sees
    /// every update; dispose it before this one.
    /// </summary>
    public ParameterVector Replica()
    {
        using var _ = no_grad();
        return new ParameterVector(Layout, Flat.detach(), requiresGradient: true);
    }

    /// <summary>
    /// Whether backward makes the gradient of the entries of a role. At first it does so for all but frozen ones.
    /// Without, it saves the time and leaves their gradient as it is.
    /// </summary>
    public void Differentiate(ParameterRole role, bool wanted)
    {
        for (var i = 0; i < _views.Length; i++)
            if (Layout.Entries[i].Role == role) _views[i].requires_grad_(wanted);
    }

    /// <summary>Zeroes the gradient buffer, one kernel.</summary>
    public void ZeroGradient()
    {
        using var _ = no_grad();
        Gradient!.zero_();
    }

    /// <summary>Tells autograd that values were written past it: a graph of the old ones is then refused.</summary>
    internal void MarkChanged()
    {
        using var _ = no_grad();
        using var nothing = Flat.narrow(0, 0, 0);
        nothing.zero_(); // an in-place operation on a view counts for all of the storage
    }

    /// <summary>Copies all values from a vector of the same layout.</summary>
    public void CopyFrom(ParameterVector source)
    {
        using var _ = no_grad();
        using var from = source.Flat.detach();
        Flat.copy_(from);
    }

    /// <summary>Copies the shared part from a flat tensor [s] (any dtype and device).</summary>
    public void CopySharedFrom(Tensor values)
    {
        Shape.Require(values, "shared parameters", Layout.SharedCount);
        using var _ = no_grad();
        Shared.copy_(values);
    }

    /// <summary>Every entry by name, after <paramref name="prefix"/>: copies, the caller's to dispose.</summary>
    public IEnumerable<(string Name, Tensor Value)> Export(string prefix = "") =>
        Enumerable.Range(0, _views.Length).Select(i => (prefix + Layout.Entries[i].Name, CopyOf(_views[i])));

    // Not in the iterator itself: whoever reads two at a time would leave with the gradient mode of the other.
    private static Tensor CopyOf(Tensor view)
    {
        using var _ = no_grad();
        using var detached = view.detach();
        using var here = detached.cpu();
        using var ordered = here.contiguous();
        return ordered.clone();
    }

    /// <summary>Copies entries by name, after <paramref name="prefix"/>; returns those that are missing.</summary>
    /// <exception cref="RlLeapException">An entry has another shape.</exception>
    public IReadOnlyList<string> Import(IReadOnlyDictionary<string, Tensor> source, string prefix = "")
    {
        using var _ = no_grad();
        var missing = new List<string>();
        for (var i = 0; i < _views.Length; i++)
        {
            var info = Layout.Entries[i];
            if (!source.TryGetValue(prefix + info.Name, out var value)) { missing.Add(prefix + info.Name); continue; }
            if (!value.shape.AsSpan().SequenceEqual(info.Shape))
                throw new RlLeapException($"Parameter {info} is [{string.Join(", ", value.shape)}] in the saved file: "
                    + "it was saved from another network.");
            _views[i].copy_(value);
        }
        return missing;
    }

    /// <summary>Disposes all tensors of the vector.</summary>
    public void Dispose()
    {
        foreach (var view in _views) view.Dispose();
        foreach (var view in _gradientViews) view.Dispose();
        _shared?.Dispose();
        _sharedGradient?.Dispose();
        Gradient?.Dispose();
        Flat.Dispose();
    }

    private Tensor Head(Tensor flat)
    {
        using var _ = no_grad();
        using var head = flat.narrow(0, 0, Layout.SharedCount);
        return head.detach().DetachFromDisposeScope();
    }

    private Tensor View(Tensor flat, int i)
    {
        var info = Layout.Entries[i];
        var part = flat.narrow(0, Layout.Offsets[i], info.Count);
        var s = info.Shape;
        if (info.InputsFirst) return part.view(s[1], s[0]).t();
        if (!info.ChannelsLast) return part.view(s);
        return part.view(s[0], s[2], s[3], s[1]).permute(0, 3, 1, 2);
    }
}
