// Ten thousand calls of randomly chosen operations with random, mostly wrong, arguments: each returns or throws a managed
// exception that means something; none ends the process, reads beyond a tensor, or breaks what is called afterwards.
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Torch;

public class OpsFuzz
{
    // What changes the process for other tests, writes files, prints, or allocates by its arguments without bound.
    private static readonly HashSet<string> Excluded =
    [
        "save", "load", "Load", "Save", "print", "seed", "manual_seed", "set_rng_state", "set_default_dtype", "set_default_device", "set_default_tensor_type",
        "set_num_threads", "set_num_interop_threads", "set_printoptions", "use_deterministic_algorithms", "set_grad_enabled", "no_grad", "enable_grad", "inference_mode",
        "NewDisposeScope", "WrappedTensorDisposeScope", "InitializeDeviceType", "Dispose", "GetHashCode", "GetType", "ToString", "Equals", "set_detect_anomaly", "detect_anomaly",
    ];

    private static readonly Type[] Allowed =
    [
        typeof(ExternalException), typeof(ArgumentException), typeof(InvalidOperationException), typeof(IndexOutOfRangeException), typeof(NotSupportedException),
        typeof(FormatException), typeof(OverflowException), typeof(InvalidCastException), typeof(NotImplementedException),
    ];

    private static readonly MethodInfo[] Methods =
    [
        .. new[] { typeof(Tensor), typeof(torch), typeof(nn.functional), typeof(linalg), typeof(autograd), typeof(TensorExtensionMethods) }
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(m => !m.IsGenericMethod && !m.ReturnType.IsByRefLike && !Excluded.Contains(m.Name) && !m.Name.StartsWith("add_Disp", StringComparison.Ordinal))
            .Where(m => m.GetParameters().All(p => Known(p.ParameterType)))
            .OrderBy(m => m.DeclaringType!.FullName, StringComparer.Ordinal).ThenBy(m => m.ToString(), StringComparer.Ordinal),
    ];

    private static bool Known(Type t) => Sample(new Rng(0), t, () => null!) != null || t == typeof(Tensor) || Nullable.GetUnderlyingType(t) is { } u && Known(u);

    [SystemTorchFact]
    public void Ten_thousand_random_calls_end_in_a_result_or_in_a_managed_exception() => Run(new Rng(1), 10_000);

    [LongFact]
    public void A_hundred_thousand_more_do_too() => Run(new Rng(2), 100_000);

    private static void Run(Rng rng, int calls)
    {
        var log = Environment.GetEnvironmentVariable("RLLEAP_FUZZ_LOG");   // the last line names the call that ended the process
        var (returned, threw) = (0, 0);
        for (var i = 0; i < calls; i++)
        {
            using var scope = NewDisposeScope();
            var method = Methods[rng.NextInt(Methods.Length)];
            var parameters = method.GetParameters();
            var arguments = parameters.Select(p => Sample(rng, p.ParameterType, () => SomeTensor(rng))).ToArray();
            var target = method.IsStatic ? null : SomeTensor(rng);
            if (log is not null) File.WriteAllText(log, $"{i} {method.DeclaringType!.Name}.{method} on {target} with {string.Join("; ", arguments.Select(Describe))}");
            try
            {
                method.Invoke(target, arguments);
                returned++;
            }
            catch (TargetInvocationException e)
            {
                threw++;
                Assert.True(Allowed.Any(a => a.IsInstanceOfType(e.InnerException)), $"{method} on {target} with {string.Join("; ", arguments.Select(Describe))}: {e.InnerException}");
                Assert.False(string.IsNullOrWhiteSpace(e.InnerException!.Message));
            }
        }
        Assert.True(returned > calls / 20 && threw > calls / 20, $"{returned} calls returned and {threw} threw: the arguments are too wild or too tame");
        using var after = ones(2, 3) + 1;
        Assert.Equal(12f, after.sum().item<float>());
    }

    private static string Describe(object? o) => o switch { null => "null", System.Collections.IEnumerable e and not string => "[" + string.Join(",", e.Cast<object>().Select(Describe)) + "]", _ => o.ToString()! };

