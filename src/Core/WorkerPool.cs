using System.Runtime.ExceptionServices;

namespace RlLeap;

/// <summary>Threads that do numbered pieces of work: the one pool behind environments, agents and tasks.</summary>
/// <remarks>
/// <para>Pieces are begun in the order of their numbers, each once, by whichever thread is free. The caller's thread
/// works too. What a piece does must depend on its number alone; then no result depends on how many threads there
/// are.</para>
/// <para>When a piece fails, no further one is begun. All pieces with lower numbers have been begun by then and come to
/// their end, and the exception of the lowest number is thrown.</para>
/// <para>A pool does one run at a time, and a run does not allocate. Threads start with the pool; <see cref="Dispose"/>
/// ends them.</para>
/// </remarks>
public sealed class WorkerPool : IDisposable
{
    // Several slices for each thread: a thread that the system has put aside delays a run by one slice, not by its
    // whole share.
    private const int SlicesPerWorker = 8;

    private readonly int _spins;
    private readonly object _lock = new();
    private Action<int>? _work;
    private Action<int, int>? _slices; // or this, over _length
    private int _length;
    private int _count;   // pieces of this run
    private int _next;    // the first piece that nobody has begun
    private int _running; // pieces begun and not ended
    private int _failed;  // the lowest number of a piece that failed
    private ExceptionDispatchInfo? _error;
    private bool _stop;

    /// <summary>A pool.</summary>
    /// <param name="workers">How many threads work, the caller's own included; 0 stands for one a core.</param>
    /// <param name="name">Names the threads.</param>
    /// <param name="spins">
    /// How many rounds an idle thread waits awake before it sleeps. Where runs take some ten microseconds, waking up
    /// costs more than waiting. For longer runs use 0: the waiting would take the core from the thread that is waited
    /// for.
    /// </param>
    /// <param name="maxCount">Pieces of the longest run, if known: threads that would find nothing to do are not
    /// started.</param>
    public WorkerPool(int workers, string name, int spins = 0, int maxCount = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        (Workers, _spins) =
            (Math.Clamp(workers == 0 ? Environment.ProcessorCount : workers, 1, Math.Max(1, maxCount)), spins);
        for (var i = 1; i < Workers; i++) new Thread(Serve) { IsBackground = true, Name = $"{name} {i}" }.Start();
    }

    /// <summary>How many threads work, the caller's own included.</summary>
    public int Workers { get; }

    /// <summary>Calls <paramref name="work"/> with 0 .. <paramref name="count"/> - 1; returns when all ended.</summary>
    public void Run(int count, Action<int> work)
    {
        if (Workers == 1 || count == 1)
        {
            for (var i = 0; i < count; i++) work(i);
            return;
        }
        Begin(count, work, null, 0);
    }

    /// <summary>Calls <paramref name="work"/> with (start, end) of slices of 0 .. length - 1.</summary>
    public void RunSlices(int length, Action<int, int> work)
    {
        var count = Workers == 1 ? 1 : Math.Min(length, Workers * SlicesPerWorker);
        if (count <= 1) work(0, length);
        else Begin(count, null, work, length);
    }

    /// <summary>Calls <paramref name="work"/> with every item.</summary>
    /// <param name="items">Begun in this order.</param>
    /// <param name="work">Gets a token that asks it to leave when another piece has failed or
    /// <paramref name="cancellation"/> is cancelled.</param>
    /// <param name="cancellation">Asks the running pieces to leave; no further one is begun.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void ForEach<T>(IReadOnlyList<T> items, Action<T, CancellationToken> work, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Run(items.Count, i =>
        {
            // The caller's token first: while another thread cancels it, the linked one may still lag behind.
            if (cancellation.IsCancellationRequested || stop.IsCancellationRequested) return;
            try { work(items[i], stop.Token); }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            catch
            {
                stop.Cancel();
                throw;
            }
        });
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _stop = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void Begin(int count, Action<int>? work, Action<int, int>? slices, int length)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stop, this);
            if (_next < _count || _running > 0)
                throw new InvalidOperationException("The pool is at work; it does one run at a time.");
            (_work, _slices, _length) = (work, slices, length);
            (_failed, _error) = (int.MaxValue, null);
            (_count, _next) = (count, 0);
            Monitor.PulseAll(_lock);
        }
        WorkUntilNoneIsLeft();
        // Most often all have ended by now, or will in a moment.
        for (var spin = 0; spin < _spins && Volatile.Read(ref _running) > 0; spin++) Thread.SpinWait(8);
        ExceptionDispatchInfo? error;
        lock (_lock)
        {
            while (_running > 0) Monitor.Wait(_lock);
            error = _error;
            (_work, _slices, _error) = (null, null, null);
        }
        error?.Throw();
    }

    private void Serve()
    {
        OperatorThreads.ApplyIfLoaded();
        while (true)
        {
            WorkUntilNoneIsLeft();
            for (var spin = 0; spin < _spins && Volatile.Read(ref _next) >= Volatile.Read(ref _count); spin++)
                Thread.SpinWait(8);
            lock (_lock)
            {
                while (_next >= _count && !_stop) Monitor.Wait(_lock);
                if (_stop) return;
            }
        }
    }

    private void WorkUntilNoneIsLeft()
    {
        for (var piece = Claim(ended: false); piece >= 0; piece = Claim(ended: true))
        {
            try
            {
                if (_work is { } work) work(piece);
                else _slices!((int)((long)_length * piece / _count), (int)((long)_length * (piece + 1) / _count));
            }
            catch (Exception e) { Fail(piece, e); }
        }
    }

    // The next piece to do; -1 where none is left.
    private int Claim(bool ended)
    {
        lock (_lock)
        {
            if (ended) _running--;
            if (_next < _count)
            {
                _running++;
                return _next++;
            }
            if (ended && _running == 0) Monitor.PulseAll(_lock); // the caller waits for this
            return -1;
        }
    }

    private void Fail(int piece, Exception e)
    {
        lock (_lock)
        {
            if (piece < _failed) (_failed, _error) = (piece, ExceptionDispatchInfo.Capture(e));
            _next = _count;
        }
    }
}
