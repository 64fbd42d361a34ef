// Gradients: torch.autograd, and the modes no_grad, enable_grad and inference_mode.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>
        /// The gradients of the outputs' sum (weighted by grad_outputs) with respect to the inputs, not accumulated anywhere.
        /// With allow_unused an input that the outputs do not depend on gives null; without, it is an ExternalException.
        /// </summary>
        public static unsafe IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null,
            bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] o = Handles(outputs), i = Handles(inputs), g = Handles(grad_outputs);
            nint* list;
            fixed (nint* po = o, pi = i, pg = g)
            {
                // As in PyTorch a graph that will be differentiated again is kept.
                var n = rl_autograd_grad(new(po, o.Length), new(pi, i.Length), new(pg, g.Length), retain_graph, create_graph, allow_unused, (nint*)&list);
                GC.KeepAlive(outputs);
                GC.KeepAlive(grad_outputs);
                return Tensor.Many(n, list, inputs);
            }
        }

        public static unsafe void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            nint[] t = Handles(tensors), g = Handles(grad_tensors), i = Handles(inputs);
            fixed (nint* pt = t, pg = g, pi = i)
                Check(rl_backward(new(pt, t.Length), new(pg, g.Length), retain_graph ?? create_graph, create_graph, new(pi, i.Length)));
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        public static AnomalyMode detect_anomaly(bool check_nan = true) => new(true, check_nan);
        public static AnomalyMode set_detect_anomaly(bool mode, bool check_nan = true) => new(mode, check_nan);
    }

    internal static nint[] Handles(IList<Tensor>? tensors)
    {
        if (tensors is null) return [];
        var result = new nint[tensors.Count];
        for (var i = 0; i < result.Length; i++) result[i] = tensors[i] is { } t ? t.H : 0;
        return result;
    }

    public static IDisposable no_grad() => new AutoGradMode(false);
    public static IDisposable enable_grad(bool enabled = true) => new AutoGradMode(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new AutoGradMode(mode);
    public static bool is_grad_enabled() => AutoGradMode.IsEnabled;
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);
    public static bool is_inference_mode_enabled() => InferenceMode.IsEnabled;
}

/// <summary>Sets this thread's gradient mode until disposed.</summary>
internal sealed class AutoGradMode : IDisposable
{
    private readonly bool before = IsEnabled;
    private bool disposed;

    public AutoGradMode(bool enabled) => rl_set_grad_enabled(enabled);
    public static bool IsEnabled => rl_grad_enabled() != 0;

    public void Dispose()
    {
        if (!disposed) rl_set_grad_enabled(before);
        disposed = true;
        GC.SuppressFinalize(this);
    }
}

/// <summary>libtorch's inference mode for this thread until disposed: tensors made in it can join no later backward.</summary>
internal sealed class InferenceMode : IDisposable
{
    private nint guard;

    public InferenceMode(bool mode)
    {
        guard = rl_inference_enter(mode);
        if (guard == 0) Throw();
    }

    public static bool IsEnabled => rl_inference_enabled() != 0;

    public void Dispose()
    {
        if (guard != 0) rl_inference_leave(guard);
        guard = 0;
        GC.SuppressFinalize(this);
    }
}

/// <summary>Anomaly detection until disposed: a backward that makes NaN names the forward operation.</summary>
public class AnomalyMode : IDisposable
{
    private readonly int before = rl_anomaly();

    public AnomalyMode(bool enabled, bool check_nan = true) => rl_set_anomaly(enabled, check_nan);
    public static bool IsEnabled => (rl_anomaly() & 1) != 0;
    public static bool ShouldCheckNaN => rl_anomaly() == 3;

    public void Dispose()
    {
        rl_set_anomaly((before & 1) != 0, before == 3);
        GC.SuppressFinalize(this);
    }
}
