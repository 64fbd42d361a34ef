// Batch normalization (1d, 2d) and layer normalization.
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>What normalizing layers share: a scale and shift per feature, and running statistics as buffers.</summary>
        public abstract class NormBase : torch.nn.Module<Tensor, Tensor>
        {
            public NormBase(long num_features, double eps, double? momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype, string name) : base(name)
            {
                (this.num_features, this.eps, this.momentum, this.affine, this.track_running_stats) = (num_features, eps, momentum, affine, track_running_stats);
                if (affine)
                {
                    register_parameter(nameof(weight), torch.nn.Fresh(device, dtype, num_features));
                    register_parameter(nameof(bias), torch.nn.Fresh(device, dtype, num_features));
                }
                if (track_running_stats)
                {
                    register_buffer(nameof(running_mean), zeros([num_features], dtype: dtype, device: device).DetachFromDisposeScope());
                    register_buffer(nameof(running_var), ones([num_features], dtype: dtype, device: device).DetachFromDisposeScope());
                    register_buffer(nameof(num_batches_tracked), zeros(Array.Empty<long>(), dtype: ScalarType.Int64, device: device).DetachFromDisposeScope());
                }
                reset_parameters();
            }

            public long num_features { get; }
            public double eps { get; set; }

            /// <summary>The share of the newest batch in the running statistics; null for the plain average over all batches.</summary>
            public double? momentum { get; set; }
            public bool affine { get; }
            public bool track_running_stats { get; }

            public Parameter weight
            {
                get => _internal_params.TryGetValue(nameof(weight), out var value) ? value : null!;
                set => ConditionallyRegisterParameter(nameof(weight), value);
            }

            public Parameter? bias
            {
                get => _internal_params.TryGetValue(nameof(bias), out var value) ? value : null;
                set => ConditionallyRegisterParameter(nameof(bias), value);
            }

            public Tensor? running_mean { get => Buffer(nameof(running_mean)); set => ConditionallyRegisterBuffer(nameof(running_mean), value); }
            public Tensor? running_var { get => Buffer(nameof(running_var)); set => ConditionallyRegisterBuffer(nameof(running_var), value); }
            public Tensor? num_batches_tracked { get => Buffer(nameof(num_batches_tracked)); set => ConditionallyRegisterBuffer(nameof(num_batches_tracked), value); }

            public void reset_running_stats()
            {
                running_mean?.zero_();
                running_var?.fill_(1);
                num_batches_tracked?.zero_();
            }

            public void reset_parameters()
            {
                reset_running_stats();
                if (!affine) return;
                torch.nn.init.ones_(weight);
                torch.nn.init.zeros_(bias!);
            }

            protected abstract void ValidateInputDimensions(Tensor input);

            private Tensor? Buffer(string key) => _internal_buffers.TryGetValue(key, out var entry) ? entry.Item1 : null;
        }

        public abstract class BatchNorm : NormBase
        {
            public BatchNorm(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype, string name)
                : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name) { }

            public override Tensor forward(Tensor input)
            {
                ValidateInputDimensions(input);
                var (mean, var) = (running_mean, running_var);
                var factor = momentum ?? 0;
                if (training && num_batches_tracked is { } batches)
                {
                    batches.add_(1);
                    if (momentum is null) factor = 1.0 / batches.to(ScalarType.Float64).item<double>();
                }
                // In training the batch's own statistics normalize; without running ones they do so always.
                return F.batch_norm(input, mean, var, weight, bias, training || mean is null || var is null, factor, eps);
            }

            private protected static void Require(Tensor input, string axes, bool valid)
            {
                if (!valid) throw new ArgumentException($"expected {axes} input (got {input.ndim}D input)", nameof(input));
            }
        }

        /// <summary>Over [N, C] or [N, C, L].</summary>
        public sealed class BatchNorm1d : BatchNorm
        {
            internal BatchNorm1d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype)
                : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm1d)) { }
            protected override void ValidateInputDimensions(Tensor input) => Require(input, "2D or 3D", input.ndim is 2 or 3);
        }

        /// <summary>Over [N, C, H, W].</summary>
        public sealed class BatchNorm2d : BatchNorm
        {
            internal BatchNorm2d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype)
                : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm2d)) { }
            protected override void ValidateInputDimensions(Tensor input) => Require(input, "4D", input.ndim == 4);
        }

        /// <summary>Normalizes over the last axes, whose sizes are normalized_shape.</summary>
        public sealed class LayerNorm : torch.nn.Module<Tensor, Tensor>
        {
            internal LayerNorm(long[] normalized_shape, double eps, bool elementwise_affine, bool bias, Device? device, ScalarType? dtype) : base(nameof(LayerNorm))
            {
                (this.normalized_shape, this.eps, this.elementwise_affine) = (normalized_shape, eps, elementwise_affine);
                if (elementwise_affine) register_parameter(nameof(weight), torch.nn.Fresh(device, dtype, normalized_shape));
                if (elementwise_affine && bias) register_parameter(nameof(bias), torch.nn.Fresh(device, dtype, normalized_shape));
                reset_parameters();
            }

            public long[] normalized_shape { get; set; }
            public double eps { get; set; }
            public bool elementwise_affine { get; set; }

            public Parameter weight
            {
                get => _internal_params.TryGetValue(nameof(weight), out var value) ? value : null!;
                set => ConditionallyRegisterParameter(nameof(weight), value);
            }

            public Parameter? bias
            {
                get => _internal_params.TryGetValue(nameof(bias), out var value) ? value : null;
                set => ConditionallyRegisterParameter(nameof(bias), value);
            }

            public void reset_parameters()
            {
                if (weight is not null) torch.nn.init.ones_(weight);
                if (bias is not null) torch.nn.init.zeros_(bias);
            }

            public override Tensor forward(Tensor tensor) => F.layer_norm(tensor, normalized_shape, weight, bias, eps);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static BatchNorm1d BatchNorm1d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true,
                Device? device = null, ScalarType? dtype = null) => new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static BatchNorm2d BatchNorm2d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true,
                Device? device = null, ScalarType? dtype = null) => new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static LayerNorm LayerNorm(long[] normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true,
                Device? device = null, ScalarType? dtype = null) => new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

            public static LayerNorm LayerNorm(long normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true,
                Device? device = null, ScalarType? dtype = null) => new([normalized_shape], eps, elementwise_affine, bias, device, dtype);
        }
    }
}
