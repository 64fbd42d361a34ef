using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RlLeap.Agents;

/// <summary>A convolution of images and the ReLU after it, forward and backward, in <see cref="Blocks"/>.</summary>
/// <remarks>
/// Images lie as pixels [N, H, W, C] of floats. So the inputs of one output are a few pieces of memory, which are
/// multiplied where they lie. A first layer's bytes become such an image one by one, in memory that stays in the cache.
/// What it is worth: benchmarks/README.md. Everything that does not fit goes to <c>F.conv2d</c>.
/// </remarks>
internal sealed unsafe class ImageConvolution
{
    private const int Wide = 32, Narrow = 16; // outputs in a block
    private const int Together = 8; // images whose input gradients are made at once
    private readonly int _filters, _channels, _kernel, _stride, _height, _width, _outHeight, _outWidth;

    /// <summary>Shapes of a convolution without padding; see <see cref="Fits"/>.</summary>
    /// <param name="filters">Of the outputs [N, H', W', filters].</param>
    /// <param name="channels">Of the images.</param>
    /// <param name="kernel">Its side.</param>
    /// <param name="stride">Pixels from one output to the next.</param>
    /// <param name="height">The images' height.</param>
    /// <param name="width">The images' width.</param>
    public ImageConvolution(long filters, long channels, long kernel, long stride, long height, long width)
    {
        (_filters, _channels, _kernel, _stride) = ((int)filters, (int)channels, (int)kernel, (int)stride);
        (_height, _width) = ((int)height, (int)width);
        (_outHeight, _outWidth) = ((_height - _kernel) / _stride + 1, (_width - _kernel) / _stride + 1);
    }

    private int Piece => _kernel * _channels; // inputs of an output that lie together
    private int Inputs => _kernel * Piece;
    private int Block => _filters == Narrow ? Narrow : Wide;
    private int Image => _height * _width * _channels;
    private int Places => _outHeight * _outWidth;

    /// <summary>Whether this machine can do these shapes, the input's gradient too where asked for.</summary>
    public bool Fits(bool inputGradient) =>
        Blocks.IsSupported
        && (_filters == Narrow ? Piece % Narrow == 0 : _filters % Wide == 0 && Piece % Blocks.Rows == 0)
        && (!inputGradient || (Piece % Wide == 0 && _stride * _channels >= Wide && _kernel >= _stride));

    /// <summary>Whether tensors can be read: planes of bytes or pixels of floats, and float32 weights.</summary>
    public bool Fits(Tensor input, Tensor weight) =>
        weight.dtype == ScalarType.Float32 && weight.device_type == DeviceType.CPU
        && input.device_type == DeviceType.CPU
        && input.dim() == 4 && input.size(0) > 0
        && input.size(0) <= int.MaxValue / sizeof(float) / Math.Max(Image, Places * _filters)
        && weight.stride(1) == 1 && weight.stride(3) == _channels
        && weight.stride(2) == Piece && weight.stride(0) == Inputs
        && (input.dtype == ScalarType.Byte ? input.is_contiguous()
            : input.dtype == ScalarType.Float32 && input.stride(1) == 1 && input.stride(3) == _channels
              && input.stride(2) == _width * _channels && input.stride(0) == Image);

    /// <summary>max(0, convolution) [N, H', W', F] for images that <see cref="Fits(Tensor, Tensor)"/>.</summary>
    /// <param name="input">Images.</param>
    /// <param name="weight">[F, C, K, K].</param>
    /// <param name="bias">[F].</param>
    /// <param name="scale">What weights are multiplied with.</param>
    public Tensor Forward(Tensor input, Tensor weight, Tensor bias, float scale)
    {
        var n = (int)input.size(0);
        var result = empty(n, _outHeight, _outWidth, _filters);
        using var weights = Take(Inputs * _filters);
        using var pixels = Take(input.dtype == ScalarType.Byte ? Image : 0);
        float** rows = stackalloc float*[2 * Blocks.Rows];
        float* b = Floats(bias), y = Floats(result);
        PixelLayouts.Pack(Floats(weight), weights.Data, _filters, Inputs, Block, scale);
        if (input.dtype != ScalarType.Byte) Convolve(Floats(input), weights.Data, b, y, n, rows);
        else
        {
            var x = Bytes(input);
            for (var i = 0; i < n; i++, x += Image, y += Places * _filters)
            {
                PixelLayouts.OfPlanes(x, pixels.Data, _channels, _height * _width);
                Convolve(pixels.Data, weights.Data, b, y, 1, rows);
            }
        }
        return result;
    }

