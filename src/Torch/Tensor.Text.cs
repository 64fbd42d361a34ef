// Tensors as text.
using System.Globalization;
using System.Text;

namespace TorchSharp;

public enum TensorStringStyle { Metadata, Julia, Numpy, CSharp, Default }

public static partial class torch
{
    public static TensorStringStyle TensorStringStyle { get; set; } = TensorStringStyle.Julia;

    public const TensorStringStyle julia = TensorStringStyle.Julia, numpy = TensorStringStyle.Numpy, csharp = TensorStringStyle.CSharp;

    public static void set_printoptions(TensorStringStyle? style = null, string? floatFormat = null, int? linewidth = null, string? newLine = null, int? maxRows = null, int? maxColumns = null)
    {
        if (style is TensorStringStyle s) TensorStringStyle = s;
        if (floatFormat is not null) printFormat = floatFormat;
        if (newLine is not null) printNewLine = newLine;
        if (maxRows is int rows) printEdge = Math.Max(1, rows);
    }

    private static string printFormat = "g5", printNewLine = "\n";
    private static int printEdge = 1000;

    public partial class Tensor
    {
        /// <summary>Shape, type and device, for example "[2x3], type = Float32, device = cpu".</summary>
        public override string ToString() =>
            handle == 0 ? "[disposed]" : $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";

        public string ToString(bool disamb, string? fltFormat = null, int? width = null, CultureInfo? cultureInfo = null, string? newLine = null) =>
            disamb ? ToString(TensorStringStyle, fltFormat, width, cultureInfo, newLine) : ToString();

        /// <summary>With values: NumPy's nested brackets, below the metadata in the Julia style.</summary>
        public string ToString(TensorStringStyle style, string? fltFormat = null, int? width = null, CultureInfo? cultureInfo = null, string? newLine = null)
        {
            if (style == TensorStringStyle.Metadata || is_complex()) return ToString();
            newLine ??= printNewLine;
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var source = detach().cpu();
            var values = (is_floating_point() ? source.to(ScalarType.Float64) : source.to(ScalarType.Int64)).contiguous();
            var culture = cultureInfo ?? CultureInfo.InvariantCulture;
            var text = is_floating_point()
                ? Array.ConvertAll(values.data<double>().ToArray(), v => v.ToString(fltFormat ?? printFormat, culture))
                : Array.ConvertAll(values.data<long>().ToArray(), v => dtype == ScalarType.Bool ? (v != 0 ? "true" : "false") : v.ToString(culture));
            var pad = text.Length == 0 ? 0 : text.Max(s => s.Length);
            var (open, close) = style == TensorStringStyle.CSharp ? ("{", "}") : ("[", "]");
            var b = new StringBuilder();
            if (style is TensorStringStyle.Julia or TensorStringStyle.Default) b.Append(ToString()).Append(newLine);
            var position = 0;
            var sizes = shape;
            Write(0);
            return b.ToString();

            void Write(int d)
            {
                if (d == sizes.Length) { b.Append(sizes.Length == 0 ? text[position++] : text[position++].PadLeft(pad)); return; }
                b.Append(open);
                for (long i = 0; i < sizes[d]; i++)
                {
                    if (i > 0) b.Append(d == sizes.Length - 1 ? (style == TensorStringStyle.Numpy ? " " : ", ") : (style == TensorStringStyle.CSharp ? "," : "") + newLine + new string(' ', d + 1));
                    if (i >= printEdge) { b.Append("..."); Skip(d, sizes[d] - i); break; }
                    Write(d + 1);
                }
                b.Append(close);
            }

            void Skip(int d, long count)
            {
                for (var k = d + 1; k < sizes.Length; k++) count *= sizes[k];
                position += (int)count;
            }
        }
    }
}
