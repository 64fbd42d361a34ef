// Dispose scopes and what they count; memory over a million steps.
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core.Torch;

[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class Alone;

public class ScopeTests
{
    [Fact]
    public void A_scope_disposes_what_was_made_in_it_save_what_left_it()
    {
        Tensor inner, moved, detached;
        using var outer = NewDisposeScope();
        using (var scope = NewDisposeScope())
        {
            inner = ones(2);
            moved = (inner + 1).MoveToOuterDisposeScope();
            detached = (inner + 2).DetachFromDisposeScope();
            Assert.Equal(1, scope.DisposablesCount);
            Assert.True(scope.Contains(inner) && outer.Contains(moved));
        }
        Assert.Equal((true, false, false), (inner.IsInvalid, moved.IsInvalid, detached.IsInvalid));
        outer.Dispose();
        Assert.Equal((true, false), (moved.IsInvalid, detached.IsInvalid));
        detached.Dispose();
    }

    [Fact]
    public void Scopes_may_be_disposed_out_of_order_and_twice()
    {
        var a = NewDisposeScope();
        var b = NewDisposeScope();
        var c = NewDisposeScope();
        var t = ones(1);
        b.Dispose();
        b.Dispose();
        c.MoveToOuter(t);
        Assert.True(a.Contains(t));
        c.Dispose();
        a.Dispose();
        Assert.True(t.IsInvalid);
        Assert.Throws<ObjectDisposedException>(() => a.DisposablesCount);
    }

    [Fact]
    public void A_scope_keeps_what_it_is_told_and_takes_what_is_attached()
    {
        var free = ones(1);
        using var scope = NewDisposeScope();
        var (kept, other) = (ones(1), ones(2));
        scope.Attach(free);
        scope.DisposeEverythingBut(kept, free);
        Assert.Equal((false, true, false), (kept.IsInvalid, other.IsInvalid, free.IsInvalid));
        Assert.Equal(2, scope.DisposablesCount);
        Assert.Equal(3, WrappedTensorDisposeScope(() => ones(3) + 0).sum().item<float>());
        Assert.Equal(4, scope.DisposablesCount);   // the two, the result, and its sum
        Assert.Throws<InvalidOperationException>(() => scope.Attach(new MemoryStream()));
    }

    [Fact]
    public void A_parameter_takes_its_tensors_place()
    {
        Tensor data;
        Parameter parameter;
        using (var scope = NewDisposeScope())
        {
            data = ones(2);
            parameter = new Parameter(data);
            Assert.True(data.IsInvalid && parameter.requires_grad && scope.Contains(parameter));
        }
        Assert.True(parameter.IsInvalid);
    }

    [Fact]
    public void Statistics_count_this_threads_tensors()
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        var a = ones(1);
        using (var scope = NewDisposeScope())
        {
            var b = a + 1;
            var c = (b + 1).DetachFromDisposeScope();
            Assert.Equal((1, 2, 1, 3), (statistics.CreatedOutsideScopeCount, statistics.CreatedInScopeCount,
                statistics.DetachedFromScopeCount, statistics.ThreadTotalLiveCount));
            c.Dispose();
        }
        a.Dispose();
        Assert.Equal((2, 1, 0),
            (statistics.DisposedOutsideScopeCount, statistics.DisposedInScopeCount, statistics.ThreadTotalLiveCount));
    }

    /// <summary>
    /// Tensors outside any scope: the collector disposes them. Directory.Build.targets tells what keeps them alive in a
    /// call.
    /// </summary>
    [LongFact]
    public void Temporaries_survive_a_collector_that_runs_all_the_time()
    {
        var stop = false;
        var collector = new Thread(() => { while (!Volatile.Read(ref stop)) GC.Collect(0); });
        collector.Start();
        using var x = ones(64, 64);
        for (var i = 0; i < 3000; i++) Assert.Equal(8192f, ((x + x) * 1f).exp().log().sum().item<float>(), 8f);
        Volatile.Write(ref stop, true);
        collector.Join();
    }
}

[Collection("alone")]
public class MemoryTests
{
    /// <summary>Forward, loss, backward, update of a small network, as a learner writes it.</summary>
    private static void Step(Parameter w, Parameter b, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        var loss = nn.functional.mse_loss(nn.functional.linear(x, w, b).tanh(), y);
        loss.backward();
        using (no_grad())
        {
            foreach (var p in new[] { w, b })
            {
                p.sub_(p.grad! * 0.01);
                p.grad = null;
            }
        }
    }

    private static void Train(int steps)
    {
        using var outside = NewDisposeScope();
        using var generator = new Generator(1);
        var (w, b) = (new Parameter(randn([4, 8], generator: generator)), new Parameter(zeros(4)));
        var (x, y) = (randn([16, 8], generator: generator), randn([16, 4], generator: generator));
        for (var i = 0; i < 2000; i++) Step(w, b, x, y);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var (live, resident) = (Tensor.TotalCount, Resident());
        for (var i = 0; i < steps; i++) Step(w, b, x, y);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(live, Tensor.TotalCount);
        Assert.InRange(Resident(), 0, (long)(resident * 1.05));
    }

    private static long Resident()
    {
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        return self.WorkingSet64;
    }

    [Fact]
    public void Five_thousand_small_training_steps_leave_no_tensor_behind() => Train(5_000);

    [LongFact]
    public void A_million_small_training_steps_leave_no_tensor_and_no_memory_behind() => Train(1_000_000);
}
