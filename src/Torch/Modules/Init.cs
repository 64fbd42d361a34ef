// torch.nn.init: initializers. Each fills its tensor in place, outside autograd, and returns it; the draws are PyTorch's, bit for bit.

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class init
        {
            public enum NonlinearityType { Linear, Conv1D, Conv2D, Conv3D, ConvTranspose1D, ConvTranspose2D, ConvTranspose3D, Sigmoid, Tanh, ReLU, LeakyReLU }

            public enum FanInOut { FanIn, FanOut }

            /// <summary>The factor by which a nonlinearity shrinks a signal's standard deviation; param is LeakyReLU's negative slope.</summary>
            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3.0,
                NonlinearityType.ReLU => Math.Sqrt(2.0),
                NonlinearityType.LeakyReLU => Math.Sqrt(2.0 / (1 + param * param)),
                _ => 1,
            };

            public static Tensor ones_(Tensor tensor) => constant_(tensor, 1);
            public static Tensor zeros_(Tensor tensor) => constant_(tensor, 0);

            public static Tensor constant_(Tensor tensor, Scalar val)
            {
                using var _ = no_grad();
                tensor.fill_(val);
                return tensor;
            }

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator? generator = null)
            {
                using var _ = no_grad();
                tensor.uniform_(low, high, generator);
                return tensor;
            }

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator? generator = null)
            {
                using var _ = no_grad();
                tensor.normal_(mean, std, generator);
                return tensor;
            }

            /// <summary>He et al. 2015: uniform in ±gain·√(3/fan); a is the negative slope of the leaky ReLU that follows.</summary>
            public static Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                var bound = Math.Sqrt(3.0) * KaimingStd(tensor, a, mode, nonlinearity);
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>He et al. 2015: normal with standard deviation gain/√fan.</summary>
            public static Tensor kaiming_normal_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, KaimingStd(tensor, a, mode, nonlinearity));

            /// <summary>Glorot and Bengio 2010: uniform in ±gain·√(6/(fan_in+fan_out)).</summary>
            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1.0)
            {
                var bound = Math.Sqrt(3.0) * XavierStd(tensor, gain);
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>Glorot and Bengio 2010: normal with standard deviation gain·√(2/(fan_in+fan_out)).</summary>
            public static Tensor xavier_normal_(Tensor tensor, double gain = 1.0) => normal_(tensor, 0, XavierStd(tensor, gain));

            /// <summary>Saxe et al. 2013: rows (or columns, where there are fewer) orthonormal times gain, over [size 0, the rest].</summary>
            public static Tensor orthogonal_(Tensor tensor, double gain = 1.0)
            {
                if (tensor.ndim < 2) throw new ArgumentException("Only tensors with 2 or more dimensions are supported.", nameof(tensor));
                using var _ = no_grad();
                using var scope = NewDisposeScope();
                var rows = tensor.size(0);
                var columns = tensor.numel() / rows;
                var flat = empty(new[] { rows, columns }, dtype: tensor.dtype, device: tensor.device).normal_();
                if (rows < columns) flat = flat.transpose(0, 1);
                var (q, r) = linalg.qr(flat);
                // Q is unique only up to signs; those of R's diagonal make the draw uniform (Mezzadri, arXiv math-ph/0609050).
                q = q * r.diag().sign();
                if (rows < columns) q = q.transpose(0, 1);
                tensor.copy_(q.reshape(tensor.shape));
                tensor.mul_(gain);
                return tensor;
            }

            /// <summary>Inputs and outputs that one unit sees: sizes 1 and 0 times the receptive field.</summary>
            public static (long, long) CalculateFanInAndFanOut(Tensor tensor)
            {
                if (tensor.ndim < 2) throw new ArgumentException("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions", nameof(tensor));
                var shape = tensor.shape;
                var field = shape[2..].Aggregate(1L, (product, size) => product * size);
                return (shape[1] * field, shape[0] * field);
            }

            private static double KaimingStd(Tensor tensor, double a, FanInOut mode, NonlinearityType nonlinearity)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return calculate_gain(nonlinearity, a) / Math.Sqrt(mode == FanInOut.FanIn ? fanIn : fanOut);
            }

            private static double XavierStd(Tensor tensor, double gain)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return gain * Math.Sqrt(2.0 / (fanIn + fanOut));
            }
        }
    }
}
