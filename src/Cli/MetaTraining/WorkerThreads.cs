// Work side by side on threads of this machine.
using System.Runtime.ExceptionServices;

namespace RlLeap.Cli.MetaTraining;

/// <summary>Runs independent pieces of work on threads, each with one intra-op thread.</summary>
public static class WorkerThreads
{
    /// <summary>Does every item; the first failure stops the rest and is thrown. On cancellation the running ones are asked to leave and OperationCanceledException is thrown.</summary>
    public static void ForEach<T>(IReadOnlyList<T> items, int workers, Action<T, CancellationToken> action, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Exception? failure = null;
        var next = -1;
        var threads = Enumerable.Range(0, Math.Min(items.Count, workers > 0 ? workers : Environment.ProcessorCount))
            .Select(i => new Thread(Work) { Name = $"worker-{i}", IsBackground = true }).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
        cancellation.ThrowIfCancellationRequested();

        void Work()
        {
            try
            {
                OperatorThreads.Apply();
                for (int i; !stop.IsCancellationRequested && (i = Interlocked.Increment(ref next)) < items.Count;) action(items[i], stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
            catch (Exception e)
            {
                if (Interlocked.CompareExchange(ref failure, e, null) is null) stop.Cancel();
            }
        }
    }
}
