// Tensors at their border with managed code: errors, shared memory, indexing, scopes, gradient modes, random state.
using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Torch;

public class TensorTests
{
    [Theory, InlineData("operator"), InlineData("matmul"), InlineData("mm"), InlineData("conv2d"), InlineData("index"), InlineData("dtype"), InlineData("backward"), InlineData("view"), InlineData("gather")]
    public void Libtorchs_refusals_are_external_exceptions_with_its_message_and_no_backtrace(string what)
    {
        if (what == "matmul" && TorchBackend.IsPackage) return;   // ends the process there
        using var scope = NewDisposeScope();
        var (a, b) = (ones(2, 3), ones(2, 4));
        Action call = what switch
        {
            "operator" => () => _ = a + b,
            "matmul" => () => a.matmul(b),
            "mm" => () => a.mm(b),
            "conv2d" => () => F.conv2d(ones(1, 3, 8, 8), ones(4, 2, 3, 3)),
            "index" => () => _ = a[2],
            "dtype" => () => arange(3).mean(),
            "backward" => () => a.requires_grad_().backward(),
            "view" => () => a.view(5),
            _ => () => a.gather(1, tensor(new long[] { 7 }, [1, 1])),
        };
        var e = Assert.ThrowsAny<ExternalException>(call);
        Assert.False(string.IsNullOrWhiteSpace(e.Message));
        if (!TorchBackend.IsPackage) Assert.DoesNotContain("frame #", e.Message);
    }

    [SystemTorchFact]
    public void An_unused_input_of_autograd_grad_is_an_exception_or_null()
    {
        using var scope = NewDisposeScope();
        var (x, unused) = (tensor(2.0, requires_grad: true), tensor(1.0, requires_grad: true));
        Assert.Throws<ExternalException>(() => autograd.grad([x * x], [unused]));
        Assert.Throws<ExternalException>(() => autograd.grad([x * x, unused.detach()], [x]));
        var grads = autograd.grad([x * x], [x, unused], allow_unused: true);
        Assert.Equal(4.0, grads[0].item<double>());
        Assert.Null(grads[1]);
    }

    [Fact]
    public void Use_after_dispose_is_an_invalid_operation()
    {
        var t = ones(2);
        t.Dispose();
        t.Dispose();
        Assert.True(t.IsInvalid);
        Assert.Equal("Tensor invalid -- empty handle.", Assert.Throws<InvalidOperationException>(() => t.sum()).Message);
        Assert.Throws<InvalidOperationException>(() => ones(2) + t);
        Assert.Throws<InvalidOperationException>(() => t.shape);
    }

    [Fact]
    public void Data_is_read_in_its_own_type_only()
    {
        using var t = ones(2);
        Assert.Throws<ArgumentException>(() => t.data<double>());
        Assert.Throws<ArgumentException>(() => t[0].item<int>());
        Assert.Throws<ArgumentException>(() => t.item<float>());
        Assert.Throws<InvalidOperationException>(() => { _ = ones(2, 3).transpose(0, 1).bytes; });
    }

    [Fact]
    public void A_wrong_number_of_values_is_an_argument_error() =>
        Assert.Throws<ArgumentException>(() => tensor(new float[] { 1, 2, 3 }, [2, 2]));

    [Fact]
    public void Cuda_without_cuda_is_an_invalid_operation()
    {
        if (cuda.is_available()) return;
        Assert.Throws<InvalidOperationException>(() => device("cuda"));
        Assert.Throws<InvalidOperationException>(() => ones(2).cuda());
        Assert.Throws<InvalidOperationException>(() => ones(2, device: new Device("cuda:1")));
        Assert.Equal(0, cuda.device_count());
    }

    [Fact]
    public void From_array_shares_the_memory_and_tensor_copies()
    {
        var values = new float[] { 1, 2, 3, 4 };
        using var shared = from_array(values);
        using var copied = tensor(values);
        using var buffer = frombuffer(values, float32, count: 2, offset: 2);
        using var converted = frombuffer(values, float64, offset: 1);
        values[2] = 7;
        Assert.Equal(7, shared[2].item<float>());
        Assert.Equal(3, copied[2].item<float>());
        Assert.Equal(7, buffer[0].item<float>());
        shared.mul_(2);
        Assert.Equal([2, 4, 14, 8], values);
        Assert.Equal([2.0, 3.0, 4.0], converted.data<double>().ToArray());
        Assert.Throws<IndexOutOfRangeException>(() => frombuffer(values, float32, count: 4, offset: 1));
        Assert.Throws<ArgumentException>(() => frombuffer(values, float32, offset: 4));
    }

    [SystemTorchFact]
    public void The_shared_array_is_released_with_the_last_tensor_over_it()
    {
        var (array, view) = Make();
        GC.Collect();
        Assert.True(array.IsAlive);
        Assert.Equal(5, view.item<float>());
        view.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(array.IsAlive);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static (WeakReference, Tensor) Make()
        {
            var values = new float[] { 5, 6 };
            using var whole = from_array(values);
            return (new WeakReference(values), whole[0]);
        }
    }

