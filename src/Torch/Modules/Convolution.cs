// Conv2d and the base it shares with TorchSharp's other convolutions.
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp
{
    /// <summary>Padding by rule: none, or as much as keeps the size at stride 1.</summary>
    public enum Padding
    {
        Valid = 0,
        Same = 1
    }

    namespace Modules
    {
        public abstract class Convolution : torch.nn.Module<Tensor, Tensor>
        {
            /// <summary>Padding before and after each spatial axis, last axis first: the order that functional.pad wants.</summary>
            protected long[] _reversed_padding_repeated_twice;

            private protected Convolution(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type,
                long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device? device, ScalarType? dtype) : base(name)
            {
                if (groups < 1 || in_channels % groups != 0) throw new ArgumentException($"in_channels ({in_channels}) must be divisible by groups ({groups}).", nameof(groups));
                if (out_channels % groups != 0) throw new ArgumentException($"out_channels ({out_channels}) must be divisible by groups ({groups}).", nameof(groups));
                (this.in_channels, this.out_channels, this.groups, this.padding_mode) = (in_channels, out_channels, groups, padding_mode);
                (this.kernel_size, this.stride, this.dilation, padding_type_) = (kernel_size, stride, dilation, padding_type);
                if (padding_type == Padding.Same && stride.Any(s => s != 1)) throw new ArgumentException("padding='same' is not supported for strided convolutions.", nameof(stride));

                // Under "same" an odd surplus goes behind, as in PyTorch.
                var surplus = kernel_size.Select((k, i) => padding_type == Padding.Same ? dilation[i] * (k - 1) : 0).ToArray();
                var before = kernel_size.Select((_, i) => padding_type is null ? padding[i] : surplus[i] / 2).ToArray();
                var after = kernel_size.Select((_, i) => padding_type is null ? padding[i] : surplus[i] - surplus[i] / 2).ToArray();
                _reversed_padding_repeated_twice = [.. Enumerable.Range(0, kernel_size.Length).Reverse().SelectMany(i => new[] { before[i], after[i] })];
                this.padding = padding_type is null ? padding : null;
                _symmetric = before.SequenceEqual(after) ? before : null;

                register_parameter(nameof(weight), torch.nn.Fresh(device, dtype, [out_channels, in_channels / groups, .. kernel_size]));
                if (bias) register_parameter(nameof(bias), torch.nn.Fresh(device, dtype, out_channels));
                reset_parameters();
            }

            private readonly long[]? _symmetric;
            private readonly Padding? padding_type_;

            public Parameter weight
            {
                get => _internal_params[nameof(weight)];
                set => ConditionallyRegisterParameter(nameof(weight), value ?? throw new ArgumentNullException(nameof(weight)));
            }

            public Parameter? bias
            {
                get => _internal_params.TryGetValue(nameof(bias), out var value) ? value : null;
                set => ConditionallyRegisterParameter(nameof(bias), value);
            }

            public long in_channels { get; }
            public long out_channels { get; }
            public Padding? padding_type => padding_type_;
            public long[]? padding { get; }
            public PaddingModes padding_mode { get; set; }
            public long groups { get; set; }
            public long[] kernel_size { get; set; }
            public long[] stride { get; set; }
            public long[] dilation { get; set; }

            public void reset_parameters() => torch.nn.Kaiming(weight, bias);

            /// <summary>What the convolution still has to pad by itself, and the input that has the rest around it (the same object where there is none).</summary>
            private protected (Tensor input, long[] padding) Pad(Tensor input)
            {
                if (padding_mode == PaddingModes.Zeros && _symmetric is not null) return (input, _symmetric);
                var mode = padding_mode == PaddingModes.Zeros ? PaddingModes.Constant : padding_mode;
                return (F.pad(input, _reversed_padding_repeated_twice, mode), new long[kernel_size.Length]);
            }
        }

        /// <summary>2D convolution, [N, C, H, W] or [C, H, W].</summary>
        public sealed class Conv2d : Convolution
        {
            internal Conv2d(long in_channels, long out_channels, long[] kernel_size, long[]? stride, long[]? padding, Padding? padding_type, long[]? dilation,
                PaddingModes padding_mode, long groups, bool bias, Device? device, ScalarType? dtype)
                : base(nameof(Conv2d), in_channels, out_channels, kernel_size, stride ?? [1, 1], padding ?? [0, 0], padding_type, dilation ?? [1, 1],
                       groups, bias, padding_mode, device, dtype) { }

            public override Tensor forward(Tensor input)
            {
                if (input.ndim is not (3 or 4))
                    throw new ArgumentException($"Expected 3D (unbatched) or 4D (batched) input with {in_channels} channels to Conv2d, got {input.ndim} axes.", nameof(input));
                var (padded, padding) = Pad(input);
                var result = F.conv2d(padded, weight, bias, stride, padding, dilation, groups);
                if (!ReferenceEquals(padded, input)) padded.Dispose();
                return result;
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1,
                PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), Pair(padding), null, Pair(dilation), padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null,
                (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), Pair(padding), null, Pair(dilation), padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1,
                PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), null, padding, Pair(dilation), padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, Padding padding, (long, long)? stride = null,
                (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), null, padding, Pair(dilation), padding_mode, groups, bias, device, dtype);
        }
    }
}
