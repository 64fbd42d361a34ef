using TorchSharp.Modules;

namespace RlLeap;

/// <summary>An update rule on a <see cref="ParameterVector"/>: clipping, schedule, update, its state.</summary>
/// <remarks>
/// It moves the groups of entries that it is given, each at its own rate; by default those that are adapted. The others
/// do not move, and their gradient counts in no norm.
/// One flat parameter means a handful of kernels a step, however many layers the network has. SGD and RMSProp are
/// TorchSharp's. Adam is TorchSharp's too, as a function, but in one pass over memory on the CPU, as is RMSProp in the
/// baselines' form, which TorchSharp lacks and published actor-critic scores depend on (Stable-Baselines3 pull request
/// 110).
/// </remarks>
public sealed class VectorOptimizer : IDisposable
{
    private readonly ParameterVector _vector;
    private readonly long _steps;
    private readonly Rule _rule;

    /// <summary>Starts a rule on <paramref name="vector"/>.</summary>
    /// <param name="vector">What it updates.</param>
    /// <param name="options">The rule.</param>
    /// <param name="steps">Updates of the whole run, for schedules; 0 when unknown (rates stay).</param>
    /// <param name="groups">What moves, and how fast; null for the adapted entries at their own rates.</param>
    /// <exception cref="RlLeapException">The options ask for what the rule does not have.</exception>
    public VectorOptimizer(ParameterVector vector, OptimizerOptions options, long steps = 0,
        IReadOnlyList<ParameterGroup>? groups = null)
    {
        if (options is { Kind: OptimizerKind.Adam or OptimizerKind.RmsPropBaselines, Momentum: not 0 })
            throw new RlLeapException(FormattableString.Invariant(
                $"{options.Kind} has no momentum; it is {options.Momentum}. Set it to 0, or choose Sgd or RmsProp."));
        if (options is { Kind: OptimizerKind.RmsPropBaselines, WeightDecay: not 0 })
            throw new RlLeapException(FormattableString.Invariant(
                $"{options.Kind} has no weight decay; it is {options.WeightDecay}. Set it to 0, or choose RmsProp."));
        (_vector, Options, _steps) = (vector, options, steps);
        Groups = groups ?? vector.Layout.Groups();
        _rule = options.Kind switch
        {
            OptimizerKind.Sgd => new Torch(vector, Groups, flat =>
                optim.SGD(flat, options.LearningRate, options.Momentum, weight_decay: options.WeightDecay)),
            OptimizerKind.RmsProp => new Torch(vector, Groups, flat => optim.RMSProp(flat, options.LearningRate,
                options.Alpha, options.Epsilon, options.WeightDecay, options.Momentum)),
            OptimizerKind.Adam => new Adam(vector, Groups, options),
            OptimizerKind.RmsPropBaselines => new RmsPropBaselines(vector, Groups, options),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Kind, "Unknown optimizer."),
        };
    }

    /// <summary>The rule.</summary>
    public OptimizerOptions Options { get; }

    /// <summary>What moves, and how fast.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>Updates made.</summary>
    public long Step { get; private set; }

    /// <summary>Norm before clipping at the last update; NaN when clipping is off (it would cost a pass).</summary>
    public double GradientNorm { get; private set; } = double.NaN;

    /// <summary>Moves the vector by its gradient, clipped first; what the buffer then holds is undefined.</summary>
    public void Update()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _rule.Update(Options.RateAt(Step, _steps), ClipFactor());
        Step++;
    }

    /// <summary>Counts updates that are left out, so that schedules go on as planned.</summary>
    public void Skip(long updates) => Step += updates;

    /// <summary>Everything the rule remembers, as bytes.</summary>
    public byte[] SaveState()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write((int)Options.Kind);
        writer.Write(Step);
        _rule.Save(writer);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Goes on where the optimizer was that <see cref="SaveState"/> saved.</summary>
    /// <exception cref="RlLeapException">It was another rule.</exception>
    public void RestoreState(byte[] state)
    {
        using var reader = new BinaryReader(new MemoryStream(state));
        var kind = (OptimizerKind)reader.ReadInt32();
        if (kind != Options.Kind) throw new RlLeapException(
            $"The checkpoint was saved with the optimizer {kind}, this run uses {Options.Kind}.");
        Step = reader.ReadInt64();
        using var _ = no_grad();
        _rule.Load(reader);
    }

    /// <summary>Disposes the rule's tensors.</summary>
    public void Dispose() => _rule.Dispose();

    // What the gradient is to be multiplied with.
    private double ClipFactor()
    {
        if (!(Options.MaxGradientNorm > 0)) return 1;
        GradientNorm = MovesAll(_vector, Groups) ? Norm(_vector.Gradient!)
            : Math.Sqrt(Groups.Sum(group => Math.Pow(Norm(_vector.Gradient!.narrow(0, group.Start, group.Count)), 2)));
        // As torch.nn.utils.clip_grad_norm_: the 1e-6 keeps a zero gradient from dividing by zero.
        var factor = Options.MaxGradientNorm / (GradientNorm + 1e-6);
        return factor < 1 ? factor : 1;
    }

    private static double Norm(Tensor gradient) => gradient.norm().to_type(ScalarType.Float64).item<double>();

    private static bool MovesAll(ParameterVector vector, IReadOnlyList<ParameterGroup> groups) =>
        groups is [{ Rate: 1 } only] && only.Count == vector.Layout.Count;

    private abstract class Rule(ParameterVector vector, IReadOnlyList<ParameterGroup> groups) : IDisposable
    {
        protected ParameterVector Vector { get; } = vector;
        protected IReadOnlyList<ParameterGroup> Groups { get; } = groups;

        /// <summary>Moves the vector along its gradient times <paramref name="clip"/>.</summary>
        public abstract void Update(double rate, double clip);
        public abstract void Save(BinaryWriter writer);
        public abstract void Load(BinaryReader reader);
        public abstract void Dispose();

        /// <summary>Multiplies the gradient in place when it is to be clipped.</summary>
        protected void Clip(double clip)
        {
            if (clip == 1) return;
            using Scalar factor = clip;
            if (MovesAll(Vector, Groups)) Vector.Gradient!.mul_(factor);
            else foreach (var group in Groups) Of(Vector.Gradient!, group).mul_(factor);
        }

        /// <summary>A group's part of a flat tensor.</summary>
        protected static Tensor Of(Tensor flat, ParameterGroup group) => flat.narrow(0, group.Start, group.Count);
    }

    /// <summary>A rule of TorchSharp's, once for each group.</summary>
    private sealed class Torch : Rule
    {
        private readonly OptimizerHelper[] _rules;
        private readonly Parameter[] _parts; // views that are not the vector's own
        private readonly List<Tensor> _gradients = []; // likewise

        public Torch(ParameterVector vector, IReadOnlyList<ParameterGroup> groups,
            Func<IEnumerable<Parameter>, OptimizerHelper> rule) : base(vector, groups)
        {
            _parts = MovesAll(vector, groups) ? [] : [.. groups.Select(Part)];
            _rules = _parts.Length == 0 && groups.Count > 0 ? [rule([vector.Flat])]
                : [.. _parts.Select(part => rule([part]))];
        }

        public override void Update(double rate, double clip)
        {
            Clip(clip);
            for (var i = 0; i < _rules.Length; i++)
            {
                foreach (var group in _rules[i].ParamGroups) group.LearningRate = rate * Groups[i].Rate;
                _rules[i].step();
            }
            if (_parts.Length > 0) Vector.MarkChanged();
        }

        public override void Save(BinaryWriter writer) { foreach (var rule in _rules) rule.save_state_dict(writer); }
        public override void Load(BinaryReader reader) { foreach (var rule in _rules) rule.load_state_dict(reader); }

        public override void Dispose()
        {
            foreach (var rule in _rules) rule.Dispose();
            foreach (var part in _parts) part.Dispose();
            foreach (var gradient in _gradients) gradient.Dispose();
        }

        private Parameter Part(ParameterGroup group)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var part = new Parameter(Vector.Flat.detach().narrow(0, group.Start, group.Count));
            _gradients.Add(Vector.Gradient!.narrow(0, group.Start, group.Count).DetachFromDisposeScope());
            part.grad = _gradients[^1];
            part.DetachFromDisposeScope();
            return part;
        }
    }

    /// <summary>Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1), epsilon as PyTorch has it.</summary>
    private sealed class Adam(ParameterVector vector, IReadOnlyList<ParameterGroup> groups, OptimizerOptions options)
        : Rule(vector, groups)
    {
        private readonly Tensor _first = zeros_like(vector.Gradient!).DetachFromDisposeScope();
        private readonly Tensor _second = zeros_like(vector.Gradient!).DetachFromDisposeScope();
        private long _step;

        public override void Update(double rate, double clip)
        {
            _step++;
            var (correction, root) =
                (1 - Math.Pow(options.Beta1, _step), Math.Sqrt(1 - Math.Pow(options.Beta2, _step)));
            var theta = Vector.Flat.detach();
            if (FusedOptimizers.Fits(theta))
            {
                foreach (var group in Groups)
                    FusedOptimizers.Adam(
                        FusedOptimizers.Values(theta, group), FusedOptimizers.Values(Vector.Gradient!, group),
                        FusedOptimizers.Values(_first, group), FusedOptimizers.Values(_second, group),
                        (float)clip, (float)options.WeightDecay, (float)options.Beta1, (float)options.Beta2,
                        (float)(rate * group.Rate / correction), (float)root, (float)options.Epsilon);
                Vector.MarkChanged();
                return;
            }
            Clip(clip);
            using Scalar decay = options.WeightDecay, epsilon = options.Epsilon;
            using Scalar keepFirst = options.Beta1, takeFirst = 1 - options.Beta1, keepSecond = options.Beta2;
            using Scalar takeSecond = 1 - options.Beta2, rootScalar = root;
            foreach (var group in Groups)
            {
                var (here, gradient) = (Of(theta, group), Of(Vector.Gradient!, group));
                using Scalar step = -rate * group.Rate / correction;
                if (options.WeightDecay != 0) gradient = gradient.add(here, decay);
                var first = Of(_first, group).mul_(keepFirst).add_(gradient, takeFirst);
                var second = Of(_second, group).mul_(keepSecond).addcmul_(gradient, gradient, takeSecond);
                here.addcdiv_(first, second.sqrt().div_(rootScalar).add_(epsilon), step);
            }
        }

        public override void Save(BinaryWriter writer)
        {
            writer.Write(_step);
            _first.Save(writer);
            _second.Save(writer);
        }

        public override void Load(BinaryReader reader)
        {
            _step = reader.ReadInt64();
            _first.Load(reader);
            _second.Load(reader);
        }

        public override void Dispose()
        {
            _first.Dispose();
            _second.Dispose();
        }
    }

    /// <summary>
    /// theta -= rate * g / sqrt(average + epsilon), average = alpha average + (1 - alpha) g^2 from 1
    /// (tf.train.RMSPropOptimizer of TensorFlow 1).
    /// </summary>
    private sealed class RmsPropBaselines(
        ParameterVector vector, IReadOnlyList<ParameterGroup> groups, OptimizerOptions options) : Rule(vector, groups)
    {
        private readonly Tensor _average = ones_like(vector.Gradient!).DetachFromDisposeScope();

        public override void Update(double rate, double clip)
        {
            var theta = Vector.Flat.detach();
            if (FusedOptimizers.Fits(theta))
            {
                foreach (var group in Groups)
                    FusedOptimizers.RmsPropBaselines(FusedOptimizers.Values(theta, group),
                        FusedOptimizers.Values(Vector.Gradient!, group), FusedOptimizers.Values(_average, group),
                        (float)clip, (float)options.Alpha, (float)(rate * group.Rate), (float)options.Epsilon);
                Vector.MarkChanged();
                return;
            }
            Clip(clip);
            using Scalar keep = options.Alpha, take = 1 - options.Alpha, epsilon = options.Epsilon;
            foreach (var group in Groups)
            {
                var gradient = Of(Vector.Gradient!, group);
                using Scalar step = -rate * group.Rate;
                var average = Of(_average, group).mul_(keep).addcmul_(gradient, gradient, take);
                Of(theta, group).addcdiv_(gradient, average.add(epsilon).sqrt_(), step);
            }
        }

        public override void Save(BinaryWriter writer) => _average.Save(writer);
        public override void Load(BinaryReader reader) => _average.Load(reader);
        public override void Dispose() => _average.Dispose();
    }
}
