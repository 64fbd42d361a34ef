// Dispose scopes: a stack per thread; a new tensor joins the innermost scope of the thread that makes it.
namespace TorchSharp;

public static partial class torch
{
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.NewDisposeScope();
    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.ThreadSingleton.CurrentDisposeScope;

    /// <summary>Runs <paramref name="expr"/> in a scope of its own, which only its result outlives.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}

/// <summary>Disposes the tensors made in it, save those moved out or detached.</summary>
public sealed class DisposeScope : IDisposable
{
    private readonly List<torch.Tensor> members = [];   // each knows its place: adding and removing cost no search
    private DisposeScopeManager? manager;

    internal DisposeScope(DisposeScopeManager manager) => (this.manager, OuterScope) = (manager, manager.CurrentDisposeScope);

    internal DisposeScope? OuterScope { get; set; }

    private DisposeScopeManager Manager => manager ?? throw new ObjectDisposedException(GetType().FullName);

    public IReadOnlyList<IDisposable> DisposablesView { get { _ = Manager; return members.ToArray(); } }
    public int DisposablesCount { get { _ = Manager; return members.Count; } }
    public bool Contains(IDisposable disposable) => disposable is torch.Tensor t && t.OwningDisposeScope == this;

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(OuterScope, disposable);
    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable => MoveToOther(OuterScope, first, second);
    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => MoveToOther(OuterScope, first, second, third);
    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(OuterScope, (IEnumerable<IDisposable>)disposables);
    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(OuterScope, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable { Move(scope, disposable); return disposable; }
    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope? scope, T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        Move(scope, first);
        Move(scope, second);
        return (first, second);
    }
    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope? scope, T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        Move(scope, first);
        Move(scope, second);
        Move(scope, third);
        return (first, second, third);
    }
    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);
    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables) Move(scope, disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable => MoveToOther(null, disposable);
    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable => MoveToOther(null, first, second);
    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => MoveToOther(null, first, second, third);
    public void Detach(params IDisposable[] disposables) => MoveToOther(null, (IEnumerable<IDisposable>)disposables);
    public void Detach(IEnumerable<IDisposable> disposables) => MoveToOther(null, disposables);

    public void Attach(IDisposable disposable) => Attach((IEnumerable<IDisposable>)[disposable]);
    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);
    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var statistics = Manager.StatisticsInstance;
        var result = new List<IDisposable>();
        foreach (var disposable in disposables)
        {
            if (disposable is not torch.Tensor tensor) throw new InvalidOperationException("DisposeScope can only manage Tensor or PackedSequence");
            if (tensor.OwningDisposeScope != this)
            {
                tensor.OwningDisposeScope?.Remove(tensor);
                Add(tensor);
                statistics.TensorStatistics.AttachedToScopeCount++;
            }
            result.Add(disposable);
        }
        return result;
    }

    public void DisposeEverything() => DisposeEverythingBut(Array.Empty<IDisposable>());
    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);
    public T DisposeEverythingBut<T>(T keep) where T : IDisposable { DisposeEverythingBut([keep]); return keep; }
    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut([first, second]);
        return (first, second);
    }
    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third) where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut([first, second, third]);
        return (first, second, third);
    }

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        _ = Manager;
        var keep = inKeep as ICollection<IDisposable> ?? inKeep.ToList();
        var kept = 0;
        for (var i = 0; i < members.Count; i++)
        {
            var tensor = members[i];
            if (keep.Count > 0 && keep.Any(k => ReferenceEquals(k, tensor)))
            {
                tensor.ScopeIndex = kept;
                members[kept++] = tensor;
            }
            else
            {
                tensor.DisposeInScope();
            }
        }
        members.RemoveRange(kept, members.Count - kept);
    }

    public void Dispose()
    {
        if (manager is null) return;
        DisposeEverything();
        manager.RemoveDisposeScope(this);
        manager = null;
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        _ = Manager;
        if (disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this) Remove(tensor);
    }

    internal void Add(torch.Tensor tensor)
    {
        tensor.OwningDisposeScope = this;
        tensor.ScopeIndex = members.Count;
        members.Add(tensor);
    }

    internal void Replace(torch.Tensor original, torch.Tensor replacement)
    {
        Remove(original);
        Add(replacement);
    }

    private void Remove(torch.Tensor tensor)
    {
        var last = members[^1];
        members[tensor.ScopeIndex] = last;
        last.ScopeIndex = tensor.ScopeIndex;
        members.RemoveAt(members.Count - 1);
        tensor.OwningDisposeScope = null;
    }

    /// <summary>A disposable that is not in this scope stays where it is.</summary>
    private void Move(DisposeScope? scope, IDisposable disposable)
    {
        var statistics = Manager.StatisticsInstance;
        if (disposable is not torch.Tensor tensor || tensor.OwningDisposeScope != this) return;
        Remove(tensor);
        if (scope is null) statistics.TensorStatistics.DetachedFromScopeCount++;
        else scope.Add(tensor);
    }
}