    [Fact]
    public void Accessors_follow_strides_and_write_in_place()
    {
        using var scope = NewDisposeScope();
        var t = arange(6, dtype: int32).view(2, 3);
        Assert.Equal([0, 3, 1, 4, 2, 5], t.transpose(0, 1).data<int>().ToArray());
        Assert.Equal(new[,] { { 0, 1, 2 }, { 3, 4, 5 } }, t.data<int>().ToNDArray());
        t.transpose(0, 1).data<int>()[2, 0] = 9;
        Assert.Equal(9, t[0, 2].item<int>());
        t.data<int>().CopyFrom([7, 8], 0, 4);
        Assert.Equal([0, 1, 9, 3, 7, 8], t.data<int>().ToArray());
        MemoryMarshal.Cast<byte, int>(t.bytes)[0] = 5;
        Assert.Equal(5, t[0, 0].item<int>());
        Assert.Throws<IndexOutOfRangeException>(() => t.data<int>()[2, 0]);
    }

    [Fact]
    public void Indices_read_and_write()
    {
        using var scope = NewDisposeScope();
        var t = arange(24).view(2, 3, 4);
        Assert.Equal([4, 2], t[1, 1..].transpose(0, 1)[.., ^2..].shape);
        Assert.Equal(23, t[^1, ^1, ^1].item<long>());
        Assert.Equal([2, 1, 3, 2], t[TensorIndex.Colon, TensorIndex.None, TensorIndex.Colon, TensorIndex.Slice(0, null, 2)].shape);
        t[0, 1] = tensor(new long[] { -1, -2, -3, -4 });
        t[t > 20] = 0L;
        t[1, .., 0] = 5L;
        Assert.Equal([0, 1, 2, 3, -1, -2, -3, -4, 8, 9, 10, 11, 5, 13, 14, 15, 5, 17, 18, 19, 5, 0, 0, 0], t.data<long>().ToArray());
        Assert.Throws<ExternalException>(() => t[TensorIndex.Slice(0, 2, -1)]);
    }

    [Fact]
    public void Kinds_of_numbers_follow_csharp_and_scalars_do_not_promote_floats()
    {
        using var scope = NewDisposeScope();
        Assert.Equal((ScalarType.Float64, ScalarType.Int32, ScalarType.Int64), (tensor(1.0).dtype, tensor(1).dtype, tensor(1L).dtype));
        Assert.Equal((ScalarType.Int64, ScalarType.Float32), (arange(5).dtype, arange(0.0, 1.0, 0.25).dtype));
        Assert.Equal(ScalarType.Float32, (ones(2) * 2.0).dtype);
        Assert.Equal(ScalarType.Float32, (arange(2) * 2.5).dtype);
        Assert.Equal(ScalarType.Int64, full(2, 3).dtype);
        Assert.Equal(3, (int)tensor(3.7));
        Assert.Equal(ScalarType.Float64, (1.5 + tensor(2.0)).dtype);
    }

    [Fact]
    public void A_generator_repeats_and_leaves_the_global_one_alone()
    {
        using var scope = NewDisposeScope();
        using var a = new Generator(3);
        using var b = new Generator(3);
        var first = rand(5, generator: a).data<float>().ToArray();
        Assert.Equal(first, rand(5, generator: b).data<float>().ToArray());
        Assert.Equal([0.0042635202f, 0.10556936f, 0.28584248f], first[..3]);   // PyTorch's sequence for seed 3
        var state = a.get_state();
        var next = randn([4], generator: a).data<float>().ToArray();
        a.set_state(state);
        Assert.Equal(next, randn([4], generator: a).data<float>().ToArray());
        Assert.Equal(Enumerable.Range(0, 9).Select(i => (long)i), randperm(9, generator: a).sort().Values.data<long>().ToArray());
        if (!TorchBackend.IsPackage) Assert.Throws<ExternalException>(() => a.set_state(ones(3))); // TorchSharp's own ends the process
    }

    [Fact]
    public void Gradient_modes_nest_and_restore()
    {
        using var x = ones(2, requires_grad: true);
        using (no_grad())
        {
            Assert.False((x * 2).requires_grad);
            using (enable_grad()) Assert.True((x * 2).requires_grad);
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        using (inference_mode()) Assert.False((x * 2).requires_grad);
        (x * x).sum().backward();
        (x * x).sum().backward();
        Assert.Equal([4, 4], x.grad!.data<float>().ToArray());
        x.grad = null;
        Assert.Null(x.grad);
        x.grad = full(2, 3f);
        Assert.Equal([3, 3], x.grad!.data<float>().ToArray());
    }

    [Fact]
    public void A_graph_is_freed_by_backward_unless_retained()
    {
        using var x = ones(2, requires_grad: true);
        using var y = (x * x).sum();
        y.backward(retain_graph: true);
        y.backward();
        Assert.Throws<ExternalException>(() => y.backward());
    }

    [Fact]
    public void Channels_last_strides_come_from_permute_and_are_kept_by_convolution()
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 3, 8, 8).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        Assert.Equal([192, 1, 24, 3], x.stride());
        var w = randn(4, 3, 3, 3);
        Assert.True(F.conv2d(x, w).allclose(F.conv2d(x.contiguous(), w), 1e-4, 1e-5));
    }

    [Fact]
    public void Text_shows_shape_type_device_and_values()
    {
        using var t = arange(6).view(2, 3);
        Assert.Equal("[2x3], type = Int64, device = cpu", t.ToString());
        Assert.Contains("5", t.ToString(TorchSharp.TensorStringStyle.Numpy));
    }
}
