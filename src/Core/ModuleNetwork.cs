using TorchSharp.Modules;

namespace RlLeap;

/// <summary>A torch.nn.Module of the user's own: its parameters move into the model's flat vector.</summary>
/// <remarks>
/// <para>Every <see cref="Model"/> gets a module of its own from the factory; its Parameters keep their identity but
/// lie in the vector (<c>set_</c> under no_grad), their grads in the vector's gradient buffer. Floating buffers
/// likewise; integer ones (num_batches_tracked) stay in the module.</para>
/// <para>TorchSharp's layers draw their initial values from torch's global generator: the factory therefore runs under
/// a lock, after manual_seed from the run's <see cref="Rng"/>. Dropout would draw from the global generator too, at
/// times no seed controls: modules with dropout are deterministic only when nothing else runs at the same time.</para>
/// </remarks>
public sealed class ModuleNetwork : Network, IDisposable
{
    private static readonly Lock Construction = new();
    private readonly Func<nn.Module<Tensor, Tensor>> _build;
    private nn.Module<Tensor, Tensor>? _bound;

    /// <summary>A network whose passes run the module that <paramref name="build"/> makes.</summary>
    /// <param name="name">For records and messages.</param>
    /// <param name="inputShape">One input, without the batch axis.</param>
    /// <param name="features">Length of one output.</param>
    /// <param name="build">Makes a fresh module, freshly initialized.</param>
    public ModuleNetwork(string name, long[] inputShape, long features, Func<nn.Module<Tensor, Tensor>> build)
    {
        (Name, InputShape, Features, _build) = (name, inputShape, features, build);
        using var module = Build(seed: 0);
        Parameters = [.. module.named_parameters().Select(p => new ParameterInfo(p.name, p.parameter.shape))];
        Buffers = [.. FloatingBuffers(module).Select(b => new ParameterInfo(b.name, b.buffer.shape))];
    }

    private ModuleNetwork(ModuleNetwork source, nn.Module<Tensor, Tensor> bound)
    {
        (Name, InputShape, Features, _build, Parameters, Buffers) =
            (source.Name, source.InputShape, source.Features, source._build, source.Parameters, source.Buffers);
        _bound = bound;
    }

    public override string Name { get; }
    public override long[] InputShape { get; }
    public override long Features { get; }
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<ParameterInfo> Buffers { get; }
    public override bool IsFunctional => false;

    /// <summary>The module behind a bound network.</summary>
    public nn.Module<Tensor, Tensor> Module =>
        _bound ?? throw new InvalidOperationException($"{Name} is not bound to a model yet.");

    public override Network Bind(ParameterVector parameters, ParameterVector buffers)
    {
        var module = Build(seed: 0);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (i, (_, parameter)) in module.named_parameters().Index())
            Rehome(parameter, parameters.Views[i], parameters.GradientOf(i));
        foreach (var (i, (_, buffer)) in FloatingBuffers(module).Index())
        {
            buffers.Views[i].copy_(buffer);
            buffer.set_(buffers.Views[i]);
        }
        return new ModuleNetwork(this, module);
    }

    public override Tensor Forward(Pass pass, Tensor input)
    {
        if (Module.training != pass.Training) Module.train(pass.Training);
        return Module.call(input);
    }

    public override OnnxValue ToOnnx(OnnxGraph graph, Pass pass, OnnxValue input) =>
        OnnxModules.Write(graph, Module, input, Name);

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        using var fresh = Build(rng.NextSeed());
        foreach (var (i, (_, value)) in fresh.named_parameters().Index()) parameter(i).copy_(value);
        foreach (var (i, (_, value)) in FloatingBuffers(fresh).Index()) buffer(i).copy_(value);
    }

    /// <summary>Disposes the bound module.</summary>
    public void Dispose() => _bound?.Dispose();

    private static void Rehome(Parameter parameter, Tensor view, Tensor gradient)
    {
        view.copy_(parameter);
        parameter.set_(view);
        parameter.grad = gradient;
        parameter.requires_grad_(view.requires_grad);
    }

    private static IEnumerable<(string name, Tensor buffer)> FloatingBuffers(nn.Module module) =>
        module.named_buffers().Where(b => b.buffer.dtype is ScalarType.Float32 or ScalarType.Float64);

    private nn.Module<Tensor, Tensor> Build(int seed)
    {
        lock (Construction)
        {
            manual_seed(seed);
            return _build();
        }
    }
}
