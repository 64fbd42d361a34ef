// Parameter: a tensor that modules count among what they learn.
namespace TorchSharp.Modules
{
    /// <summary>Takes over <paramref name="data"/>'s handle and its place in its dispose scope; data becomes invalid.</summary>
    public class Parameter(torch.Tensor data, bool requires_grad = true) : torch.Tensor(data.with_requires_grad(requires_grad));
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
