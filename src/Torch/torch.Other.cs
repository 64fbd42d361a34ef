// Functions over several tensors, torch.linalg, and the extension methods of tensors.
using System.Globalization;
using System.Text;
using static TorchSharp.Native;

namespace TorchSharp;

public static unsafe partial class torch
{
    public enum RoundingMode { None = 0, trunc = 1, floor = 2 }

    private static Tensor Join(ReadOnlySpan<Tensor> tensors, long dim, bool stack)
    {
        if (tensors.Length == 0) throw new ArgumentException("an empty list of tensors");
        Span<nint> handles = tensors.Length <= 64 ? stackalloc nint[tensors.Length] : new nint[tensors.Length];
        for (var i = 0; i < tensors.Length; i++) handles[i] = (tensors[i] ?? throw new ArgumentNullException(nameof(tensors))).H;
        fixed (nint* p = handles)
        {
            var result = stack ? rl_stack(new(p, handles.Length), dim) : rl_cat(new(p, handles.Length), dim);
            foreach (var t in tensors) GC.KeepAlive(t);
            return Tensor.New(result);
        }
    }

    private static Tensor[] ListOf(IEnumerable<Tensor> tensors) => tensors as Tensor[] ?? tensors.ToArray();

    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Join(ListOf(tensors), dim, false);
    public static Tensor cat(Tensor[] tensors, long dim = 0) => Join(tensors, dim, false);
    public static Tensor cat(ReadOnlySpan<Tensor> tensors, long dim = 0) => Join(tensors, dim, false);
    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);
    public static Tensor concat(Tensor[] tensors, long dim = 0) => cat(tensors, dim);
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Join(ListOf(tensors), dim, true);
    public static Tensor hstack(params Tensor[] tensors) => cat(tensors, tensors.Length > 0 && tensors[0].ndim > 1 ? 1 : 0);
    public static Tensor vstack(Tensor[] tensors)
    {
        using var scope = NewDisposeScope();
        return cat(Array.ConvertAll(tensors, t => t.ndim < 2 ? t.reshape(1, -1) : t)).MoveToOuterDisposeScope();
    }

    public static Tensor einsum(string equation, params Tensor[] tensors)
    {
        fixed (byte* e = Encoding.UTF8.GetBytes(equation + "\0"))
        fixed (nint* p = Handles(tensors))
            return Tensor.New(rl_einsum(e, new(p, tensors.Length)), tensors);
    }

    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij")
    {
        var list = ListOf(tensors);
        nint* output;
        fixed (byte* e = Encoding.UTF8.GetBytes(indexing + "\0"))
        fixed (nint* p = Handles(list))
            return Tensor.Many(rl_meshgrid(new(p, list.Length), e, (nint*)&output), output, list);
    }


    public static Tensor[] where(Tensor condition)
    {
        nint* list;
        return Tensor.Many(rl_where_(condition.H, (nint*)&list), list, condition);
    }

    public static Tensor norm(Tensor input) => input.norm();
    public static Tensor sum(Tensor input, ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => input.sum(dim.ToArray(), keepdim, type);
    public static Tensor softmax(Tensor input, int dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

    public static class linalg
    {
        public enum QRMode { Reduced = 0, Complete = 1, R = 2 }

        public static (Tensor Q, Tensor R) qr(Tensor input, QRMode mode = QRMode.Reduced)
        {
            nint* list;
            return Tensor.Pair(rl_linalg_qr(input.H, (long)mode, (nint*)&list), list, input);
        }

        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor input, bool fullMatrices = true)
        {
            nint* list;
            var r = Tensor.Many(rl_linalg_svd(input.H, fullMatrices, (nint*)&list), list, input);
            return (r[0], r[1], r[2]);
        }

        public static Tensor norm(Tensor input, long[]? dims = null, bool keepdim = false) => Norm(input, Sc.None, dims, keepdim);
        public static Tensor norm(Tensor input, double ord, long[]? dims = null, bool keepdim = false) => Norm(input, ord, dims, keepdim);
        public static Tensor norm(Tensor input, int ord, long[]? dims = null, bool keepdim = false) => Norm(input, (double)ord, dims, keepdim);
        public static Tensor norm(Tensor input, string ord, long[]? dims = null, bool keepdim = false)
        {
            fixed (byte* e = Encoding.UTF8.GetBytes(ord + "\0"))
            fixed (long* p = dims)
                return Tensor.New(rl_linalg_norm_str(input.H, e, new(p, dims), keepdim), input);
        }

        private static Tensor Norm(Tensor input, Sc ord, long[]? dims, bool keepdim)
        {
            fixed (long* p = dims) return Tensor.New(rl_linalg_norm(input.H, ord, new(p, dims), keepdim, -1), input);
        }

        public static Tensor vector_norm(Tensor input, double ord = 2d, long[]? dims = null, bool keepdim = false)
        {
            fixed (long* p = dims) return Tensor.New(rl_linalg_vector_norm(input.H, ord, new(p, dims), keepdim, -1), input);
        }

        public static Tensor inv(Tensor input) => Tensor.New(rl_linalg_inv(input.H), input);
        public static Tensor cholesky(Tensor input) => Tensor.New(rl_linalg_cholesky(input.H), input);
        public static Tensor solve(Tensor A, Tensor B, bool left = true) => Tensor.New(rl_linalg_solve(A.H, B.H, left), A, B);
        public static Tensor det(Tensor input) => input.det();
    }
}

