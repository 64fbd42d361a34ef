// torch.optim: what all optimizers share. Parameter groups with options, a state per parameter, checkpoints.
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>What a learning rate scheduler holds of a parameter group.</summary>
            public interface ILearningRateController
            {
                double LearningRate { get; set; }
                double InitialLearningRate { get; set; }
            }

            public interface IMomentum
            {
                double Momentum { get; set; }
            }

            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }

            public abstract class Optimizer : IDisposable
            {
                protected IList<ParamGroup> _parameter_groups = new List<ParamGroup>();

                private protected Optimizer() { }

                public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing) { }

                /// <summary>Zeroes gradients in place: a gradient that exists stays the same tensor.</summary>
                public virtual void zero_grad()
                {
                    foreach (var parameter in parameters())
                    {
                        using var grad = parameter.grad;
                        grad?.zero_();
                    }
                }

                public virtual void add_param_group(ParamGroup param_group) => _parameter_groups.Add(param_group);

                /// <summary>One update. A closure computes the loss again under enable_grad first; its tensor is returned.</summary>
                public virtual Tensor step(Func<Tensor>? closure = null) => throw new NotImplementedException();

                public virtual IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Parameters);

                /// <summary>Options of every group and state of every parameter. The objects are the optimizer's own, not copies.</summary>
                public class StateDictionary
                {
                    internal StateDictionary() { }
                    public List<OptimizerOptions> Options { get; } = [];
                    public List<OptimizerState> State { get; } = [];

                    /// <summary>For each group the indices into State of its parameters.</summary>
                    public List<List<int>> StateIndexRef { get; } = [];
                }
            }
        }
    }

    namespace Modules
    {
        using static torch;

        /// <summary>Options of one parameter group; what is null is taken from the optimizer's own.</summary>
        public class OptimizerOptions
        {
            public double? LearningRate { get; set; }
            public double InitialLearningRate { get; set; }

            public virtual void SaveStateDict(BinaryWriter writer)
            {
                writer.Write(InitialLearningRate);
                writer.Write(LearningRate!.Value);
            }

            public virtual void LoadStateDict(BinaryReader reader)
            {
                InitialLearningRate = reader.ReadDouble();
                LearningRate = reader.ReadDouble();
            }

            public virtual void LoadStateDict(OptimizerOptions source)
            {
                InitialLearningRate = source.InitialLearningRate;
                LearningRate = source.LearningRate;
            }
        }

        /// <summary>What an optimizer remembers about one parameter.</summary>
        public abstract class OptimizerState
        {
            protected Parameter _parameter;

            protected OptimizerState(Parameter parameter) => _parameter = parameter;

            public abstract void Initialize(OptimizerOptions options);
            public abstract void SaveStateDict(BinaryWriter writer);
            public abstract void LoadStateDict(BinaryReader reader);
            public abstract void LoadStateDict(OptimizerState source);
            public virtual void to(Device device) { }
            public virtual bool ApproximatelyEquals(OptimizerState other) => false;

            protected static void SaveConditionalStateTensor(BinaryWriter writer, Tensor? tensor)
            {
                writer.Write(tensor is not null);
                tensor?.Save(writer);
            }

            protected static void LoadConditionalStateTensor(BinaryReader reader, ref Tensor? result, Device device)
            {
                if (reader.ReadBoolean()) LoadStateTensor(reader, ref result, device);
                else Replace(ref result, null);
            }

            internal static void LoadStateTensor(BinaryReader reader, ref Tensor? result, Device device)
            {
                using var _ = no_grad();
                var read = TensorExtensionMethods.Load(reader);
                var placed = read.to(device, copy: device.type != DeviceType.CPU);
                if (!ReferenceEquals(placed, read)) read.Dispose();
                Replace(ref result, placed);
            }

            internal static Tensor? Copied(Tensor? source, Device device)
            {
                using var _ = no_grad();
                return source?.to(source.dtype, device, copy: true);
            }

            /// <summary>States outlive every dispose scope; the tensor that is replaced goes at once.</summary>
            internal static void Replace(ref Tensor? place, Tensor? tensor)
            {
                if (ReferenceEquals(place, tensor)) return;
                place?.Dispose();
                place = tensor?.DetachFromDisposeScope();
            }

            internal static Tensor ZerosLike(Parameter parameter) => zeros_like(parameter, requires_grad: false).DetachFromDisposeScope();

            internal static bool Near(Tensor? a, Tensor? b) => a is null ? b is null : b is not null && a.allclose(b);
        }

        /// <summary>Parameters that share options.</summary>
        public class ParamGroup : optim.ILearningRateController
        {
            private List<Parameter> _parameters = [];

            /// <summary>The sequence is read once, when it is set.</summary>
            public IEnumerable<Parameter> Parameters
            {
                get => _parameters;
                set => _parameters = [.. value];
            }

            public OptimizerOptions Options { get; set; } = null!;

            public double LearningRate
            {
                get => Options.LearningRate!.Value;
                set => Options.LearningRate = value;
            }

            public double InitialLearningRate
            {
                get => Options.InitialLearningRate;
                set => Options.InitialLearningRate = value;
            }
        }

        public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
        {
            public ParamGroup() { }

            public ParamGroup(IEnumerable<Parameter> parameters, TOptions? options = null)
            {
                Parameters = parameters;
                base.Options = options!;
            }

            public new TOptions Options
            {
                get => (TOptions)base.Options;
                set => base.Options = value;
            }
        }

        /// <summary>
        /// Groups, states and files. State is keyed by the native handle of its parameter, so a module that is moved after its
        /// optimizer was made leaves the optimizer behind.
        /// </summary>
        public abstract class OptimizerHelper : optim.Optimizer
        {
            public OptimizerHelper() { }

            protected OptimizerOptions _defaults = null!;
            protected OrderedDict<IntPtr, OptimizerState> _state = [];

            public override IEnumerable<Parameter> parameters() => base.parameters();
            public override void zero_grad() => base.zero_grad();
            public override void add_param_group(ParamGroup param_group) => base.add_param_group(param_group);

            protected override void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach (var (_, state) in _state) (state as IDisposable)?.Dispose();
                _state.Clear();
            }

            /// <summary>Runs an update for every group, outside autograd and in a dispose scope of its own.</summary>
            protected Tensor _step<T>(Action<T> body, Func<Tensor>? loss_closure = null) where T : ParamGroup
            {
                Tensor? loss = null;
                if (loss_closure is not null)
                {
                    using var _ = enable_grad();
                    loss = loss_closure();
                }
                using (no_grad())
                using (NewDisposeScope())
                    foreach (var group in _parameter_groups) body((T)group);
                return loss!;
            }

            public virtual StateDictionary state_dict()
            {
                var result = new StateDictionary();
                foreach (var group in _parameter_groups)
                {
                    result.Options.Add(group.Options);
                    var indices = new List<int>();
                    foreach (var parameter in group.Parameters)
                        if (_state.TryGetValue(parameter.Handle, out var state))
                        {
                            indices.Add(result.State.Count);
                            result.State.Add(state);
                        }
                    result.StateIndexRef.Add(indices);
                }
                return result;
            }

            /// <summary>Takes over options and copies of states. Numbers of groups and states must match (ArgumentException).</summary>
            public virtual void load_state_dict(StateDictionary state_dict)
            {
                var own = this.state_dict();
                RequireSame(state_dict.Options.Count, own.Options.Count, "parameter groups");
                RequireSame(state_dict.State.Count, own.State.Count, "states");
                for (var i = 0; i < own.Options.Count; i++)
                    if (!ReferenceEquals(own.Options[i], state_dict.Options[i])) own.Options[i].LoadStateDict(state_dict.Options[i]);
                for (var i = 0; i < own.State.Count; i++)
                    if (!ReferenceEquals(own.State[i], state_dict.State[i])) own.State[i].LoadStateDict(state_dict.State[i]);
            }

            public void save_state_dict(string location)
            {
                using var stream = File.Create(location);
                using var writer = new BinaryWriter(stream);
                save_state_dict(writer);
            }

            /// <summary>The type's name, LEB128 numbers of groups and of states, options, states.</summary>
            public void save_state_dict(BinaryWriter writer)
            {
                var own = state_dict();
                writer.Write(GetType().Name);
                writer.Write7BitEncodedInt(own.Options.Count);
                writer.Write7BitEncodedInt(own.State.Count);
                foreach (var options in own.Options) options.SaveStateDict(writer);
                foreach (var state in own.State) state.SaveStateDict(writer);
            }

            public void load_state_dict(string location)
            {
                using var stream = File.OpenRead(location);
                using var reader = new BinaryReader(stream);
                load_state_dict(reader);
            }

            public void load_state_dict(BinaryReader reader)
            {
                var type = reader.ReadString();
                if (type != GetType().Name)
                    throw new InvalidDataException($"Mismatched optimizer type: expected '{GetType().Name}', but found '{type}' in the loaded stream.");
                var (groups, states) = (reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt());
                var own = state_dict();
                RequireSame(groups, own.Options.Count, "parameter groups");
                RequireSame(states, own.State.Count, "states");
                foreach (var options in own.Options) options.LoadStateDict(reader);
                foreach (var state in own.State) state.LoadStateDict(reader);
            }

            public void to(Device device)
            {
                foreach (var (_, state) in _state) state.to(device);
            }

            private static void RequireSame(int found, int expected, string what)
            {
                if (found != expected)
                    throw new ArgumentException($"Invalid optimizer state -- different number of {what}: the optimizer has {expected}, the state {found}.");
            }
        }
    }
}
