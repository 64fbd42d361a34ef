// Layers without parameters: activations, pooling, reshaping, dropout, identity.
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Marks modules that have, and can have, neither parameters nor buffers nor children.</summary>
        public interface IParameterLessModule;

        /// <summary>A function in the clothes of a module: registering anything with it is an InvalidOperationException, moving it does nothing.</summary>
        public abstract class ParameterLessModule<T1, TResult> : torch.nn.Module<T1, TResult>, IParameterLessModule
        {
            protected ParameterLessModule(string name) : base(name) { }

            public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw Refused("buffers", name);
            public override void register_parameter(string name, Parameter param) => throw Refused("parameters", name);
            public override void register_module(string name, torch.nn.Module submodule) => throw Refused("modules", name);
            protected internal override torch.nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
            protected internal override torch.nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
            protected internal override torch.nn.Module _to(ScalarType dtype, bool non_blocking) => this;

            private InvalidOperationException Refused(string what, string key) => new($"Cannot register {what} on a parameter-less module ('{key}' on {GetName()}).");
        }

        public sealed class ReLU : ParameterLessModule<Tensor, Tensor>
        {
            internal ReLU(bool inplace) : base(nameof(ReLU)) => this.inplace = inplace;
            public bool inplace { get; set; }
            public override Tensor forward(Tensor tensor) => F.relu(tensor, inplace);
        }

        public sealed class LeakyReLU : ParameterLessModule<Tensor, Tensor>
        {
            internal LeakyReLU(double negative_slope, bool inplace) : base(nameof(LeakyReLU)) => (this.negative_slope, this.inplace) = (negative_slope, inplace);
            public double negative_slope { get; set; }
            public bool inplace { get; set; }
            public override Tensor forward(Tensor tensor) => F.leaky_relu(tensor, negative_slope, inplace);
        }

        public sealed class Tanh : ParameterLessModule<Tensor, Tensor>
        {
            internal Tanh(bool inplace) : base(nameof(Tanh)) => this.inplace = inplace;
            public bool inplace { get; set; }
            public override Tensor forward(Tensor tensor) => F.tanh(tensor, inplace);
        }

        public sealed class Sigmoid : ParameterLessModule<Tensor, Tensor>
        {
            internal Sigmoid(bool inplace) : base(nameof(Sigmoid)) => this.inplace = inplace;
            public bool inplace { get; set; }
            public override Tensor forward(Tensor tensor) => F.sigmoid(tensor, inplace);
        }

        public sealed class Softmax : ParameterLessModule<Tensor, Tensor>
        {
            internal Softmax(long dim) : base(nameof(Softmax)) => this.dim = dim;
            public long dim { get; set; }
            public override Tensor forward(Tensor tensor) => F.softmax(tensor, dim);
        }

        public sealed class LogSoftmax : ParameterLessModule<Tensor, Tensor>
        {
            internal LogSoftmax(long dim) : base(nameof(LogSoftmax)) => this.dim = dim;
            public long dim { get; set; }
            public override Tensor forward(Tensor tensor) => F.log_softmax(tensor, dim);
        }

        public sealed class Dropout : ParameterLessModule<Tensor, Tensor>
        {
            internal Dropout(double p, bool inplace) : base(nameof(Dropout)) => (this.p, this.inplace) = (p, inplace);
            public bool inplace { get; set; }
            public double p { get; set; }
            public override Tensor forward(Tensor tensor) => F.dropout(tensor, p, training, inplace);
        }

        public sealed class Identity : ParameterLessModule<Tensor, Tensor>
        {
            internal Identity() : base(nameof(Identity)) { }
            public override Tensor forward(Tensor tensor) => tensor.alias();
        }

        public sealed class Flatten : ParameterLessModule<Tensor, Tensor>
        {
            internal Flatten(long start_dim, long end_dim) : base(nameof(Flatten)) => (this.start_dim, this.end_dim) = (start_dim, end_dim);
            public long start_dim { get; set; }
            public long end_dim { get; set; }
            public override Tensor forward(Tensor input) => input.flatten(start_dim, end_dim);
        }

        public sealed class Unflatten : ParameterLessModule<Tensor, Tensor>
        {
            internal Unflatten(long dim, long[] unflattened_size) : base(nameof(Unflatten)) => (this.dim, this.unflattened_size) = (dim, unflattened_size);
            public long dim { get; set; }
            public long[] unflattened_size { get; set; }

            public override Tensor forward(Tensor tensor)
            {
                var shape = tensor.shape;
                var at = (int)(dim < 0 ? dim + shape.Length : dim);
                return tensor.reshape([.. shape[..at], .. unflattened_size, .. shape[(at + 1)..]]);
            }
        }

        public sealed class MaxPool2d : ParameterLessModule<Tensor, Tensor>
        {
            internal MaxPool2d(long[] kernel_size, long[]? stride, long[]? padding, long[]? dilation, bool ceil_mode) : base(nameof(MaxPool2d)) =>
                (this.kernel_size, this.stride, this.padding, this.dilation, this.ceil_mode) = (kernel_size, stride, padding, dilation, ceil_mode);
            public long[] kernel_size { get; set; }
            public long[]? stride { get; set; }
            public long[]? padding { get; set; }
            public long[]? dilation { get; set; }
            public bool ceil_mode { get; set; }
            public override Tensor forward(Tensor input) => F.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode);
        }

        public sealed class AvgPool2d : ParameterLessModule<Tensor, Tensor>
        {
            internal AvgPool2d(long[] kernel_size, long[]? stride, long[]? padding, bool ceil_mode, bool count_include_pad, long? divisor_override) : base(nameof(AvgPool2d)) =>
                (this.kernel_size, this.stride, this.padding, this.ceil_mode, this.count_include_pad, this.divisor_override) =
                (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);
            public long[] kernel_size { get; set; }
            public long[]? stride { get; set; }
            public long[]? padding { get; set; }
            public bool ceil_mode { get; set; }
            public bool count_include_pad { get; set; }
            public long? divisor_override { get; set; }
            public override Tensor forward(Tensor input) => F.avg_pool2d(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static ReLU ReLU(bool inplace = false) => new(inplace);
            public static LeakyReLU LeakyReLU(double negative_slope = 0.01, bool inplace = false) => new(negative_slope, inplace);
            public static Tanh Tanh() => new(false);
            public static Tanh Tanh(bool inplace = false) => new(inplace);
            public static Sigmoid Sigmoid() => new(false);
            public static Sigmoid Sigmoid(bool inplace) => new(inplace);
            public static Softmax Softmax(long dim) => new(dim);
            public static LogSoftmax LogSoftmax(long dim) => new(dim);
            public static Dropout Dropout(double p = 0.5, bool inplace = false) => new(p, inplace);
            public static Identity Identity() => new();
            public static Flatten Flatten(long start_dim = 1, long end_dim = -1) => new(start_dim, end_dim);
            public static Unflatten Unflatten(long dim, long[] unflattened_size) => new(dim, unflattened_size);

            public static MaxPool2d MaxPool2d(long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                new(Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);
            public static MaxPool2d MaxPool2d((long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, bool ceil_mode = false) =>
                new(Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);
            public static MaxPool2d MaxPool2d(long[] kernel_size, long[]? stride = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) =>
                new(kernel_size, stride, padding, dilation, ceil_mode);

            public static AvgPool2d AvgPool2d(long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new(Pair(kernel_size), Pair(stride), Pair(padding), ceil_mode, count_include_pad, divisor_override);
            public static AvgPool2d AvgPool2d((long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new(Pair(kernel_size), Pair(stride), Pair(padding), ceil_mode, count_include_pad, divisor_override);
            public static AvgPool2d AvgPool2d(long[] kernel_size, long[]? stride = null, long[]? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);

            private static long[] Pair(long both) => [both, both];
            private static long[]? Pair(long? both) => both is { } v ? [v, v] : null;
            private static long[] Pair((long, long) pair) => [pair.Item1, pair.Item2];
            private static long[]? Pair((long, long)? pair) => pair is { } v ? [v.Item1, v.Item2] : null;
        }
    }
}
