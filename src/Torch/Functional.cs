// torch.nn.functional.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public enum GridSampleMode { Nearest = 0, Bilinear = 2 }
    public enum GridSamplePaddingMode { Zeros = 0, Reflection = 1, Border = 2 }

    public static partial class nn
    {
        public enum Reduction { None = 0, Mean = 1, Sum = 2 }

        public static unsafe partial class functional
        {
            private static Tensor relu6_(Tensor x) => Tensor.New(rl_f_relu6(x.H), x);
            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) { fixed (long* p0 = strides) fixed (long* p1 = padding) fixed (long* p2 = dilation) return Tensor.New(rl_f_conv2d(input.H, weight.H, Tensor.Opt(bias), new(p0, strides), new(p1, padding), new(p2, dilation), groups), input, weight, bias); }
            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) => Tensor.New(rl_f_conv1d(input.H, weight.H, Tensor.Opt(bias), stride ?? long.MinValue, padding ?? long.MinValue, dilation ?? long.MinValue, groups), input, weight, bias);
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Tensor.New(rl_f_linear(input.H, weights.H, Tensor.Opt(bias)), input, weights, bias);
            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) { fixed (long* p0 = kernel_size) fixed (long* p1 = strides) fixed (long* p2 = padding) fixed (long* p3 = dilation) return Tensor.New(rl_f_max_pool2d(input.H, new(p0, kernel_size), new(p1, strides), new(p2, padding), new(p3, dilation), ceil_mode), input); }
            public static (Tensor Values, Tensor Indices) max_pool2d_with_indices(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) { nint* list; fixed (long* p0 = kernel_size) fixed (long* p1 = strides) fixed (long* p2 = padding) fixed (long* p3 = dilation) return Tensor.Pair(rl_f_max_pool2d_with_indices(input.H, new(p0, kernel_size), new(p1, strides), new(p2, padding), new(p3, dilation), ceil_mode, (nint*)&list), list, input); }
            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[]? stride = null, long[]? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) { fixed (long* p0 = kernel_size) fixed (long* p1 = stride) fixed (long* p2 = padding) return Tensor.New(rl_f_avg_pool2d(input.H, new(p0, kernel_size), new(p1, stride), new(p2, padding), ceil_mode, count_include_pad, divisor_override ?? long.MinValue), input); }
            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size) { fixed (long* p0 = output_size) return Tensor.New(rl_f_adaptive_avg_pool2d(input.H, new(p0, output_size)), input); }
            public static Tensor batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight = null, Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1e-5) => Tensor.New(rl_f_batch_norm(input.H, Tensor.Opt(running_mean), Tensor.Opt(running_var), Tensor.Opt(weight), Tensor.Opt(bias), training, momentum, eps), input, running_mean, running_var, weight, bias);
            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) { fixed (long* p0 = normalized_shape) return Tensor.New(rl_f_layer_norm(input.H, new(p0, normalized_shape), Tensor.Opt(weight), Tensor.Opt(bias), eps), input, weight, bias); }
            private static Tensor dropout_(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => Tensor.New(rl_f_dropout(input.H, p, training, inplace), input);
            private static Tensor gelu_with(Tensor x, long approximate) => Tensor.New(rl_f_gelu_with(x.H, approximate), x);
            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0.0) => Tensor.New(rl_f_cross_entropy(input.H, target.H, Tensor.Opt(weight), ignore_index, (long)reduction, label_smoothing), input, target, weight);
            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) => Tensor.New(rl_f_nll_loss(input.H, target.H, Tensor.Opt(weight), (long)reduction), input, target, weight);
            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Tensor.New(rl_f_mse_loss(input.H, target.H, (long)reduction), input, target);
            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Tensor.New(rl_f_l1_loss(input.H, target.H, (long)reduction), input, target);
            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1) => Tensor.New(rl_f_smooth_l1_loss(input.H, target.H, (long)reduction, beta), input, target);
            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1.0, Reduction reduction = Reduction.Mean) => Tensor.New(rl_f_huber_loss(input.H, target.H, delta, (long)reduction), input, target);
            public static Tensor binary_cross_entropy(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) => Tensor.New(rl_f_binary_cross_entropy(input.H, target.H, Tensor.Opt(weight), (long)reduction), input, target, weight);
            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) => Tensor.New(rl_f_binary_cross_entropy_with_logits(input.H, target.H, Tensor.Opt(weight), (long)reduction, Tensor.Opt(pos_weights)), input, target, weight, pos_weights);
            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) => Tensor.New(rl_f_kl_div(input.H, target.H, log_target, (long)reduction), input, target);
            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1L, double eps = 1e-12) => Tensor.New(rl_f_normalize(input.H, p, dim, eps), input);
            private static Tensor pad_mode(Tensor input, ReadOnlySpan<long> pad, long mode, double value) { fixed (long* p0 = pad) return Tensor.New(rl_f_pad_mode(input.H, new(p0, pad), mode, value), input); }
            private static Tensor grid_sampler(Tensor input, Tensor grid, long mode, long padding_mode, bool align_corners) => Tensor.New(rl_f_grid_sampler(input.H, grid.H, mode, padding_mode, align_corners), input, grid);
            private static Tensor affine_grid_generator(Tensor theta, ReadOnlySpan<long> size, bool align_corners) { fixed (long* p0 = size) return Tensor.New(rl_f_affine_grid_generator(theta.H, new(p0, size), align_corners), theta); }
            public static Tensor one_hot(Tensor x, long num_classes = -1) => Tensor.New(rl_f_one_hot(x.H, num_classes), x);
            internal static Tensor embedding_(Tensor weight, Tensor indices, long padding_idx, bool scale_grad_by_freq, bool sparse) => Tensor.New(rl_f_embedding(weight.H, indices.H, padding_idx, scale_grad_by_freq, sparse), weight, indices);
            private static Tensor im2col(Tensor input, ReadOnlySpan<long> kernel_size, ReadOnlySpan<long> dilation, ReadOnlySpan<long> padding, ReadOnlySpan<long> stride) { fixed (long* p0 = kernel_size) fixed (long* p1 = dilation) fixed (long* p2 = padding) fixed (long* p3 = stride) return Tensor.New(rl_f_im2col(input.H, new(p0, kernel_size), new(p1, dilation), new(p2, padding), new(p3, stride)), input); }

            // ---- other forms
            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_().alias() : x.relu();
            public static Tensor relu6(Tensor x, bool inplace = false) => inplace ? x.clamp_(0, 6).alias() : relu6_(x);
            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) => inplace ? input.leaky_relu_(negative_slope).alias() : input.leaky_relu(negative_slope);
            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => inplace ? x.elu_(alpha).alias() : x.elu(alpha);
            public static Tensor gelu(Tensor x) => gelu_with(x, 0);
            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_().alias() : x.silu();
            public static Tensor sigmoid(Tensor x) => x.sigmoid();
            public static Tensor sigmoid(Tensor x, bool inplace) => inplace ? x.sigmoid_().alias() : x.sigmoid();
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_().alias() : x.tanh();
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => x.softplus(beta, threshold);
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);
            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => dropout_(input, p, training, inplace);

            private static long[] Two((long, long) pair) => [pair.Item1, pair.Item2];
            private static long[]? Two((long, long)? pair) => pair is (long, long) p ? [p.Item1, p.Item2] : null;
            private static long[]? Two(long? value) => value is long v ? [v, v] : null;

            public static Tensor max_pool2d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                max_pool2d(input, [kernel_size, kernel_size], Two(stride), Two(padding), Two(dilation), ceil_mode);
            public static Tensor max_pool2d(Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, bool ceil_mode = false) =>
                max_pool2d(input, Two(kernel_size), Two(stride), Two(padding), Two(dilation), ceil_mode);
            public static Tensor avg_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(input, [kernel_size, kernel_size], Two(stride), [padding, padding], ceil_mode, count_include_pad, divisor_override);
            public static Tensor avg_pool2d(Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(input, Two(kernel_size), Two(stride), Two(padding), ceil_mode, count_include_pad, divisor_override);
            public static Tensor adaptive_avg_pool2d(Tensor input, (long, long) output_size) => adaptive_avg_pool2d(input, Two(output_size));
            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => adaptive_avg_pool2d(input, [output_size, output_size]);

            public static Tensor unfold(Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                im2col(input, [kernel_size, kernel_size], [dilation, dilation], [padding, padding], [stride, stride]);
            public static Tensor unfold(Tensor input, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) =>
                im2col(input, Two(kernel_size), Two(dilation ?? (1, 1)), Two(padding ?? (0, 0)), Two(stride ?? (1, 1)));

            /// <summary>Pads the last dimensions: (left, right) of the last, then (top, bottom) of the one before, and so on.</summary>
            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0)
            {
                var form = mode switch
                {
                    PaddingModes.Constant or PaddingModes.Zeros => 0, PaddingModes.Reflect => 1, PaddingModes.Replicate => 2, PaddingModes.Circular => 3,
                    _ => throw new ArgumentException($"{mode} is not a padding mode", nameof(mode)),
                };
                return pad_mode(input, pad, form, mode == PaddingModes.Zeros ? 0 : value);
            }

            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, (ReadOnlySpan<long>)pad, mode, value);
            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, (ReadOnlySpan<long>)[pad.Item1, pad.Item2], mode, value);
            public static Tensor pad(Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, (ReadOnlySpan<long>)[pad.Item1, pad.Item2, pad.Item3, pad.Item4], mode, value);
            public static Tensor pad(Tensor input, long pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, (ReadOnlySpan<long>)[pad, pad], mode, value);

            /// <summary>theta [N, 2, 3] and size (N, C, H, W) to a sampling grid [N, H, W, 2].</summary>
            public static Tensor affine_grid(Tensor theta, long[]? size = null, bool align_corners = false) => affine_grid_generator(theta, size, align_corners);

            /// <summary>Samples input [N, C, H, W] at grid [N, H', W', 2], whose entries are (x, y) in [-1, 1].</summary>
            public static Tensor grid_sample(Tensor input, Tensor grid, GridSampleMode mode = GridSampleMode.Bilinear, GridSamplePaddingMode padding_mode = GridSamplePaddingMode.Zeros, bool? align_corners = null) =>
                grid_sampler(input, grid, mode == GridSampleMode.Nearest ? 1 : 0, padding_mode switch { GridSamplePaddingMode.Border => 1, GridSamplePaddingMode.Reflection => 2, _ => 0 }, align_corners ?? false);
        }
    }
}

public enum PaddingModes { Zeros = 0, Reflect = 1, Replicate = 2, Circular = 3, Constant = 4 }
