namespace RlLeap.MetaLearning;

/// <summary>The training of one task, observed by <see cref="LeapModule"/>.</summary>
public sealed class LeapPath : IDisposable
{
    private readonly LeapModule _owner;
    private readonly PathObserver _observer;
    private readonly ParameterVector _point;
    private long _points;

    internal LeapPath(LeapModule owner, PathObserver observer) =>
        (_owner, _observer, _point) = (owner, observer, owner.NewVector());

    /// <summary>Call it between backward and the optimizer's step, with the loss of that backward.</summary>
    /// <exception cref="DivergenceException">The loss is not finite.</exception>
    /// <exception cref="RlLeapException">The loss is not one number.</exception>
    public void Observe(Tensor loss)
    {
        if (loss.numel() != 1)
            throw new RlLeapException($"The loss has the shape {Shape.Text(loss.shape)}; it must be one number, the "
                + "one that backward was called on.");
        using var detached = loss.detach();
        using var wide = detached.to_type(ScalarType.Float64);
        Observe(wide.item<double>());
    }

    /// <summary>As <see cref="Observe(Tensor)"/>, with the loss as a number.</summary>
    public void Observe(double loss)
    {
        if (!double.IsFinite(loss)) throw new DivergenceException("the task", _points, "loss", loss);
        _owner.CopyParametersTo(_point);
        _owner.CopyGradientsTo(_point);
        _observer.Observe(_point.Shared, _point.SharedGradient, loss);
        _points++;
    }

    internal Contribution Contribute()
    {
        _owner.CopyParametersTo(_point);
        return _observer.Contribute(_point.Shared);
    }

    /// <summary>Frees the observer's memory.</summary>
    public void Dispose()
    {
        _owner.Close(this);
        _observer.Dispose();
        _point.Dispose();
    }
}
