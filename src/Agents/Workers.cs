// The threads of an agent on several cores, and the work they share.
using static TorchSharp.torch;

namespace RlLeap.Agents;

/// <summary>Threads that wait for the next piece of work; the caller's is worker 0.</summary>
internal sealed class Threads : ITeam, IDisposable
{
    // None that spins first: what is waited for needs the core.
    private readonly AutoResetEvent[] _starts;
    private readonly AutoResetEvent _done = new(false);
    private readonly Exception?[] _errors;
    private Action<int>? _work;
    private int _left;

    public Threads(int workers)
    {
        _errors = new Exception?[workers];
        _starts = [.. Enumerable.Range(0, workers).Select(_ => new AutoResetEvent(false))];
        for (var i = 1; i < workers; i++)
        {
            var own = i;
            new Thread(() => Serve(own)) { IsBackground = true, Name = $"agent {own}" }.Start();
        }
    }

    /// <inheritdoc/>
    public int Count => _starts.Length;

    /// <inheritdoc/>
    public void Run(Action<int> work)
    {
        _work = work;
        _left = _starts.Length;
        for (var i = 1; i < _starts.Length; i++) _starts[i].Set();
        Do(0);
        _done.WaitOne();
        var error = Array.Find(_errors, e => e is not null);
        Array.Clear(_errors);
        if (error is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
    }

    private void Serve(int own)
    {
        OperatorThreads.Apply();
        while (true)
        {
            _starts[own].WaitOne();
            if (_work is null) return;
            Do(own);
        }
    }

    private void Do(int own)
    {
        try { _work!(own); }
        catch (Exception e) { _errors[own] = e; }
        if (Interlocked.Decrement(ref _left) == 0) _done.Set();
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        _work = null;
        for (var i = 1; i < _starts.Length; i++) _starts[i].Set();
    }
}

/// <summary>Work that any of the workers may do once its owner has offered it, in the order of the offers: who is done first helps.</summary>
internal sealed class Pieces(int workers)
{
    private readonly Queue<Action> _open = [];
    private readonly bool[] _offered = new bool[workers];

    /// <summary>Every worker will make an offer.</summary>
    public void Expect()
    {
        _open.Clear();
        Array.Clear(_offered);
    }

    /// <summary>A worker's pieces, once; what it offers after that does not count.</summary>
    public void Offer(int worker, IReadOnlyList<Action> pieces)
    {
        lock (_open)
        {
            if (_offered[worker]) return;
            _offered[worker] = true;
            foreach (var piece in pieces) _open.Enqueue(piece);
            Monitor.PulseAll(_open);
        }
    }

    /// <summary>Does pieces until none is left and none will come.</summary>
    public void Work()
    {
        while (Next() is { } piece) piece();
    }

    private Action? Next()
    {
        lock (_open)
        {
            while (_open.Count == 0)
            {
                if (Array.TrueForAll(_offered, offered => offered)) return null;
                Monitor.Wait(_open);
            }
            return _open.Dequeue();
        }
    }
}
