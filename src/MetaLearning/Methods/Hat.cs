using System.ComponentModel.DataAnnotations;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>HAT, hard attention to the task: every task learns which units it uses, and what they are connected by is protected from the others (Serra et al. 2018, arXiv 1801.01423).</summary>
/// <remarks>
/// <para>In layer l, task t multiplies the units by a = sigmoid(s e), e being the task's embedding [units]. Over the gradient steps of every epoch (of a visit, where that
/// is shorter or the task has no epochs) s rises from 1/s_max to s_max (equation 3); in evaluation it is s_max. The gradient of a weight between units j and i is multiplied by 1 - min(a_i, a_j) of
/// the cumulative masks, a bias's by 1 - a_i (equation 2); embeddings' gradients are compensated for the annealing (equation 8); the loss gets
/// Sparsity times R = sum a (1 - cumulative) / sum (1 - cumulative) (equation 5).</para>
/// <para>Revisits, which the original has not but the Leap paper allows: the cumulative mask that protects against a task leaves the task's own mask out, or a task
/// seen again would freeze itself. Batch-norm parameters and statistics are the task's own; shared, they would drift under the protected weights.
/// See docs/fidelity.md.</para>
/// </remarks>
public sealed record HatOptions : MetaLearningMethod
{
    /// <summary>s_max: the slope at which masks are nearly binary.</summary>
    [Range(1, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double MaxSlope { get; init; } = 400;

    /// <summary>lambda: how much using units that no task has used yet costs.</summary>
    [Range(0, double.PositiveInfinity)]
    public double Sparsity { get; init; } = 0.75;

    /// <summary>Embeddings are kept within plus and minus this.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double EmbeddingBound { get; init; } = 6;

    /// <inheritdoc/>
    public override string Name => "hat";

    /// <inheritdoc/>
    protected override void Check(MetaLearnerContext setting)
    {
        if (!(MaxSlope > 1)) throw new RlLeapException($"HAT's largest slope must be above 1; it is {MaxSlope}.");
        if (!setting.Network.IsFunctional || setting.Network.HiddenUnits.Count == 0)
            throw new RlLeapException($"HAT cannot learn {setting.Network.Name}: it offers no hidden units to mask. Use a RlLeap.Network with HiddenUnits.");
        if (setting.Learner.Optimizer.WeightDecay != 0) throw new RlLeapException("HAT cannot be combined with weight decay: it would move the weights that masks protect. Set it to 0.");
        _ = HatNetwork.RolesOf(setting.Network);
    }

    /// <inheritdoc/>
    protected override IMetaLearner Open(MetaLearnerContext setting) => new Hat(this, setting);
}

internal sealed class Hat(HatOptions options, MetaLearnerContext setting) : ContinualMetaLearner(options, setting)
{
    private readonly HatNetwork.Role[] _roles = HatNetwork.RolesOf(setting.Network);

    public override Learner Begin(ITask task, LearnerOptions learning, Rng rng)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        learning = learning.For(task.Info);
        var network = new HatNetwork(Setting.Network, options, _roles, Cumulative(except: task.Info.Id), Ramp(task.Info, learning));
        var learner = new Learner(new HatTask(task), network, learning, rng, Setting.Device, dtype: Setting.DType);
        for (var i = 0; i < _roles.Length; i++) learner.Model.Parameters.Views[i].copy_(Initialization.Shared.Views[i]);
        learner.Model.Buffers.CopyFrom(Initialization.Buffers);
        if (!Tasks.TryGetValue(task.Info.Id, out var own)) return learner;
        learner.Model.Import(own);
        return learner;
    }

    protected override Dictionary<string, Tensor> Consolidate(ITask task, Learner learner)
    {
        HatNetwork.ClampEmbeddings(learner.Model);
        var parameters = learner.Model.Parameters;
        var own = new Dictionary<string, Tensor>();
        for (var i = 0; i < parameters.Views.Count; i++)
            if (i < _roles.Length && !_roles[i].OfTask) Initialization.Shared.Views[i].copy_(parameters.Views[i]);
            else own.Add(parameters.Layout.Entries[i].Name, parameters.Views[i].detach().clone());
        foreach (var entry in learner.Model.Buffers.Layout.Entries) own.Add(Model.BufferPrefix + entry.Name, learner.Model.Buffers[entry.Name].detach().clone());
        return own;
    }

    // Gradient steps in which the slope rises once.
    private static long Ramp(TaskInfo task, LearnerOptions learning) => task.StepsPerEpoch > 0 ? Math.Min(task.StepsPerEpoch, learning.GradientSteps) : learning.GradientSteps;

    // The elementwise maximum of the other tasks' final masks, by layer; zeros where there is none.
    private Tensor[] Cumulative(string except) =>
        [.. Setting.Network.HiddenUnits.Select((units, l) => Tasks.Where(t => t.Key != except).Select(t => sigmoid(t.Value[HatNetwork.EmbeddingName(l)] * options.MaxSlope))
            .Aggregate(zeros([units], Setting.DType, Setting.Device), (most, mask) => most.maximum(mask)).DetachFromDisposeScope())];
}

/// <summary>A network whose hidden units are masked by a task's embeddings, and whose gradients are shielded by the masks of other tasks.</summary>
/// <remarks>Shields and compensation act inside the pass: x.detach() + (x - x.detach()) * m has the value of x, to the bit, and m times its gradient. So the ordinary
/// <see cref="Learner"/> with any optimizer trains it.</remarks>
internal sealed class HatNetwork : Network, IDisposable
{
    private readonly Network _inner;
    private readonly HatOptions _options;
    private readonly Role[] _roles;
    private readonly Tensor[] _cumulative;
    private readonly Tensor?[] _shields;
    private readonly long _ramp;

