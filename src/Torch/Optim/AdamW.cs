// AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW: Adam with weight decay taken from the parameters directly. Apart from that and
// its type names (TorchSharp has a set for each) it is Adam.cs.
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        public class AdamW : OptimizerHelper, optim.IBetas
        {
            public AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize) { }

            public AdamW(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            {
                if (lr < 0) throw new ArgumentException($"Invalid learning rate: {lr}");
                if (beta1 is < 0 or >= 1.0) throw new ArgumentException($"Invalid beta1: {beta1}");
                if (beta2 is < 0 or >= 1.0) throw new ArgumentException($"Invalid beta2: {beta2}");
                if (eps < 0.0) throw new ArgumentException($"Invalid eps: {eps}");
                if (weight_decay < 0.0) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
                _defaults = new Options
                {
                    LearningRate = lr, InitialLearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps,
                    weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize,
                };
                foreach (var group in parameters) add_param_group(group);
            }

            /// <summary>The defaults that later groups take; setting them sets every group's.</summary>
            public (double, double) Betas
            {
                get => (((Options)_defaults).beta1!.Value, ((Options)_defaults).beta2!.Value);
                set
                {
                    (((Options)_defaults).beta1, ((Options)_defaults).beta2) = value;
                    foreach (var group in _parameter_groups.OfType<ParamGroup>()) group.Betas = value;
                }
            }

            public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
            {
                var o = group.Options;
                var (beta1, beta2, eps, decay, rate) = (o.beta1!.Value, o.beta2!.Value, o.eps!.Value, o.weight_decay!.Value, o.LearningRate!.Value);
                foreach (var parameter in group.Parameters)
                {
                    var grad = parameter.grad;
                    if (grad is null) continue;
                    var state = (State)_state[parameter.Handle];
                    state.step++;
                    if (o.maximize!.Value) grad = -grad;
                    parameter.mul_(1 - rate * decay);
                    state.exp_avg!.mul_(beta1).add_(grad, 1 - beta1);
                    state.exp_avg_sq!.mul_(beta2).addcmul_(grad, grad, 1 - beta2);
                    var second = state.exp_avg_sq;
                    if (o.amsgrad!.Value) second = state.max_exp_avg_sq!.copy_(state.max_exp_avg_sq.maximum(state.exp_avg_sq));
                    var root = second.sqrt().div_(Math.Sqrt(1 - Math.Pow(beta2, state.step))).add_(eps);
                    parameter.addcdiv_(state.exp_avg, root, -rate / (1 - Math.Pow(beta1, state.step)));
                }
            }, closure);

            public override void add_param_group(Modules.ParamGroup param_group)
            {
                var defaults = (Options)_defaults;
                var o = (Options)(param_group.Options ??= new Options());
                o.LearningRate ??= defaults.LearningRate;
                o.beta1 ??= defaults.beta1;
                o.beta2 ??= defaults.beta2;
                o.eps ??= defaults.eps;
                o.weight_decay ??= defaults.weight_decay;
                o.amsgrad ??= defaults.amsgrad;
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
                public Tensor? exp_avg;
                public Tensor? exp_avg_sq;
                public Tensor? max_exp_avg_sq;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Set(null, null, null);

                public override void Initialize(OptimizerOptions options)
                {
                    step = 0;
                    Set(ZerosLike(_parameter), ZerosLike(_parameter), ((Options)options).amsgrad == true ? ZerosLike(_parameter) : null);
                }

                public override void SaveStateDict(BinaryWriter writer)
                {
                    writer.Write(step);
                    exp_avg!.Save(writer);
                    exp_avg_sq!.Save(writer);
                    SaveConditionalStateTensor(writer, max_exp_avg_sq);
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    step = reader.ReadInt64();
                    LoadStateTensor(reader, ref exp_avg, _parameter.device);
                    LoadStateTensor(reader, ref exp_avg_sq, _parameter.device);
                    LoadConditionalStateTensor(reader, ref max_exp_avg_sq, _parameter.device);
                }

                public override void LoadStateDict(OptimizerState source)
                {
                    var s = (State)source;
                    step = s.step;
                    Set(Copied(s.exp_avg, _parameter.device), Copied(s.exp_avg_sq, _parameter.device), Copied(s.max_exp_avg_sq, _parameter.device));
                }

                public override void to(Device device) => Set(Copied(exp_avg, device), Copied(exp_avg_sq, device), Copied(max_exp_avg_sq, device));

                public override bool ApproximatelyEquals(OptimizerState other) =>
                    other is State s && step == s.step && Near(exp_avg, s.exp_avg) && Near(exp_avg_sq, s.exp_avg_sq) && Near(max_exp_avg_sq, s.max_exp_avg_sq);

                private void Set(Tensor? first, Tensor? second, Tensor? largest)
                {
                    Replace(ref exp_avg, first);
                    Replace(ref exp_avg_sq, second);
                    Replace(ref max_exp_avg_sq, largest);
                }
            }

            public class Options : OptimizerOptions
            {
                public double? beta1;
                public double? beta2;
                public double? eps;
                public double? weight_decay;
                public bool? amsgrad;
                public bool? maximize;

                public override void SaveStateDict(BinaryWriter writer)
                {
                    base.SaveStateDict(writer);
                    writer.Write(beta1!.Value);
                    writer.Write(beta2!.Value);
                    writer.Write(eps!.Value);
                    writer.Write(weight_decay!.Value);
                    writer.Write(amsgrad!.Value);
                    writer.Write(maximize!.Value);
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    base.LoadStateDict(reader);
                    (beta1, beta2, eps, weight_decay) = (reader.ReadDouble(), reader.ReadDouble(), reader.ReadDouble(), reader.ReadDouble());
                    (amsgrad, maximize) = (reader.ReadBoolean(), reader.ReadBoolean());
                }

                public override void LoadStateDict(OptimizerOptions source)
                {
                    base.LoadStateDict(source);
                    var o = (Options)source;
                    (beta1, beta2, eps, weight_decay, amsgrad, maximize) = (o.beta1, o.beta2, o.eps, o.weight_decay, o.amsgrad, o.maximize);
                }
            }

            public class ParamGroup : ParamGroup<Options>, optim.IBetas
            {
                public ParamGroup() { }
                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }
                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize }) { }

                public (double, double) Betas
                {
                    get => (Options.beta1!.Value, Options.beta2!.Value);
                    set => (Options.beta1, Options.beta2) = value;
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
            public static AdamW AdamW(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
            public static AdamW AdamW(IEnumerable<AdamW.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }
}
