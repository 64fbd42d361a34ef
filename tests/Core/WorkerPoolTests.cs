// One pool for everybody: every piece once, the lowest failure, no more after it, and ready for the next run.
using Xunit;

namespace RlLeap.Tests.Core;

public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(4, 1000)]
    public void Every_piece_is_done_once_in_run_after_run(int workers, int spins)
    {
        using var pool = new WorkerPool(workers, "test", spins);
        for (var run = 0; run < 300; run++)
        {
            var done = new int[run % 40];
            pool.Run(done.Length, i => Interlocked.Increment(ref done[i]));
            Assert.All(done, count => Assert.Equal(1, count));
            var sliced = new int[run % 70 + 1];
            pool.RunSlices(sliced.Length, (start, end) =>
            {
                for (var i = start; i < end; i++) Interlocked.Increment(ref sliced[i]);
            });
            Assert.All(sliced, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Pieces_are_done_side_by_side_on_as_many_threads_as_there_are_workers()
    {
        using var pool = new WorkerPool(3, "test");
        using var all = new Barrier(3);
        var threads = new int[3];
        pool.Run(3, i =>
        {
            all.SignalAndWait(TimeSpan.FromMinutes(1));
            threads[i] = Environment.CurrentManagedThreadId;
        });
        Assert.Equal(3, threads.Distinct().Count());
        Assert.Contains(Environment.CurrentManagedThreadId, threads);
    }

    [Fact]
    public void The_failure_with_the_lowest_number_is_thrown_and_no_further_piece_is_begun()
    {
        using var pool = new WorkerPool(2, "test");
        for (var run = 0; run < 50; run++)
        {
            var begun = 0;
            using var both = new Barrier(2);
            var error = Assert.Throws<InvalidOperationException>(() => pool.Run(1000, i =>
            {
                Interlocked.Increment(ref begun);
                if (i is not (3 or 4)) return;
                both.SignalAndWait(TimeSpan.FromMinutes(1)); // both are at work
                if (i == 3) Thread.Sleep(1);
                throw new InvalidOperationException($"piece {i}");
            }));
            Assert.Equal("piece 3", error.Message);
            Assert.True(begun < 1000);
        }
    }

    [Fact]
    public void A_failure_asks_the_others_to_leave_and_a_cancellation_asks_all()
    {
        using var pool = new WorkerPool(2, "test");
        using var both = new Barrier(2);
        var failure =
            Assert.Throws<InvalidOperationException>(() => pool.ForEach(Enumerable.Range(0, 9).ToArray(), (i, stop) =>
            {
                if (i < 2) both.SignalAndWait(TimeSpan.FromMinutes(1));
                if (i == 1) throw new InvalidOperationException("one");
                stop.WaitHandle.WaitOne(TimeSpan.FromMinutes(1));
                stop.ThrowIfCancellationRequested();
            }, CancellationToken.None));
        Assert.Equal("one", failure.Message);

        using var cancelled = new CancellationTokenSource();
        var begun = 0;
        Assert.Throws<OperationCanceledException>(() => pool.ForEach(new int[9], (_, stop) =>
        {
            Interlocked.Increment(ref begun);
            cancelled.Cancel();
            stop.ThrowIfCancellationRequested();
        }, cancelled.Token));
        Assert.InRange(begun, 1, 2);
    }

    [Fact]
    public void A_run_does_not_allocate()
    {
        using var pool = new WorkerPool(2, "test");
        var done = 0;
        Action<int, int> work = (start, end) => Interlocked.Add(ref done, end - start);
        for (var i = 0; i < 100; i++) pool.RunSlices(64, work);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) pool.RunSlices(64, work);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
        Assert.Equal(64 * 1100, done);
    }

    [Fact]
    public void No_more_threads_start_than_find_work_and_none_after_the_end()
    {
        using var pool = new WorkerPool(8, "test", maxCount: 2);
        Assert.Equal(2, pool.Workers);
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(2, _ => { }));
    }
}