    /// <summary>Where a parameter of the inner network belongs.</summary>
    /// <param name="Layer">The hidden layer whose units are its first axis.</param>
    /// <param name="OfTask">A batch-norm parameter, the task's own.</param>
    public readonly record struct Role(int Layer, bool OfTask);

    public HatNetwork(Network inner, HatOptions options, Role[] roles, Tensor[] cumulative, long ramp)
    {
        (_inner, _options, _roles, _cumulative, _ramp) = (inner, options, roles, cumulative, ramp);
        Parameters = [.. inner.Parameters, .. inner.HiddenUnits.Select((units, l) => new ParameterInfo(EmbeddingName(l), [units]))];
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var any = cumulative.Any(mask => mask.max().to_type(ScalarType.Float64).item<double>() > 0);
        _shields = [.. roles.Select((role, i) => any && !role.OfTask ? Shield(inner.Parameters[i], role.Layer).DetachFromDisposeScope() : null)];
    }

    public override string Name => $"HAT({_inner.Name})";
    public override long[] InputShape => _inner.InputShape;
    public override long Features => _inner.Features;
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<ParameterInfo> Buffers => _inner.Buffers;
    public override IReadOnlyList<long> HiddenUnits => _inner.HiddenUnits;

    /// <summary>The slope in training, set for each gradient step.</summary>
    public double Slope { get; private set; } = 1;

    public static string EmbeddingName(int layer) => $"hat.{layer}.embedding";

    /// <summary>
    /// Reads from the order and names of a network's parameters what each is: the l-th tensor of rank above one is layer l's weight, [units, units before, ...]; a tensor of
    /// rank one that follows it under the same prefix is its bias, under another its batch norm.
    /// </summary>
    /// <exception cref="RlLeapException">The network's layers cannot be told from its parameters.</exception>
    public static Role[] RolesOf(Network network)
    {
        var roles = new List<Role>();
        var (layer, prefix) = (-1, "");
        foreach (var parameter in network.Parameters)
        {
            var own = parameter.Name[..Math.Max(0, parameter.Name.LastIndexOf('.'))];
            if (parameter.Shape.Length > 1) (layer, prefix) = (layer + 1, own);
            if (layer < 0 || layer >= network.HiddenUnits.Count || parameter.Shape[0] != network.HiddenUnits[layer])
                throw new RlLeapException($"HAT cannot tell to which hidden layer the parameter {parameter} of {network.Name} belongs. Its weights must come in the order of its hidden layers, each [units, ...], biases and batch norms after them.");
            roles.Add(new Role(layer, parameter.Shape.Length == 1 && own != prefix));
        }
        return [.. roles];
    }

    /// <summary>Sets the slope for gradient step <paramref name="step"/>, from 0, of a visit: it rises over a ramp of gradient steps, again and again.</summary>
    public void Anneal(long step)
    {
        var progress = _ramp > 1 ? step % _ramp / (double)(_ramp - 1) : 1;
        Slope = 1 / _options.MaxSlope + (_options.MaxSlope - 1 / _options.MaxSlope) * progress;
    }

    /// <summary>Clamps the embeddings, as after every update.</summary>
    public static void ClampEmbeddings(Model model)
    {
        var network = (HatNetwork)model.Network;
        using var _ = no_grad();
        using Scalar least = -network._options.EmbeddingBound, most = network._options.EmbeddingBound;
        for (var l = 0; l < network.HiddenUnits.Count; l++)
            model.Parameters.Views[network._roles.Length + l].clamp_(least, most);
    }

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var slope = pass.Training ? Slope : _options.MaxSlope;
        var parameters = new Tensor[_roles.Length];
        for (var i = 0; i < parameters.Length; i++) parameters[i] = _shields[i] is { } shield ? Scaled(pass.Parameter(i), shield) : pass.Parameter(i);
        Tensor[] masks = [.. HiddenUnits.Select((_, l) => Mask(pass.Parameter(_roles.Length + l), slope))];
        var hooks = pass.Hooks;
        return _inner.Forward(new Pass(parameters, [.. Buffers.Select((_, i) => pass.Buffer(i))], pass.Training, new LayerHooks(hooks?.PreActivation, (l, units) =>
        {
            units = hooks?.Units?.Invoke(l, units) ?? units;
            return units * masks[l].view([1, -1, .. Enumerable.Repeat(1L, (int)units.dim() - 2)]);
        })), input);
    }

