// RMSProp (Hinton, lecture 6e of "Neural Networks for Machine Learning"; centered: Graves 2013), as torch.optim.RMSprop: epsilon is
// added to the root, square averages start at zero.
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        public class RMSProp : OptimizerHelper, optim.IMomentum
        {
            public RMSProp(IEnumerable<Parameter> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0.0, bool centered = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, alpha, eps, weight_decay, momentum, centered, maximize) { }

            public RMSProp(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0.0, bool centered = false, bool maximize = false)
            {
                if (lr < 0) throw new ArgumentException($"Invalid learning rate: {lr}");
                if (eps < 0) throw new ArgumentException($"Invalid ε: {eps}");
                if (alpha < 0) throw new ArgumentException($"Invalid alpha: {alpha}");
                if (momentum < 0.0) throw new ArgumentException($"Invalid momentum value: {momentum}");
                if (weight_decay < 0.0) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
                _defaults = new Options
                {
                    LearningRate = lr, InitialLearningRate = lr, alpha = alpha, eps = eps, weight_decay = weight_decay,
                    momentum = momentum, centered = centered, maximize = maximize,
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
                var (alpha, eps, decay, momentum, rate) = (o.alpha!.Value, o.eps!.Value, o.weight_decay!.Value, o.momentum!.Value, o.LearningRate!.Value);
                foreach (var parameter in group.Parameters)
                {
                    var grad = parameter.grad;
                    if (grad is null) continue;
                    var state = (State)_state[parameter.Handle];
                    state.step++;
                    if (o.maximize!.Value) grad = -grad;
                    if (decay != 0) grad = grad.add(parameter, decay);
                    state.square_avg!.mul_(alpha).addcmul_(grad, grad, 1 - alpha);
                    Tensor root;
                    if (o.centered!.Value)
                    {
                        state.grad_avg!.mul_(alpha).add_(grad, 1 - alpha);
                        root = state.square_avg.addcmul(state.grad_avg, state.grad_avg, -1).sqrt_().add_(eps);
                    }
                    else root = state.square_avg.sqrt().add_(eps);
                    if (momentum > 0) parameter.add_(state.momentum_buffer!.mul_(momentum).addcdiv_(grad, root), -rate);
                    else parameter.addcdiv_(grad, root, -rate);
                }
            }, closure);

            public override void add_param_group(Modules.ParamGroup param_group)
            {
                var defaults = (Options)_defaults;
                var o = (Options)(param_group.Options ??= new Options());
                o.LearningRate ??= defaults.LearningRate;
                o.alpha ??= defaults.alpha;
                o.eps ??= defaults.eps;
                o.weight_decay ??= defaults.weight_decay;
                o.momentum ??= defaults.momentum;
                o.centered ??= defaults.centered;
                o.maximize ??= defaults.maximize;
                o.InitialLearningRate = o.LearningRate!.Value;
                base.add_param_group(param_group);
                foreach (var parameter in param_group.Parameters)
                {
                    var state = new State(parameter);
                    state.Initialize(o);
                    _state[parameter.Handle] = state;
                }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor? square_avg;
                public Tensor? momentum_buffer;
                public Tensor? grad_avg;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Set(null, null, null);

                public override void Initialize(OptimizerOptions options)
                {
                    var o = (Options)options;
                    step = 0;
                    Set(ZerosLike(_parameter), o.momentum > 0 ? ZerosLike(_parameter) : null, o.centered == true ? ZerosLike(_parameter) : null);
                }

                public override void SaveStateDict(BinaryWriter writer)
                {
                    writer.Write(step);
                    square_avg!.Save(writer);
                    SaveConditionalStateTensor(writer, momentum_buffer);
                    SaveConditionalStateTensor(writer, grad_avg);
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    step = reader.ReadInt64();
                    LoadStateTensor(reader, ref square_avg, _parameter.device);
                    LoadConditionalStateTensor(reader, ref momentum_buffer, _parameter.device);
                    LoadConditionalStateTensor(reader, ref grad_avg, _parameter.device);
                }

                public override void LoadStateDict(OptimizerState source)
                {
                    var s = (State)source;
                    step = s.step;
                    Set(Copied(s.square_avg, _parameter.device), Copied(s.momentum_buffer, _parameter.device), Copied(s.grad_avg, _parameter.device));
                }

                public override void to(Device device) => Set(Copied(square_avg, device), Copied(momentum_buffer, device), Copied(grad_avg, device));

                public override bool ApproximatelyEquals(OptimizerState other) =>
                    other is State s && step == s.step && Near(square_avg, s.square_avg) && Near(momentum_buffer, s.momentum_buffer) && Near(grad_avg, s.grad_avg);

                private void Set(Tensor? square, Tensor? momentum, Tensor? average)
                {
                    Replace(ref square_avg, square);
                    Replace(ref momentum_buffer, momentum);
                    Replace(ref grad_avg, average);
                }
            }

            public class Options : OptimizerOptions
            {
                public bool? maximize;
                public double? momentum;
                public double? alpha;
                public double? eps;
                public double? weight_decay;
                public bool? centered;

                public override void SaveStateDict(BinaryWriter writer)
                {
                    base.SaveStateDict(writer);
                    writer.Write(maximize!.Value);
                    writer.Write(momentum!.Value);
                    writer.Write(alpha!.Value);
                    writer.Write(eps!.Value);
                    writer.Write(weight_decay!.Value);
                    writer.Write(centered!.Value);
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    base.LoadStateDict(reader);
                    maximize = reader.ReadBoolean();
                    (momentum, alpha, eps, weight_decay) = (reader.ReadDouble(), reader.ReadDouble(), reader.ReadDouble(), reader.ReadDouble());
                    centered = reader.ReadBoolean();
                }

                public override void LoadStateDict(OptimizerOptions source)
                {
                    base.LoadStateDict(source);
                    var o = (Options)source;
                    (maximize, momentum, alpha, eps, weight_decay, centered) = (o.maximize, o.momentum, o.alpha, o.eps, o.weight_decay, o.centered);
                }
            }

            public class ParamGroup : ParamGroup<Options>, optim.IMomentum
            {
                public ParamGroup() { }
                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }
                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double eps = 1e-8, double alpha = 0.99, double weight_decay = 0, double momentum = 0.0, bool centered = false)
                    : base(parameters, new Options { LearningRate = lr, eps = eps, alpha = alpha, weight_decay = weight_decay, momentum = momentum, centered = centered }) { }

                public double Momentum { get => Options.momentum!.Value; set => Options.momentum = value; }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static RMSProp RMSProp(IEnumerable<Parameter> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false) =>
                new(parameters, lr, alpha, eps, weight_decay, momentum, centered, maximize);
            public static RMSProp RMSProp(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), lr, alpha, eps, weight_decay, momentum, centered, maximize);
            public static RMSProp RMSProp(IEnumerable<RMSProp.ParamGroup> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false) =>
                new(parameters, lr, alpha, eps, weight_decay, momentum, centered, maximize);
        }
    }
}
