// ResNet-18 of TorchVision's package as an encoder. PretrainedWeights.Load gives it the weights that PyTorch saved.
// Other networks of the package join in the same way.
using RlLeap;
using TorchSharp;
using static TorchSharp.torch;

namespace PretrainedNetwork;

public static class ResNet18
{
    /// <summary>The network without its classifier: 512 features of an image [3, side, side]. Its parameters have
    /// torchvision's names.</summary>
    public static ModuleNetwork Encoder(long side) => new("resnet18", [3, side, side], 512, () => new Backbone());

    private sealed class Backbone : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor>[] _layers;

        public Backbone() : base("backbone")
        {
            var children = torchvision.models.resnet18().named_children().Where(child => child.name != "fc").ToList();
            foreach (var (name, module) in children) register_module(name, module);
            _layers = [.. children.Select(child => (nn.Module<Tensor, Tensor>)child.module)];
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return _layers.Aggregate(input, (x, layer) => layer.call(x)).MoveToOuterDisposeScope();
        }
    }
}