    /// <summary>The gradients of weights [F, C, K, K], biases [F] and, where asked for, images [N, C, H, W].</summary>
    /// <param name="input">Images, as for the forward pass.</param>
    /// <param name="weight">[F, C, K, K].</param>
    /// <param name="units">What the forward pass returned [N, H', W', F].</param>
    /// <param name="gradient">Its gradient, in any layout: [N, H', W', F].</param>
    /// <param name="scale">What weights are multiplied with.</param>
    /// <param name="ofInput">Whether the images' gradient is wanted.</param>
    public (Tensor Weight, Tensor Bias, Tensor? Input) Gradients(
        Tensor input, Tensor weight, Tensor units, Tensor gradient, float scale, bool ofInput)
    {
        var n = (int)input.size(0);
        var (ofWeight, ofBias) = (empty(_filters, _kernel, _kernel, _channels), zeros(_filters));
        var ofImages = ofInput ? zeros(n, _height, _width, _channels) : null;
        using var even = gradient.contiguous();
        using var sums = Take(Inputs * _filters, clear: true);
        using var own = Take(Math.Min(n, Together) * Places * _filters);
        using var weights = Take(ofInput ? Inputs * _filters : 0);
        using var pixels = Take(input.dtype == ScalarType.Byte ? Image : 0);
        float** rows = stackalloc float*[2 * Blocks.Rows];
        float* g = Floats(even), u = Floats(units), ofB = Floats(ofBias);
        var ofX = ofImages is null ? null : Floats(ofImages);
        var x = Bytes(input);
        if (ofInput) PixelLayouts.PackForInputs(Floats(weight), weights.Data, _filters, Inputs, Wide, scale);
        for (var first = 0; first < n; first += Together)
        {
            var (count, size) = (Math.Min(Together, n - first), Places * _filters);
            Mask(g + (long)first * size, u + (long)first * size, own.Data, ofB, count * Places);
            for (var i = 0; i < count; i++)
            {
                var at = (long)(first + i) * Image;
                var image = (float*)x + at;
                if (input.dtype == ScalarType.Byte)
                    PixelLayouts.OfPlanes(x + at, image = pixels.Data, _channels, _height * _width);
                WeightGradient32(image, own.Data + i * size, sums.Data);
            }
            if (ofInput) OfInputs(own.Data, weights.Data, ofX + (long)first * Image, count, rows);
        }
        PixelLayouts.Unpack(sums.Data, Floats(ofWeight), _filters, Inputs, scale);
        return (ofWeight.permute(0, 3, 1, 2), ofBias, ofImages?.permute(0, 3, 1, 2));
    }

    // All outputs of n images, eight at a time; the last one may be made more than once.
    private void Convolve(float* x, float* weights, float* bias, float* y, int n, float** rows)
    {
        var terms = new Blocks.Terms(_kernel, Piece, _width * _channels);
        var outputs = rows + Blocks.Rows;
        var (walk, count) = (new Walk(x), n * Places);
        for (var place = 0; place < count; place += Blocks.Rows)
        {
            Fetch(x + Image, (int)((long)place * Image / Places), Blocks.Rows * Image / Places);
            for (var r = 0; r < Blocks.Rows; r++)
            {
                var left = place + r < count;
                rows[r] = left ? Next(ref walk) : rows[r - 1];
                outputs[r] = left ? y + (long)(place + r) * _filters : outputs[r - 1];
            }
            if (Block == Narrow) Blocks.LinearRelu16(rows, terms, weights, outputs, bias);
            else
                for (var f = 0; f < _filters; f += Wide, Move(outputs, Wide))
                    Blocks.LinearRelu32(rows, terms, weights + f * Inputs, outputs, bias + f);
        }
    }

