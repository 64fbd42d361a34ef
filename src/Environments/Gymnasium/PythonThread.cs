using System.Runtime.ExceptionServices;
using Python.Runtime;

namespace RlLeap.Environments.Gymnasium;

/// <summary>Runs one environment's Python calls, with a limit on their time.</summary>
/// <remarks>
/// A call that does not return cannot be interrupted, so that calls with a limit run on a thread of their own, which the caller gives up
/// waiting for: it keeps control and can save its run. Without a limit they run on the caller's thread and save two thread switches.
/// </remarks>
internal sealed class PythonThread : IDisposable
{
    private readonly string _id;
    private readonly TimeSpan _limit;
    private readonly SemaphoreSlim _work = new(0), _done = new(0);
    private readonly Thread? _thread;
    private Action? _action;
    private string _doing = "";
    private long _step;
    private ExceptionDispatchInfo? _error;
    private bool _lost;

    /// <param name="id">The environment, for messages.</param>
    /// <param name="limit">The longest that a call may take; zero: no limit.</param>
    public PythonThread(string id, TimeSpan limit)
    {
        (_id, _limit) = (id, limit);
        if (limit == TimeSpan.Zero) return;
        _thread = new Thread(Loop) { IsBackground = true, Name = $"python {id}" };
        _thread.Start();
    }

    /// <summary>Runs <paramref name="action"/>; it takes the GIL itself. Its exceptions come out here, Python's as ours.</summary>
    /// <param name="doing">What it does, for messages.</param>
    /// <param name="action">What to run.</param>
    /// <param name="step">Which vector step, where it is one.</param>
    /// <exception cref="EnvironmentHangException">It did not return in time; the environment is lost.</exception>
    public void Run(string doing, Action action, long step = 0)
    {
        if (_lost || PythonHost.Hung) throw new EnvironmentHangException($"{_id}: an environment hung before, Python cannot be used any more in this process. Start again and resume.");
        (_action, _doing, _step) = (action, doing, step);
        if (_thread is null)
        {
            Act(action);
            return;
        }
        _work.Release();
        if (!_done.Wait(_limit))
        {
            _lost = true;
            PythonHost.MarkHung();
            throw new EnvironmentHangException($"{_id}: {Where} did not return within {_limit.TotalSeconds:0.###} s (option timeout). " +
                "An environment inside this process cannot be stopped, so the process has to end; resume the run, with a longer timeout if the environment is only slow.");
        }
        if (_error is not { } error) return;
        _error = null;
        error.Throw();
    }

    private string Where => _step > 0 ? $"{_doing} {_step} after its last reset" : _doing;

    // Python's exceptions are read where they are caught: whoever waits may not be able to take the GIL.
    private void Act(Action action)
    {
        try { action(); }
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
            _work.Wait();
            if (_action is not { } action) break;
            if (gil is null && PythonEngine.IsInitialized)
            {
                gil = Py.GIL();
                state = PythonEngine.BeginAllowThreads();
            }
            try { Act(action); }
            catch (Exception e) { _error = ExceptionDispatchInfo.Capture(e); }
            _done.Release();
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
        _work.Release();
        if (!PythonHost.Hung) _thread.Join(TimeSpan.FromSeconds(5));
    }
}
