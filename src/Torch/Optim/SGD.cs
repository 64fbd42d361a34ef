// Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD.
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        public class SGD : OptimizerHelper, optim.IMomentum
        {
            public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, momentum, dampening, weight_decay, nesterov, maximize) { }

            public SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
            {
                if (lr < 0.0) throw new ArgumentException($"Invalid learning rate: {lr}");
                if (momentum < 0.0) throw new ArgumentException($"Invalid momentum value: {momentum}");
                if (weight_decay < 0.0) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
                if (nesterov && (momentum <= 0 || dampening != 0)) throw new ArgumentException("Nesterov momentum requires a momentum and zero dampening");
                _defaults = new Options
                {
                    LearningRate = lr, InitialLearningRate = lr, momentum = momentum, dampening = dampening,
                    weight_decay = weight_decay, nesterov = nesterov, maximize = maximize,
                };
                foreach (var group in parameters) add_param_group(group);
            }

            /// <summary>The default that later groups take; setting it sets every group's.</summary>
            public double Momentum
            {
                get => ((Options)_defaults).momentum!.Value;
                set
                {
                    ((Options)_defaults).momentum = value;
                    foreach (var group in _parameter_groups.OfType<ParamGroup>()) group.Momentum = value;
                }
            }

            public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
            {
                var o = group.Options;
                var (momentum, decay, rate) = (o.momentum!.Value, o.weight_decay!.Value, o.LearningRate!.Value);
                foreach (var parameter in group.Parameters)
                {
                    var grad = parameter.grad;
                    if (grad is null) continue;
                    if (decay != 0) grad = grad.add(parameter, decay);
                    if (momentum != 0)
                    {
                        var state = (State)_state[parameter.Handle];
                        if (state.momentum_buffer is null) state.momentum_buffer = grad.detach().clone().DetachFromDisposeScope();
                        else state.momentum_buffer.mul_(momentum).add_(grad, 1 - o.dampening!.Value);
                        grad = o.nesterov!.Value ? grad.add(state.momentum_buffer, momentum) : state.momentum_buffer;
                    }
                    parameter.add_(grad, o.maximize!.Value ? rate : -rate);
                }
            }, closure);

            public override void add_param_group(Modules.ParamGroup param_group)
            {
                var defaults = (Options)_defaults;
                var o = (Options)(param_group.Options ??= new Options());
                o.LearningRate ??= defaults.LearningRate;
                o.momentum ??= defaults.momentum;
                o.dampening ??= defaults.dampening;
                o.weight_decay ??= defaults.weight_decay;
                o.nesterov ??= defaults.nesterov;
                o.maximize ??= defaults.maximize;
                o.InitialLearningRate = o.LearningRate!.Value;
                base.add_param_group(param_group);
                foreach (var parameter in param_group.Parameters) _state[parameter.Handle] = new State(parameter);
            }

            public sealed class State : OptimizerState, IDisposable
            {
                /// <summary>Null until the first step with momentum, which starts it as a copy of the gradient.</summary>
                public Tensor? momentum_buffer;

                public State(Parameter parameter) : base(parameter) { }
                public void Dispose() => Replace(ref momentum_buffer, null);
                public override void Initialize(OptimizerOptions options) => Replace(ref momentum_buffer, null);
                public override void SaveStateDict(BinaryWriter writer) => SaveConditionalStateTensor(writer, momentum_buffer);
                public override void LoadStateDict(BinaryReader reader) => LoadConditionalStateTensor(reader, ref momentum_buffer, _parameter.device);
                public override void LoadStateDict(OptimizerState source) => Replace(ref momentum_buffer, Copied(((State)source).momentum_buffer, _parameter.device));
                public override void to(Device device) => Replace(ref momentum_buffer, Copied(momentum_buffer, device));
                public override bool ApproximatelyEquals(OptimizerState other) => other is State s && Near(momentum_buffer, s.momentum_buffer);
            }

            public class Options : OptimizerOptions
            {
                public double? momentum;
                public double? dampening;
                public double? weight_decay;
                public bool? nesterov;
                public bool? maximize;

                public override void SaveStateDict(BinaryWriter writer)
                {
                    base.SaveStateDict(writer);
                    writer.Write(momentum!.Value);
                    writer.Write(dampening!.Value);
                    writer.Write(weight_decay!.Value);
                    writer.Write(nesterov!.Value);
                    writer.Write(maximize!.Value);
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    base.LoadStateDict(reader);
                    (momentum, dampening, weight_decay) = (reader.ReadDouble(), reader.ReadDouble(), reader.ReadDouble());
                    (nesterov, maximize) = (reader.ReadBoolean(), reader.ReadBoolean());
                }

                public override void LoadStateDict(OptimizerOptions source)
                {
                    base.LoadStateDict(source);
                    var o = (Options)source;
                    (momentum, dampening, weight_decay, nesterov, maximize) = (o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize);
                }
            }

            public class ParamGroup : ParamGroup<Options>, optim.IMomentum
            {
                public ParamGroup() { }
                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }
                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize }) { }

                public double Momentum { get => Options.momentum!.Value; set => Options.momentum = value; }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);
            public static SGD SGD(IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);
            public static SGD SGD(IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);
        }
    }
}