    private void WeightGradient32(float* x, float* g, float* sums)
    {
        nint across = _stride * _channels, down = _stride * _width * _channels;
        var step = Block == Narrow ? Narrow : Blocks.Rows;
        for (var k = 0; k < Inputs; k += step)
        {
            Fetch(x + Image, (int)((long)k * Image / Inputs), step * Image / Inputs);
            var at = x + k / Piece * _width * _channels + k % Piece;
            if (Block == Narrow)
                Blocks.WeightGradient16(at, across, down, g, _outWidth, _outHeight, sums + k * _filters);
            else
                for (var f = 0; f < _filters; f += Wide)
                    Blocks.WeightGradient32(
                        at, across, down, g + f, _filters, _outWidth, _outHeight, sums + k * _filters + f);
        }
    }

    // Every output's gradient goes to the inputs it was made of. Outputs have different inputs in each 32 of a piece.
    private void OfInputs(float* g, float* weights, float* x, int n, float** rows)
    {
        var terms = new Blocks.Terms(1, _filters, 0);
        var inputs = rows + Blocks.Rows;
        var (walk, count) = (new Walk(x), n * Places);
        for (var place = 0; place < count; place += Blocks.Rows)
        {
            for (var r = 0; r < Blocks.Rows; r++)
            {
                var left = place + r < count;
                rows[r] = left ? g + (long)(place + r) * _filters : rows[r - 1];
                inputs[r] = left ? Next(ref walk) : inputs[r - 1];
            }
            for (var ky = 0; ky < _kernel; ky++, Move(inputs, _width * _channels - Piece))
                for (var k = 0; k < Piece; k += Wide, Move(inputs, Wide))
                    Blocks.Add32(rows, terms, weights + (ky * Piece + k) * _filters, inputs);
        }
    }

    // The images' places in the order of the outputs.
    private struct Walk(float* image)
    {
        public float* Image = image;
        public int Row, Column;
    }

    // Where the next output's inputs begin.
    private float* Next(ref Walk walk)
    {
        var at = walk.Image + (walk.Row * _width + walk.Column) * _stride * _channels;
        if (++walk.Column < _outWidth) return at;
        walk.Column = 0;
        if (++walk.Row < _outHeight) return at;
        walk.Row = 0;
        walk.Image += Image;
        return at;
    }

    private static void Move(float** rows, int by)
    {
        for (var r = 0; r < Blocks.Rows; r++) rows[r] += by;
    }

    // Asks for a share of the memory of the next image, which is larger than the cache is fast.
    private static void Fetch(float* image, int from, int count)
    {
        for (var k = from; k < from + count; k += 16) Sse.Prefetch1(image + k);
    }

    // Through the ReLU: own = gradient where the unit is above 0; and the sums of what is left.
    private void Mask(float* gradient, float* units, float* own, float* sums, int places)
    {
        for (var f = 0; f < _filters; f += Narrow)
        {
            var sum = Vector512.Load(sums + f);
            for (var i = (long)f; i < (long)places * _filters; i += _filters)
            {
                var on = Vector512.GreaterThan(Vector512.Load(units + i), Vector512<float>.Zero);
                var left = Vector512.Load(gradient + i) & on;
                left.Store(own + i);
                sum += left;
            }
            sum.Store(sums + f);
        }
    }

    // Where a tensor's values begin, in whatever order they lie.
    private static float* Floats(Tensor values) => (float*)Bytes(values);

    private static byte* Bytes(Tensor values)
    {
        using var plain = values.detach();
        using var ordered = plain.is_contiguous() ? plain.alias() : plain.permute(0, 2, 3, 1);
        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(ordered.bytes));
    }

    private static Scratch Take(int values, bool clear = false) => new(values, clear);

    // Memory for the length of a call.
    private readonly ref struct Scratch
    {
        public readonly float* Data;

        public Scratch(int values, bool clear)
        {
            Data = values == 0 ? null : (float*)NativeMemory.AlignedAlloc((nuint)values * sizeof(float), 64);
            if (clear) new Span<float>(Data, values).Clear();
        }

        public void Dispose() => NativeMemory.AlignedFree(Data);
    }
}
