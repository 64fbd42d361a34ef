// ResNet-18 of TorchVision's package as an encoder, with weights that PyTorch saved. Other networks of the package join
// in the same way.
using RlLeap;
using RlLeap.MetaLearning;
using TorchSharp;
using static TorchSharp.torch;

namespace PretrainedNetwork;

public static class ResNet18
{
    /// <summary>The network without its classifier: 512 features of an image [3, side, side].</summary>
    public static ModuleNetwork Encoder(long side) => new("resnet18", [3, side, side], 512, () => new Backbone());

    /// <summary>
    /// Puts a state dict of torchvision's resnet18 (torch.save or safetensors) into a model with this encoder. The
    /// answer lists what did not match: its classifier, and the model's own heads.
    /// </summary>
    public static WeightMatch Load(Model model, string path) => PretrainedWeights.Load(model, path);

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