/// <summary>The scopes and the statistics of one thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? threadSingleton;

    internal static DisposeScopeManager ThreadSingleton => threadSingleton ??= new DisposeScopeManager();
    internal ThreadDisposeScopeStatistics StatisticsInstance { get; } = new();
    internal DisposeScope? CurrentDisposeScope { get; private set; }

    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.StatisticsInstance;

    internal DisposeScope NewDisposeScope() => CurrentDisposeScope = new DisposeScope(this);

    internal void Register(torch.Tensor tensor)
    {
        if (CurrentDisposeScope is { } scope)
        {
            StatisticsInstance.TensorStatistics.CreatedInScopeCount++;
            scope.Add(tensor);
        }
        else
        {
            StatisticsInstance.TensorStatistics.CreatedOutsideScopeCount++;
        }
    }

    internal void Disposing(torch.Tensor tensor)
    {
        if (tensor.OwningDisposeScope is null) StatisticsInstance.TensorStatistics.DisposedOutsideScopeCount++;
        else StatisticsInstance.TensorStatistics.DisposedInScopeCount++;
    }

    /// <summary>Scopes may be disposed out of order: the one below a disposed scope becomes its follower's outer scope.</summary>
    internal void RemoveDisposeScope(DisposeScope disposed)
    {
        if (CurrentDisposeScope == disposed) { CurrentDisposeScope = disposed.OuterScope; return; }
        for (var scope = CurrentDisposeScope; scope is not null; scope = scope.OuterScope)
            if (scope.OuterScope == disposed) { scope.OuterScope = disposed.OuterScope; return; }
    }
}

/// <summary>How many tensors one kind of object accounts for.</summary>
public class LifetimeStatistics
{
    public long CreatedOutsideScopeCount { get; internal set; }
    public long DisposedOutsideScopeCount { get; internal set; }
    public long CreatedInScopeCount { get; internal set; }
    public long DisposedInScopeCount { get; internal set; }
    public long AttachedToScopeCount { get; internal set; }
    public long DetachedFromScopeCount { get; internal set; }
    public long ThreadTotalLiveCount => CreatedInScopeCount - DisposedInScopeCount + CreatedOutsideScopeCount - DisposedOutsideScopeCount;

    public void Reset() => CreatedOutsideScopeCount = DisposedOutsideScopeCount = CreatedInScopeCount = DisposedInScopeCount =
        AttachedToScopeCount = DetachedFromScopeCount = 0;

    public override string ToString() =>
        $"ThreadTotalLiveCount: {ThreadTotalLiveCount}; CreatedOutsideScopeCount: {CreatedOutsideScopeCount}; DisposedOutsideScopeCount: {DisposedOutsideScopeCount}; " +
        $"CreatedInScopeCount: {CreatedInScopeCount}; DisposedInScopeCount: {DisposedInScopeCount}; AttachedToScopeCount: {AttachedToScopeCount}; DetachedFromScopeCount: {DetachedFromScopeCount}";
}

/// <summary>What this thread has made and disposed.</summary>
public class ThreadDisposeScopeStatistics
{
    public LifetimeStatistics TensorStatistics { get; } = new();
    public long CreatedOutsideScopeCount => TensorStatistics.CreatedOutsideScopeCount;
    public long DisposedOutsideScopeCount => TensorStatistics.DisposedOutsideScopeCount;
    public long CreatedInScopeCount => TensorStatistics.CreatedInScopeCount;
    public long DisposedInScopeCount => TensorStatistics.DisposedInScopeCount;
    public long AttachedToScopeCount => TensorStatistics.AttachedToScopeCount;
    public long DetachedFromScopeCount => TensorStatistics.DetachedFromScopeCount;
    public long ThreadTotalLiveCount => TensorStatistics.ThreadTotalLiveCount;
    public void Reset() => TensorStatistics.Reset();
    public override string ToString() => TensorStatistics.ToString();
}
