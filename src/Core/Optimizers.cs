using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RlLeap;

/// <summary>Update rules by name.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent, with momentum if asked for.</summary>
    Sgd,
    /// <summary>RMSProp as PyTorch has it: epsilon outside the root, square average from zero.</summary>
    RmsProp,
    /// <summary>RMSProp as TensorFlow 1 and the OpenAI baselines have it: epsilon inside the root, square average from one.</summary>
    RmsPropBaselines,
    /// <summary>Adam.</summary>
    Adam,
}

/// <summary>How a rate moves over a training run of known length.</summary>
public enum Schedule
{
    /// <summary>Stays.</summary>
    Constant,
    /// <summary>To zero in a straight line.</summary>
    Linear,
    /// <summary>To zero along half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983).</summary>
    Cosine,
}

/// <summary>An update rule with all it needs.</summary>
public sealed record OptimizerOptions
{
    /// <summary>Which rule.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.Sgd;
    /// <summary>Learning rate at the start.</summary>
    public double LearningRate { get; init; } = 0.1;
    /// <summary>How the rate moves.</summary>
    public Schedule Schedule { get; init; } = Schedule.Constant;
    /// <summary>Momentum of SGD and RMSProp.</summary>
    public double Momentum { get; init; }
    /// <summary>L2 penalty added to the gradient (SGD, RMSProp in PyTorch's form, Adam).</summary>
    public double WeightDecay { get; init; }
    /// <summary>Decay of RMSProp's square average.</summary>
    public double Alpha { get; init; } = 0.99;
    /// <summary>Epsilon of RMSProp and Adam.</summary>
    public double Epsilon { get; init; } = 1e-8;
    /// <summary>Adam's first decay.</summary>
    public double Beta1 { get; init; } = 0.9;
    /// <summary>Adam's second decay.</summary>
    public double Beta2 { get; init; } = 0.999;
    /// <summary>Largest norm of the whole gradient; 0 for no clipping.</summary>
    public double MaxGradientNorm { get; init; }

    /// <summary>The rate for update <paramref name="step"/> (from 0) of <paramref name="steps"/>.</summary>
    public double RateAt(long step, long steps)
    {
        var progress = steps > 0 ? Math.Min(1.0, (double)step / steps) : 0;
        return Schedule switch
        {
            Schedule.Linear => LearningRate * (1 - progress),
            Schedule.Cosine => LearningRate * 0.5 * (1 + Math.Cos(Math.PI * progress)),
            _ => LearningRate,
        };
    }
}

/// <summary>An update rule at work on one <see cref="ParameterVector"/>: clipping, schedule, update, and a state that can be saved.</summary>
/// <remarks>One flat parameter means a handful of kernels a step, however many layers the network has. The rules are TorchSharp's SGD, RMSProp and Adam,
/// and <see cref="RmsPropBaselines"/>, which TorchSharp lacks and published actor-critic scores depend on (Stable-Baselines3 pull request 110).</remarks>
public sealed class VectorOptimizer : IDisposable
{
    private readonly ParameterVector _vector;
    private readonly long _steps;
    private readonly OptimizerHelper? _torch;
    private readonly RmsPropBaselines? _baselines;

    /// <summary>Starts a rule on <paramref name="vector"/>.</summary>
    /// <param name="vector">What it updates.</param>
    /// <param name="options">The rule.</param>
    /// <param name="steps">Updates of the whole run, for schedules; 0 when unknown (rates stay).</param>
    public VectorOptimizer(ParameterVector vector, OptimizerOptions options, long steps = 0)
    {
        (_vector, Options, _steps) = (vector, options, steps);
        Parameter[] flat = [vector.Flat];
        switch (options.Kind)
        {
            case OptimizerKind.Sgd: _torch = optim.SGD(flat, options.LearningRate, options.Momentum, weight_decay: options.WeightDecay); break;
            case OptimizerKind.RmsProp: _torch = optim.RMSProp(flat, options.LearningRate, options.Alpha, options.Epsilon, options.WeightDecay, options.Momentum); break;
            case OptimizerKind.Adam: _torch = optim.Adam(flat, options.LearningRate, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay); break;
            case OptimizerKind.RmsPropBaselines: _baselines = new RmsPropBaselines(vector, options); break;
            default: throw new ArgumentOutOfRangeException(nameof(options), options.Kind, "Unknown optimizer.");
        }
    }

    /// <summary>The rule.</summary>
    public OptimizerOptions Options { get; }

    /// <summary>Updates made.</summary>
    public long Step { get; private set; }

    /// <summary>Norm of the gradient before clipping at the last update; NaN when clipping is off (it would cost a pass).</summary>
    public double GradientNorm { get; private set; } = double.NaN;

    /// <summary>Clips, then moves the vector by its gradient.</summary>
    public void Update()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (Options.MaxGradientNorm > 0) Clip();
        var rate = Options.RateAt(Step, _steps);
        if (_torch is null) _baselines!.Update(rate);
        else
        {
            foreach (var group in _torch.ParamGroups) group.LearningRate = rate;
            _torch.step();
        }
        Step++;
    }

    /// <summary>Everything the rule remembers, as bytes.</summary>
    public byte[] SaveState()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write((int)Options.Kind);
        writer.Write(Step);
        if (_torch is null) _baselines!.Average.Save(writer);
        else _torch.save_state_dict(writer);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Goes on where the optimizer was that <see cref="SaveState"/> saved.</summary>
    /// <exception cref="RlLeapException">It was another rule.</exception>
    public void RestoreState(byte[] state)
    {
        using var reader = new BinaryReader(new MemoryStream(state));
        var kind = (OptimizerKind)reader.ReadInt32();
        if (kind != Options.Kind) throw new RlLeapException($"The checkpoint was saved with the optimizer {kind}, this run uses {Options.Kind}.");
        Step = reader.ReadInt64();
        using var _ = no_grad();
        if (_torch is null) _baselines!.Average.Load(reader);
        else _torch.load_state_dict(reader);
    }

    /// <summary>Disposes the rule's tensors.</summary>
    public void Dispose()
    {
        _torch?.Dispose();
        _baselines?.Average.Dispose();
    }

    private void Clip()
    {
        var gradient = _vector.Gradient!;
        GradientNorm = gradient.norm().to_type(ScalarType.Float64).item<double>();
        // As torch.nn.utils.clip_grad_norm_: the 1e-6 keeps a zero gradient from dividing by zero.
        var factor = Options.MaxGradientNorm / (GradientNorm + 1e-6);
        if (!(factor < 1)) return;
        gradient.mul_(factor);
        _vector.ClipFactor = factor;
    }

    /// <summary>theta -= rate * g / sqrt(average + epsilon), average = alpha average + (1 - alpha) g^2 from 1 (tf.train.RMSPropOptimizer of TensorFlow 1).</summary>
    private sealed class RmsPropBaselines(ParameterVector vector, OptimizerOptions options)
    {
        public Tensor Average { get; } = ones_like(vector.Gradient!).DetachFromDisposeScope();

        public void Update(double rate)
        {
            var gradient = vector.Gradient!;
            Average.mul_(options.Alpha).addcmul_(gradient, gradient, 1 - options.Alpha);
            vector.Flat.addcdiv_(gradient, Average.add(options.Epsilon).sqrt_(), -rate);
        }
    }
}
