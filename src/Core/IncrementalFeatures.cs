namespace RlLeap;

/// <summary>Features of a batch that comes in parts, as a rollout comes step by step.</summary>
/// <remarks>
/// An agent acts by each part's features as they come. Its loss takes those of all parts, with their graph. This class
/// passes over each part with a graph and joins the results. A network may know a faster way
/// (<see cref="Network.BeginFeatures"/>); the results are the same up to rounding. The parameters must not change until
/// the joined features are differentiated: backward refuses it. First derivatives only.
/// </remarks>
public class IncrementalFeatures : IDisposable
{
    private readonly Func<Tensor, Tensor> _forward;
    private readonly List<Tensor> _features = [];

    /// <summary>Parts of which <paramref name="forward"/> makes features [N, F].</summary>
    public IncrementalFeatures(Func<Tensor, Tensor> forward) => _forward = forward;

    /// <summary>The features [N, F] of the next part [N, ...], to be read, valid as long as this lives.</summary>
    public virtual Tensor Add(Tensor input)
    {
        using var _ = enable_grad();
        _features.Add(_forward(input).DetachFromDisposeScope());
        return _features[^1];
    }

    /// <summary>The features [N1 + N2 + ..., F] of all parts, with their graph, in the caller's scope.</summary>
    public virtual Tensor Join()
    {
        using var _ = enable_grad();
        return cat([.. _features], 0);
    }

    /// <summary>Frees the parts; what was joined stays.</summary>
    public virtual void Dispose()
    {
        foreach (var features in _features) features.Dispose();
        _features.Clear();
        GC.SuppressFinalize(this);
    }
}
