namespace RlLeap.Environments;

/// <summary>A fixed number of threads that run one piece of work over slices of 0 .. N-1, again and again, without allocating.</summary>
/// <remarks>Slices are contiguous and each index is handled by one thread alone, so results cannot depend on the number of threads.</remarks>
internal sealed class Crew : IDisposable
{
    // A vector step takes some hundred microseconds: waiting that long awake is cheaper than a wake-up, waiting longer is not.
    private const int SpinsBeforeSleep = 2_000;

    private readonly int _count;
    private readonly int _threads;
    private readonly Action<int, int> _work;
    private readonly Exception?[] _errors;
    private readonly object _door = new();
    private int _round;
    private int _busy;
    private int _asleep;
    private volatile bool _stop;

    /// <param name="count">N.</param>
    /// <param name="threads">How many, the caller's own included; more than N are not started.</param>
    /// <param name="work">Called with (start, end) of a slice.</param>
    public Crew(int count, int threads, Action<int, int> work)
    {
        _count = count;
        _threads = Math.Min(threads, count);
        _work = work;
        _errors = new Exception?[_threads];
        for (var i = 1; i < _threads; i++)
        {
            var slice = i;
            new Thread(() => Serve(slice)) { IsBackground = true, Name = $"environments {slice}" }.Start();
        }
    }

    /// <summary>Runs the work over all slices; returns when the last is done. The first slice's error, if any, is thrown.</summary>
    public void Run()
    {
        if (_threads > 1)
        {
            Volatile.Write(ref _busy, _threads - 1);
            Interlocked.Increment(ref _round);
            if (Volatile.Read(ref _asleep) > 0) lock (_door) Monitor.PulseAll(_door);
        }
        Work(0);
        var spin = new SpinWait();
        while (Volatile.Read(ref _busy) > 0) spin.SpinOnce(sleep1Threshold: -1);
        foreach (var error in _errors)
            if (error is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
    }

    private void Serve(int slice)
    {
        var seen = 0;
        while (true)
        {
            for (var spins = 0; Volatile.Read(ref _round) == seen && spins < SpinsBeforeSleep && !_stop; spins++) Thread.SpinWait(8);
            if (Volatile.Read(ref _round) == seen)
            {
                lock (_door)
                {
                    Interlocked.Increment(ref _asleep);
                    while (Volatile.Read(ref _round) == seen && !_stop) Monitor.Wait(_door);
                    Interlocked.Decrement(ref _asleep);
                }
            }
            if (_stop) return;
            seen = Volatile.Read(ref _round);
            Work(slice);
            Interlocked.Decrement(ref _busy);
        }
    }

    private void Work(int slice)
    {
        _errors[slice] = null;
        try
        {
            _work((int)((long)_count * slice / _threads), (int)((long)_count * (slice + 1) / _threads));
        }
        catch (Exception e)
        {
            _errors[slice] = e;
        }
    }

    public void Dispose()
    {
        _stop = true;
        lock (_door) Monitor.PulseAll(_door);
    }
}
