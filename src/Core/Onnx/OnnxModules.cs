using TorchSharp.Modules;

namespace RlLeap;

/// <summary>A torch.nn.Module of a user's own that says how it is written as ONNX.</summary>
public interface IOnnxModule
{
    /// <summary>The module's function, in evaluation mode, as operators.</summary>
    /// <param name="graph">Takes the operators. <see cref="OnnxModules.Write"/> adds a module that is part of this
    /// one.</param>
    /// <param name="input">What the module is called with.</param>
    OnnxValue ToOnnx(OnnxGraph graph, OnnxValue input);
}

/// <summary>The usual modules of torch.nn as operators of ONNX.</summary>
public static class OnnxModules
{
    /// <summary>
    /// A module: Sequential, Linear, Conv2d, MaxPool2d, BatchNorm2d, LayerNorm, Flatten, ReLU, Tanh, Sigmoid, Dropout,
    /// Identity, or one that is an <see cref="IOnnxModule"/>.
    /// </summary>
    /// <param name="graph">Takes the operators.</param>
    /// <param name="module">The module.</param>
    /// <param name="input">What it is called with.</param>
    /// <param name="name">Its name, for errors: "mine.2".</param>
    /// <exception cref="RlLeapException">Another module, or an option of one that is not written; names it.</exception>
    public static OnnxValue Write(OnnxGraph graph, nn.Module module, OnnxValue input, string name = "module")
    {
        switch (module)
        {
            case IOnnxModule own:
                return own.ToOnnx(graph, input);
            case Sequential sequential:
                return sequential.named_children().Aggregate(input,
                    (x, child) => Write(graph, child.module, x, $"{name}.{child.name}"));
            case Linear linear:
                return graph.Dense(input, linear.weight, linear.bias);
            case Conv2d { transposed: false, groups: 1, padding_type: null, padding_mode: PaddingModes.Zeros } conv
                when All(conv.dilation, 1) && IsSquare(conv.stride) && IsSquare(conv.padding):
                return graph.Convolution(input, conv.weight, conv.bias, conv.stride[0], conv.padding?[0] ?? 0);
            case MaxPool2d { ceil_mode: false, kernel_size: { } kernel } pool when IsSquare(kernel)
                && All(pool.padding, 0) && All(pool.dilation, 1) && All(pool.stride, kernel[0]):
                return graph.MaxPool(input, kernel[0]);
            case BatchNorm2d { weight: { } gain, bias: { } bias, running_mean: { } mean, running_var: { } var } norm:
                return graph.BatchNorm(input, gain, bias, mean, var, norm.eps);
            case LayerNorm { weight: { } gain, normalized_shape.Length: 1 } norm:
                return graph.LayerNorm(input, gain, norm.bias, norm.eps);
            case Flatten { start_dim: 1, end_dim: -1 }:
                return graph.Flatten(input);
            case ReLU:
                return graph.Relu(input);
            case Tanh:
                return graph.Tanh(input);
            case Sigmoid:
                return graph.Add("Sigmoid", [input]);
            case Dropout or Identity: // nothing, where nothing is trained
                return input;
        }
        throw new RlLeapException($"The layer {name} is a {module.GetType().Name} that cannot be written as ONNX. Let "
            + "its class implement IOnnxModule (docs/export.md), or leave the file out (--no-onnx).");
    }

    private static bool IsSquare(long[]? sizes) => sizes is null || All(sizes, sizes[0]);

    private static bool All(long[]? sizes, long size) => sizes is null || sizes.All(s => s == size);
}
