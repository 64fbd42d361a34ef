// Linear and Embedding.
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>y = x Wᵀ + b over the last axis: [..., in_features] to [..., out_features].</summary>
        public sealed class Linear : torch.nn.Module<Tensor, Tensor>
        {
            internal Linear(long inputSize, long outputSize, bool hasBias, Device? device, ScalarType? dtype) : base(nameof(Linear))
            {
                (in_features, out_features) = (inputSize, outputSize);
                register_parameter(nameof(weight), torch.nn.Fresh(device, dtype, outputSize, inputSize));
                if (hasBias) register_parameter(nameof(bias), torch.nn.Fresh(device, dtype, outputSize));
                torch.nn.Kaiming(weight, bias);
            }

            internal Linear(Parameter weight, Parameter? bias) : base(nameof(Linear))
            {
                (out_features, in_features) = (weight.size(0), weight.size(1));
                this.weight = weight;
                this.bias = bias;
            }

            public long in_features { get; set; }
            public long out_features { get; set; }

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

            public override Tensor forward(Tensor tensor) => F.linear(tensor, weight, bias);
        }

        /// <summary>A table of vectors: int64 indices [...] to rows [..., embedding_dims].</summary>
        public sealed class Embedding : torch.nn.Module<Tensor, Tensor>
        {
            private readonly long? _paddingIndex;
            private readonly double? _maxNorm;
            private readonly double _normType;

            internal Embedding(Parameter weight, long? padding_idx, double? max_norm, double norm_type, bool scale_grad_by_freq, bool sparse) : base(nameof(Embedding))
            {
                if (scale_grad_by_freq || sparse)
                    throw new NotSupportedException("Embedding: scale_grad_by_freq and sparse are not part of the system back end; leave both false.");
                var rows = weight.size(0);
                if (padding_idx >= rows || padding_idx < -rows)
                    throw new ArgumentOutOfRangeException(nameof(padding_idx), $"padding_idx {padding_idx} is not a row of a table with {rows} rows.");
                _paddingIndex = padding_idx < 0 ? padding_idx + rows : padding_idx;
                (_maxNorm, _normType) = (max_norm, norm_type);
                register_parameter(nameof(weight), weight);
            }

            public Parameter? weight
            {
                get => _internal_params[nameof(weight)];
                set => ConditionallyRegisterParameter(nameof(weight), value ?? throw new ArgumentNullException(nameof(weight)));
            }

            public override Tensor forward(Tensor input)
            {
                using var scope = NewDisposeScope();
                var table = weight!;
                var index = input.reshape(-1);
                if (_maxNorm is { } most) Renormalize(table, index, most);
                var rows = table.index_select(0, index);
                // The row of the padding index is read like any other but learns nothing.
                if (_paddingIndex is { } padding) rows = torch.where(index.eq(padding).unsqueeze(-1), rows.detach(), rows);
                return rows.reshape([.. input.shape, table.size(1)]).MoveToOuterDisposeScope();
            }

            // Rows about to be read that are longer than max_norm are shortened to it, in the table itself.
            private void Renormalize(Tensor table, Tensor index, double most)
            {
                using var _ = no_grad();
                var rows = table.index_select(0, index);
                var norms = rows.norm(1, true, (float)_normType);
                var factors = (most / (norms + 1e-7)).clamp(max: 1);
                table.index_put_(rows * factors, index);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, outputSize, hasBias, device, dtype);

            public static Linear Linear(Parameter weight, Parameter? bias = null) => new(weight, bias);

            public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null,
                double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null)
            {
                var weight = Fresh(device, dtype, num_embeddings, embedding_dims);
                init.normal_(weight);
                var module = new Embedding(weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
                if (padding_idx is { } padding)
                {
                    using var _ = no_grad();
                    using var row = weight.select(0, padding);
                    row.zero_();
                }
                return module;
            }

            public static Embedding Embedding_from_pretrained(Tensor embeddings, bool freeze = true, long? padding_idx = null, double? max_norm = null,
                double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null)
            {
                if (embeddings.ndim != 2) throw new ArgumentException($"Embeddings have two axes, not {embeddings.ndim}.", nameof(embeddings));
                using var _ = no_grad();
                var copy = embeddings.to(dtype ?? embeddings.dtype, device ?? embeddings.device, copy: true);
                var weight = (Parameter)new Parameter(copy, !freeze).DetachFromDisposeScope();
                return new(weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
            }

            /// <summary>An uninitialized parameter that belongs to a module, not to the caller's dispose scope.</summary>
            internal static Parameter Fresh(Device? device, ScalarType? dtype, params long[] shape) =>
                (Parameter)new Parameter(empty(shape, dtype: dtype, device: device)).DetachFromDisposeScope();

            /// <summary>PyTorch's default for linear and convolution layers: weight, then bias, each uniform in ±1/√fan_in.</summary>
            internal static void Kaiming(Tensor weight, Tensor? bias)
            {
                init.kaiming_uniform_(weight, Math.Sqrt(5));
                if (bias is null) return;
                var (fanIn, _) = init.CalculateFanInAndFanOut(weight);
                var bound = fanIn > 0 ? 1 / Math.Sqrt(fanIn) : 0;
                init.uniform_(bias, -bound, bound);
            }
        }
    }
}
