namespace RlLeap.MetaLearning;

/// <summary>HAT's network for one task: units times the task's masks, gradients times 1 - others' masks.</summary>
/// <remarks>
/// Gradients are scaled inside the pass: x.detach() + (x - x.detach()) * m has the value of x, to the bit, and m times
/// its gradient. So the ordinary <see cref="Learner"/> trains it, with any optimizer.
/// </remarks>
internal sealed class HatNetwork : NetworkWrapper, IDisposable
{
    private readonly HatOptions _options;
    private readonly Role[] _roles;
    private readonly Tensor[] _cumulative; // the other tasks' masks, by layer
    private readonly Tensor?[] _gradientMasks; // by parameter; null where nothing is protected
    private readonly long _annealingSteps;

    /// <summary>What a parameter of the inner network is.</summary>
    /// <param name="Layer">The hidden layer whose units are its first axis.</param>
    /// <param name="IsTasksOwn">Whether it belongs to the task: a batch-norm parameter.</param>
    public readonly record struct Role(int Layer, bool IsTasksOwn);

    /// <summary>The network of one visit.</summary>
    /// <param name="inner">The network whose units are masked.</param>
    /// <param name="roles">What <see cref="RolesOf"/> says of <paramref name="inner"/>.</param>
    /// <param name="cumulative">
    /// The other tasks' cumulative masks, [units] for each layer. The network owns them.
    /// </param>
    /// <param name="annealingSteps">Gradient steps in which the slope rises once.</param>
    public HatNetwork(Network inner, HatOptions options, Role[] roles, Tensor[] cumulative, long annealingSteps)
        : base(inner)
    {
        (_options, _roles, _cumulative, _annealingSteps) = (options, roles, cumulative, annealingSteps);
        var embeddings = inner.HiddenUnits.Select((units, l) => new ParameterInfo(EmbeddingName(l), [units]));
        Parameters = [.. inner.Parameters, .. embeddings];
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var isAnyUsed = cumulative.Any(mask => mask.max().to_type(ScalarType.Float64).item<double>() > 0);
        _gradientMasks = [.. roles.Select((role, i) => isAnyUsed && !role.IsTasksOwn
            ? GradientMask(inner.Parameters[i], role.Layer).DetachFromDisposeScope()
            : null)];
    }

    public override string Name => $"HAT({Inner.Name})";
    public override IReadOnlyList<ParameterInfo> Parameters { get; }

    /// <summary>The slope s in training, set for each gradient step.</summary>
    public double Slope { get; private set; } = 1;

    /// <summary>The name of a layer's embedding.</summary>
    public static string EmbeddingName(int layer) => $"hat.{layer}.embedding";

    /// <summary>Reads the role of each parameter from the order and the names of a network's parameters.</summary>
    /// <remarks>
    /// The l-th tensor of rank above one is the weight of layer l: [units, units before, ...]. A tensor of rank one
    /// after it is its bias if the prefix of its name is the weight's, and a batch-norm parameter otherwise.
    /// </remarks>
    /// <exception cref="RlLeapException">The parameters do not tell the network's layers.</exception>
    public static Role[] RolesOf(Network network)
    {
        var roles = new List<Role>();
        var (layer, weightPrefix) = (-1, "");
        foreach (var parameter in network.Parameters)
        {
            var prefix = parameter.Name[..Math.Max(0, parameter.Name.LastIndexOf('.'))];
            if (parameter.Shape.Length > 1) (layer, weightPrefix) = (layer + 1, prefix);
            if (layer < 0 || layer >= network.HiddenUnits.Count || parameter.Shape[0] != network.HiddenUnits[layer])
                throw new RlLeapException($"HAT cannot tell to which hidden layer the parameter {parameter} of "
                    + $"{network.Name} belongs. Its weights must come in the order of its hidden layers, each "
                    + "[units, ...], biases and batch norms after them.");
            roles.Add(new Role(layer, parameter.Shape.Length == 1 && prefix != weightPrefix));
        }
        return [.. roles];
    }

    /// <summary>Sets the slope of a gradient step (equation 3): from 1/s_max to s_max, again and again.</summary>
    /// <param name="step">The gradient step of the visit, from 0.</param>
    public void Anneal(long step)
    {
        var progress = _annealingSteps > 1 ? step % _annealingSteps / (double)(_annealingSteps - 1) : 1;
        Slope = 1 / _options.MaxSlope + (_options.MaxSlope - 1 / _options.MaxSlope) * progress;
    }

