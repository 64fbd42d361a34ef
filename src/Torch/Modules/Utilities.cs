// torch.nn.utils: gradient clipping, and parameters as one vector.
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            /// <summary>
            /// Scales all gradients by one factor so that their joint norm is at most max_norm. Returns the norm before; parameters
            /// without gradient do not count.
            /// </summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using var _ = no_grad();
                using var scope = NewDisposeScope();
                var grads = Gradients(tensors);
                if (grads.Count == 0) return 0;
                var infinite = double.IsPositiveInfinity(norm_type);
                Tensor Norm(Tensor t) => infinite ? t.abs().max() : t.norm((float)norm_type);
                var norms = grads.ConvertAll(Norm);
                var total = norms.Count == 1 ? norms[0] : Norm(stack(norms.ConvertAll(n => n.to(norms[0].device))));
                var factor = (max_norm / (total + 1e-6)).clamp(max: 1.0);
                foreach (var grad in grads) grad.mul_(factor.to(grad.device));
                return total.to(ScalarType.Float64).item<double>();
            }

            /// <summary>Clamps every element of every gradient to ±clip_value.</summary>
            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using var _ = no_grad();
                using var scope = NewDisposeScope();
                foreach (var grad in Gradients(tensors)) grad.clamp_(-clip_value, clip_value);
            }

            /// <summary>All elements, one parameter after the other, as one new vector [total].</summary>
            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                return cat(tensors.Select(t => t.reshape(-1)).ToArray()).MoveToOuterDisposeScope();
            }

            /// <summary>Copies the vector's elements back into the parameters, in the same order.</summary>
            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using var _ = no_grad();
                using var scope = NewDisposeScope();
                var list = tensors.ToList();
                var total = list.Sum(t => t.numel());
                if (vec.numel() != total) throw new ArgumentException($"The vector has {vec.numel()} elements, the parameters have {total}.", nameof(vec));
                var offset = 0L;
                foreach (var parameter in list)
                {
                    parameter.copy_(vec.narrow(0, offset, parameter.numel()).reshape(parameter.shape));
                    offset += parameter.numel();
                }
            }

            private static List<Tensor> Gradients(IEnumerable<Parameter> tensors) => [.. tensors.Select(t => t.grad).OfType<Tensor>()];
        }
    }
}
