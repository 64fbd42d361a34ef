using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>Runs one environment's Python calls, with a limit on the time of each.</summary>
/// <remarks>
/// A call that does not return cannot be interrupted. So calls with a limit run on a thread of their own, whose waiter
/// gives it up when one takes too long: it keeps control and can save its run. Two changes of threads a call would cost
/// more than the bridge itself; whoever makes many calls therefore takes their loop to that thread
/// (<see cref="Watch"/>), where a call costs two writes to a field. Without a limit everything runs on the caller's
/// thread.
/// </remarks>
internal sealed class PythonThread : IDisposable
{
    /// <summary>What the first call does, for messages.</summary>
    public const string Making = "making it";

    private const long Outside = 0, GivenUp = -1;

    // How often a waiter looks; and how long a call may take once another environment has hung, which may keep the GIL
    // for ever.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100), Grace = TimeSpan.FromSeconds(1);

    private readonly string _id;
    private readonly TimeSpan _limit;
    // They do not spin: what is waited for may need the core
    private readonly AutoResetEvent _work = new(false), _done = new(false);
    private readonly Thread? _thread;
    private readonly Action _calling, _calledInTime;
    private Action? _action, _call;
    private string _doing = "";
    private long _step;
    private long _inside; // when the call that runs began (Stopwatch ticks), Outside or GivenUp
    private ExceptionDispatchInfo? _error;
    private bool _lost;

    /// <param name="id">The environment, for messages.</param>
    /// <param name="limit">The longest that a call may take; zero: no limit.</param>
    public PythonThread(string id, TimeSpan limit)
    {
        (_id, _limit, _calling, _calledInTime) = (id, limit, CallInTime, Call);
        if (limit == TimeSpan.Zero) return;
        _thread = new Thread(Loop) { IsBackground = true, Name = $"python {id}" };
        _thread.Start();
    }

    /// <summary>Makes a call; <paramref name="call"/> takes the GIL itself. Its exceptions come out here.</summary>
    /// <param name="doing">What it does, for messages.</param>
    /// <param name="call">What to run.</param>
    /// <param name="step">Which vector step, where it is one.</param>
    /// <exception cref="EnvironmentHangException">It did not return in time; the environment is lost.</exception>
    public void Run(string doing, Action call, long step = 0)
    {
        if (_lost || PythonHost.Hung) throw HungBefore();
        (_call, _doing, _step) = (call, doing, step);
        if (_thread is null) Call();
        else if (Thread.CurrentThread == _thread) CallInTime();
        else HandOver(_calling);
    }

    /// <summary>
    /// Runs <paramref name="work"/>, which makes many calls, on the thread that makes them. The limit is each call's,
    /// the time between them is free.
    /// </summary>
    /// <exception cref="EnvironmentHangException">One of its calls did not return in time; the thread and what it was
    /// doing are lost.</exception>
    public void Watch(Action work)
    {
        if (_thread is null || Thread.CurrentThread == _thread || PythonHost.Hung) work();
        else HandOver(work);
    }

    private void HandOver(Action action)
    {
        _action = action;
        _work.Set();
        while (!_done.WaitOne(_limit < Look ? _limit : Look))
        {
            var began = Volatile.Read(ref _inside);
            var otherHung = PythonHost.Hung && _limit > Grace;
            if (began == Outside || Stopwatch.GetElapsedTime(began) < (otherHung ? Grace : _limit)) continue;
            // Either the call returns or it is given up, never both: a thread that was given up does nothing more.
            if (Interlocked.CompareExchange(ref _inside, GivenUp, began) != began) continue;
            _lost = true;
            if (otherHung) throw HungBefore();
            var what = $"{_id}: {Where} did not return within {_limit.TotalSeconds:0.###} s (option timeout).";
            PythonHost.MarkHung(what);
            throw new EnvironmentHangException($"{what} " +
                "An environment inside this process cannot be stopped, so the process has to end; resume the run, with "
                + "a longer timeout if the environment is only slow.");
        }
        if (_error is not { } error) return;
        _error = null;
        error.Throw();
    }

    private EnvironmentHangException HungBefore() =>
        new($"{_id} is given up, because Python cannot be used any more in this process: {PythonHost.WhatHung} Resume "
            + "the run, with a longer timeout if that environment is only slow.");

    private string Where => _step > 0 ? $"{_doing} {_step} after its last reset" : _doing;

    private void CallInTime() => InTime(_calledInTime);

    private void InTime(Action call)
    {
        Volatile.Write(ref _inside, Stopwatch.GetTimestamp());
        try { call(); }
        finally
        {
            if (Interlocked.Exchange(ref _inside, Outside) == GivenUp) Thread.Sleep(Timeout.Infinite);
        }
    }

    // Python's exceptions are read where they are caught: whoever waits may not be able to take the GIL.
    private void Call()
    {
        try { _call!(); }
        catch (PythonException e)
        {
            using Py.GILState gil = Py.GIL();
            throw PythonHost.Translate(_id, Where, e);
        }
    }

    private void Loop()
    {
        // One Python thread state for the thread's life: making one costs more than taking the GIL.
        IntPtr state = 0;
        Py.GILState? gil = null;
        while (true)
        {
            _work.WaitOne();
            if (_action is not { } action) break;
            // Whoever hangs may have the GIL: it is waited for no longer than for a call.
            if (gil is null && PythonEngine.IsInitialized)
            {
                InTime(() =>
                {
                    gil = Py.GIL();
                    state = PythonEngine.BeginAllowThreads();
                });
            }
            try { action(); }
            catch (Exception e) { _error = ExceptionDispatchInfo.Capture(e); }
            _done.Set();
        }
        if (gil is null) return;
        PythonEngine.EndAllowThreads(state);
        gil.Dispose();
    }

    /// <summary>Ends the thread; a lost one stays behind and ends with the process.</summary>
    public void Dispose()
    {
        if (_thread is null || _lost) return;
        _action = null;
        _work.Set();
        if (!PythonHost.Hung && Thread.CurrentThread != _thread) _thread.Join(TimeSpan.FromSeconds(5));
    }
}