public static partial class TensorExtensionMethods
{
    public static Modules.Parameter AsParameter(this torch.Tensor tensor) => new(tensor);

    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool or torch.ScalarType.QInt8 or torch.ScalarType.QUInt8 => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 or torch.ScalarType.QInt32 => 4,
        torch.ScalarType.Int64 or torch.ScalarType.Float64 or torch.ScalarType.ComplexFloat32 => 8,
        torch.ScalarType.ComplexFloat64 => 16,
        _ => throw new NotImplementedException($"the size of {type}"),
    };

    public static float ToSingle(this torch.Tensor value) => value.Scalar().ToSingle();
    public static double ToDouble(this torch.Tensor value) => value.Scalar().ToDouble();
    public static sbyte ToSByte(this torch.Tensor value) => value.Scalar().ToSByte();
    public static byte ToByte(this torch.Tensor value) => value.Scalar().ToByte();
    public static short ToInt16(this torch.Tensor value) => value.Scalar().ToInt16();
    public static int ToInt32(this torch.Tensor value) => value.Scalar().ToInt32();
    public static long ToInt64(this torch.Tensor value) => value.Scalar().ToInt64();
    public static bool ToBoolean(this torch.Tensor value) => value.Scalar().ToBoolean();
    public static Half ToHalf(this torch.Tensor value) => value.Scalar().ToHalf();
    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (a, b) => a * b);

    public static string str(this torch.Tensor tensor, string? fltFormat = null, int? width = null, string? newLine = null, CultureInfo? cultureInfo = null, TensorStringStyle style = TensorStringStyle.Default) =>
        tensor.ToString(style, fltFormat, width, cultureInfo, newLine);
    public static string npstr(this torch.Tensor tensor, string? fltFormat = "g5", int? width = 100, string? newLine = null, CultureInfo? cultureInfo = null) =>
        tensor.ToString(TensorStringStyle.Numpy, fltFormat, width, cultureInfo, newLine);
    public static string jlstr(this torch.Tensor tensor, string? fltFormat = null, int? width = null, string? newLine = null, CultureInfo? cultureInfo = null) =>
        tensor.ToString(TensorStringStyle.Julia, fltFormat, width, cultureInfo, newLine);
    public static torch.Tensor print(this torch.Tensor t, string? fltFormat = "g5", int? width = 100, string? newLine = null, CultureInfo? cultureInfo = null, TensorStringStyle style = TensorStringStyle.Default)
    {
        Console.WriteLine(t.ToString(style, fltFormat, width, cultureInfo, newLine));
        return t;
    }

    private static Scalar Scalar(this torch.Tensor value) =>
        value.numel() == 1 ? value.ToScalar() : throw new ArgumentException($"Number of elements in the tensor must be 1, not {value.numel()}.");
}