    /// <summary>Clamps the embeddings, as HAT does after every update.</summary>
    public static void ClampEmbeddings(Model model)
    {
        var network = (HatNetwork)model.Network;
        using var _ = no_grad();
        using Scalar min = -network._options.EmbeddingBound, max = network._options.EmbeddingBound;
        for (var l = 0; l < network.HiddenUnits.Count; l++)
            model.Parameters.Views[network._roles.Length + l].clamp_(min, max);
    }

    /// <summary>lambda R at the model's parameters (equation 5).</summary>
    /// <remarks>R is the part of the units left free by other tasks that this task uses.</remarks>
    public static Tensor Sparsity(Model model) =>
        ((HatNetwork)model.Network).Sparsity(model.Parameters.Views, model.Training);

    public override Tensor Forward(Pass pass, Tensor input)
    {
        var slope = pass.Training ? Slope : _options.MaxSlope;
        var parameters = new Tensor[_roles.Length];
        for (var i = 0; i < parameters.Length; i++)
            parameters[i] = _gradientMasks[i] is { } mask ? ScaleGradient(pass.Parameter(i), mask) : pass.Parameter(i);
        Tensor[] masks = [.. HiddenUnits.Select((_, l) => Mask(pass.Parameter(_roles.Length + l), slope))];
        Tensor[] buffers = [.. Buffers.Select((_, i) => pass.Buffer(i))];
        var hooks = pass.Hooks;
        var masking = new LayerHooks(hooks?.PreActivation, (layer, units) =>
        {
            units = hooks?.Units?.Invoke(layer, units) ?? units;
            long[] alongUnits = [1, -1, .. Enumerable.Repeat(1L, (int)units.dim() - 2)];
            return units * masks[layer].view(alongUnits);
        });
        return Inner.Forward(new Pass(parameters, buffers, pass.Training, masking), input);
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        Inner.Initialize(parameter, buffer, rng);
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
        foreach (var mask in _gradientMasks) mask?.Dispose();
    }

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
        using Scalar min = 1e-12; // other tasks may use every unit
        return used! / free!.clamp(min: min) * _options.Sparsity;
    }

    /// <summary><paramref name="x"/>, with its gradient times <paramref name="factor"/>.</summary>
    private static Tensor ScaleGradient(Tensor x, Tensor factor) => x.detach() + (x - x.detach()) * factor;

    /// <summary>a = sigmoid(s e), equation 1.</summary>
    private Tensor Mask(Tensor embedding, double slope) => sigmoid(Compensate(embedding, slope) * slope);

    /// <summary>The embedding with its gradient compensated for the slope, equation 8.</summary>
    private Tensor Compensate(Tensor embedding, double slope)
    {
        if (!embedding.requires_grad) return embedding;
        var e = embedding.detach();
        using Scalar min = -50, max = 50; // cosh overflows beyond
        var factor = (cosh((e * slope).clamp(min, max)) + 1) * _options.MaxSlope / ((cosh(e) + 1) * slope);
        return ScaleGradient(embedding, factor);
    }

    /// <summary>1 - min(A_i, A_j) in the shape of a weight, or 1 - A_i for a bias; equation 2.</summary>
    private Tensor GradientMask(ParameterInfo parameter, int layer)
    {
        var after = _cumulative[layer];
        if (parameter.Shape.Length == 1) return 1 - after;
        var (rows, columns) = (parameter.Shape[0], parameter.Shape[1]);
        var min = after.view(rows, 1).expand(rows, columns);
        if (layer > 0)
        {
            // A linear layer after a convolution reads each unit before it once for every place.
            var before = _cumulative[layer - 1];
            var places = columns / before.numel();
            if (places * before.numel() != columns)
                throw new RlLeapException($"HAT cannot protect {parameter} of {Inner.Name}: its {columns} inputs are "
                    + $"no multiple of the {before.numel()} units before.");
            min = min.minimum(before.view(-1, 1).expand(-1, places).reshape(1, columns));
        }
        return (1 - min).view([rows, columns, .. Enumerable.Repeat(1L, parameter.Shape.Length - 2)]);
    }
}
