namespace RlLeap.Environments;

/// <summary>Threads that run one piece of work over slices of 0 .. N-1, again and again, without allocating.</summary>
/// <remarks>
/// <para>Every thread has a stretch of its own, in pieces, so that its data stays in its cache; whoever is done early takes pieces of the others. A thread
/// that the system has put aside (a busy machine) therefore delays a step by one piece at most, not by its whole share.</para>
/// <para>Each index is handled by one thread, once; the results cannot depend on how many there are or on who took what.</para>
/// </remarks>
internal sealed class Crew : IDisposable
{
    private const int PiecesPerThread = 8;

    // A step of a vector takes some ten to hundred microseconds: waiting that long awake is cheaper than a wake-up, waiting longer is not.
    private const int SpinsBeforeSleep = 1_000;

    // Counters that different threads write lie this many ints apart: not in one cache line.
    private const int Apart = 32;

    private readonly int _count;
    private readonly int _threads;
    private readonly int _pieces; // per thread
    private readonly Action<int, int> _work;
    private readonly int[] _claimed;
    private readonly object _door = new();
    private int _done;
    private int _asleep;
    private Exception? _error;
    private volatile bool _stop;

    /// <param name="count">N.</param>
    /// <param name="threads">How many, the caller's own included; more than N are not started.</param>
    /// <param name="work">Called with (start, end) of a slice.</param>
    public Crew(int count, int threads, Action<int, int> work)
    {
        _count = count;
        _threads = Math.Min(threads, count);
        _pieces = Math.Min(PiecesPerThread, count / _threads);
        _work = work;
        _claimed = new int[_threads * Apart];
        Array.Fill(_claimed, _pieces);
        for (var i = 1; i < _threads; i++)
        {
            var own = i;
            new Thread(() => Serve(own)) { IsBackground = true, Name = $"environments {own}" }.Start();
        }
    }

    /// <summary>Runs the work over all of 0 .. N-1; returns when all is done. An error of the work, if any, is thrown then.</summary>
    public void Run()
    {
        if (_threads == 1)
        {
            _work(0, _count);
            return;
        }
        Volatile.Write(ref _done, 0);
        for (var i = 0; i < _threads; i++) Interlocked.Exchange(ref _claimed[i * Apart], 0);
        if (Volatile.Read(ref _asleep) > 0) lock (_door) Monitor.PulseAll(_door);
        while (WorkOnce(0)) { }
        var spin = new SpinWait();
        while (Volatile.Read(ref _done) < _threads * _pieces) spin.SpinOnce(sleep1Threshold: -1);
        if (Interlocked.Exchange(ref _error, null) is { } error) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
    }

    private void Serve(int own)
    {
        while (!_stop)
        {
            if (WorkOnce(own)) continue;
            var spins = 0;
            while (!HasWork() && spins++ < SpinsBeforeSleep && !_stop) Thread.SpinWait(8);
            if (spins <= SpinsBeforeSleep) continue;
            lock (_door)
            {
                Interlocked.Increment(ref _asleep);
                while (!HasWork() && !_stop) Monitor.Wait(_door);
                Interlocked.Decrement(ref _asleep);
            }
        }
    }

    private bool HasWork()
    {
        for (var i = 0; i < _threads; i++)
            if (Volatile.Read(ref _claimed[i * Apart]) < _pieces) return true;
        return false;
    }

    /// <summary>Does one piece, of its own stretch first; false when none is left.</summary>
    private bool WorkOnce(int own)
    {
        for (var i = 0; i < _threads; i++)
        {
            var stretch = (own + i) % _threads;
            ref var claimed = ref _claimed[stretch * Apart];
            if (Volatile.Read(ref claimed) >= _pieces) continue;
            // Claiming again what is used up, or claiming in a round that began meanwhile, is harmless: the number says which.
            var piece = Interlocked.Increment(ref claimed) - 1;
            if (piece >= _pieces) continue;
            Do(stretch * _pieces + piece);
            return true;
        }
        return false;
    }

    private void Do(long piece)
    {
        var all = _threads * _pieces;
        try
        {
            _work((int)(_count * piece / all), (int)(_count * (piece + 1) / all));
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _error, e, null);
        }
        Interlocked.Increment(ref _done);
    }

    public void Dispose()
    {
        _stop = true;
        lock (_door) Monitor.PulseAll(_door);
    }
}