    private static object? Sample(Rng rng, Type type, Func<Tensor> tensor)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner) return rng.NextInt(3) == 0 ? null : Sample(rng, inner, tensor);
        if (type == typeof(Tensor)) return tensor();
        if (type == typeof(Scalar)) return rng.NextInt(2) == 0 ? (Scalar)(long)Integer(rng) : (Scalar)(rng.NextDouble() * 8 - 4);
        if (type == typeof(long)) return (long)Integer(rng);
        if (type == typeof(int)) return Integer(rng);
        if (type == typeof(bool)) return rng.NextInt(2) == 0;
        if (type == typeof(double)) return rng.NextDouble() * 4 - 1;
        if (type == typeof(float)) return (float)(rng.NextDouble() * 4 - 1);
        if (type == typeof(string)) return new[] { "ij,jk->ik", "ij->ji", "i,i", "cpu", "cuda:7", "nonsense", "->", "fro" }[rng.NextInt(8)];
        if (type == typeof(long[])) return Enumerable.Range(0, rng.NextInt(5)).Select(_ => (long)Integer(rng)).ToArray();
        if (type == typeof(int[])) return Enumerable.Range(0, rng.NextInt(5)).Select(_ => Integer(rng)).ToArray();
        if (type == typeof((long, long))) return ((long)Integer(rng), (long)Integer(rng));
        if (type == typeof((long, long, long, long))) return ((long)Integer(rng), (long)Integer(rng), (long)Integer(rng), (long)Integer(rng));
        if (type == typeof(Tensor[]) || type == typeof(IList<Tensor>) || type == typeof(IEnumerable<Tensor>)) return Enumerable.Range(0, rng.NextInt(4)).Select(_ => tensor()).ToArray();
        if (type == typeof(TensorIndex[])) return Enumerable.Range(0, rng.NextInt(4)).Select(_ => SomeIndex(rng, tensor)).ToArray();
        if (type == typeof(Size)) return new Size(Enumerable.Range(0, rng.NextInt(4)).Select(_ => (long)Integer(rng)));
        if (type == typeof(Device)) return rng.NextInt(4) switch { 0 => new Device("meta"), 1 => new Device("cuda:3"), _ => CPU };
        if (type == typeof(Generator)) return Generator.Default;
        if (type.IsEnum) return Enum.GetValues(type).GetValue(rng.NextInt(Enum.GetValues(type).Length));
        return null;
    }

    private static int Integer(Rng rng) => rng.NextInt(40) == 0 ? (rng.NextInt(2) == 0 ? 1000 : -1000) : rng.NextInt(9) - 3;

    private static TensorIndex SomeIndex(Rng rng, Func<Tensor> tensor) => rng.NextInt(6) switch
    {
        0 => TensorIndex.Ellipsis, 1 => TensorIndex.None, 2 => TensorIndex.Slice(Integer(rng), Integer(rng), rng.NextInt(2) == 0 ? null : Integer(rng)),
        3 => TensorIndex.Bool(rng.NextInt(2) == 0), 4 => TensorIndex.Tensor(tensor()), _ => TensorIndex.Single(Integer(rng)),
    };

    private static Tensor SomeTensor(Rng rng)
    {
        if (rng.NextInt(40) == 0) { var gone = ones(2); gone.Dispose(); return gone; }
        var shape = Enumerable.Range(0, rng.NextInt(5)).Select(_ => (long)(rng.NextInt(10) == 0 ? 0 : 1 + rng.NextInt(4))).ToArray();
        var type = new[] { float32, float32, float32, float64, int64, int64, int32, uint8, @bool, float16, bfloat16 }[rng.NextInt(11)];
        var values = Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => rng.NextDouble() * 9 - 3).ToArray();
        var result = tensor(values, shape, dtype: type, device: rng.NextInt(30) == 0 ? META : CPU);
        if (rng.NextInt(4) == 0 && result.ndim > 1) result = result.transpose(0, -1);
        if (rng.NextInt(4) == 0 && result.is_floating_point()) result.requires_grad = true;
        return result;
    }
}