    /// <summary>R at the model's parameters: the share of the units left free by other tasks that this one uses.</summary>
    public static Tensor Sparsity(Model model) => ((HatNetwork)model.Network).Sparsity(model.Parameters.Views, model.Training);

    private Tensor Sparsity(IReadOnlyList<Tensor> parameters, bool training)
    {
        Tensor? used = null, free = null;
        for (var l = 0; l < HiddenUnits.Count; l++)
        {
            var mask = Mask(parameters[_roles.Length + l], training ? Slope : _options.MaxSlope);
            var left = 1 - _cumulative[l];
            used = used is null ? (mask * left).sum() : used + (mask * left).sum();
            free = free is null ? left.sum() : free + left.sum();
        }
        // With every unit taken there is nothing left to be sparse with.
        using Scalar least = 1e-12;
        return used! / free!.clamp(min: least) * _options.Sparsity;
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        _inner.Initialize(parameter, buffer, rng);
        for (var l = 0; l < HiddenUnits.Count; l++)
        {
            var values = new float[HiddenUnits[l]];
            rng.Split("hat", l).FillNormal(values);
            using var drawn = tensor(values);
            parameter(_roles.Length + l).copy_(drawn);
        }
    }

    public void Dispose()
    {
        foreach (var mask in _cumulative) mask.Dispose();
        foreach (var shield in _shields) shield?.Dispose();
    }

    private static Tensor Scaled(Tensor x, Tensor factor) => x.detach() + (x - x.detach()) * factor;

    private Tensor Mask(Tensor embedding, double slope) => sigmoid(Compensated(embedding, slope) * slope);

    // q' = q s_max (cosh(clamp(s e)) + 1) / (s (cosh(e) + 1))
    private Tensor Compensated(Tensor embedding, double slope)
    {
        if (!embedding.requires_grad) return embedding;
        var e = embedding.detach();
        using Scalar least = -50, most = 50;
        return Scaled(embedding, (cosh((e * slope).clamp(least, most)) + 1) * _options.MaxSlope / ((cosh(e) + 1) * slope));
    }

    // 1 - min(a_i, a_j) in the weight's shape. A linear layer after a convolution sees every unit before once per place.
    private Tensor Shield(ParameterInfo parameter, int layer)
    {
        var after = _cumulative[layer];
        if (parameter.Shape.Length == 1) return 1 - after;
        var (rows, columns) = (parameter.Shape[0], parameter.Shape[1]);
        Tensor least = after.view(rows, 1);
        if (layer > 0)
        {
            var before = _cumulative[layer - 1];
            var places = columns / before.numel();
            if (places * before.numel() != columns)
                throw new RlLeapException($"HAT cannot protect {parameter} of {_inner.Name}: its {columns} inputs are no multiple of the {before.numel()} units before.");
            least = least.minimum(before.view(-1, 1).expand(-1, places).reshape(1, columns));
        }
        else least = least.expand(rows, columns);
        return (1 - least).view([rows, columns, .. Enumerable.Repeat(1L, parameter.Shape.Length - 2)]);
    }
}

/// <summary>A task with private heads whose loss carries HAT's sparsity and whose batches move the slope.</summary>
internal sealed class HatTask(ITask inner) : ITask
{
    public TaskInfo Info { get; } = new PrivateHeads(inner).Info;

    public ITaskStream Open(Rng rng, Device device) => new Stream(inner.Open(rng, device));

    private sealed class Stream(ITaskStream inner) : ITaskStream
    {
        private long _step;

        public IBatch NextBatch(Model model, Split split = Split.Train)
        {
            HatNetwork.ClampEmbeddings(model);
            if (split == Split.Train) ((HatNetwork)model.Network).Anneal(_step++);
            return inner.NextBatch(model, split);
        }

        public Tensor Loss(Model model, IBatch batch)
        {
            var loss = inner.Loss(model, batch);
            return model.Training ? loss + HatNetwork.Sparsity(model) : loss;
        }

        public IReadOnlyDictionary<string, double> Score(Model model, Split split)
        {
            HatNetwork.ClampEmbeddings(model);
            return inner.Score(model, split);
        }

        public bool CanSave => inner.CanSave;

        public byte[] Save() => [.. BitConverter.GetBytes(_step), .. inner.Save()];

        public void Restore(ReadOnlySpan<byte> state)
        {
            _step = BitConverter.ToInt64(state);
            inner.Restore(state[8..]);
        }

        public void Dispose() => inner.Dispose();
    }
}
