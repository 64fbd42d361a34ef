using RlLeap;
using RlLeap.Environments;
using RlLeap.MetaLearning;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace FaultyPlugins;

/// <summary>One dense layer, wrong in the way that <paramref name="how"/> says.</summary>
[Network("faulty/network", "wrong in one way")]
public sealed class FaultyNetwork(long[] inputShape, string how = "") : Network
{
    private static readonly List<Tensor> Kept = [];
    private readonly long _inputs = inputShape.Aggregate(1L, (product, size) => product * size);
    private int _passes;

    public override string Name => how == "nameless" ? "" : "faulty";

    public override long[] InputShape => inputShape;

    public override long Features => how == "features" ? 9 : 8;

    public override IReadOnlyList<ParameterInfo> Parameters => how switch
    {
        "unused" => [new("weight", [8, _inputs]), new("bias", [8]), new("spare", [3])],
        "twice" => [new("weight", [8, _inputs]), new("weight", [8])],
        _ => [new("weight", [8, _inputs]), new("bias", [8])],
    };

    public override IReadOnlyList<long> HiddenUnits => how == "units" ? [7] : [];

    public override Tensor Forward(Pass pass, Tensor input)
    {
        _passes++;
        if (how == "throws") return pass.Parameter(7);
        if (how == "later" && _passes > 20) throw new InvalidOperationException("the wheels came off");
        if (how == "null") return null!;
        var x = input.flatten(how == "mixes" ? 0 : 1);
        if (how == "mixes") x = x.unsqueeze(0);
        if (how != "floats") x = x.to_type(how == "double" ? ScalarType.Float64 : pass.Parameter(0).dtype);
        if (how == "inplace") x.add_(1);
        if (how == "shapes") x = x.narrow(1, 0, 3);
        if (how == "double") return x.narrow(1, 0, 8);
        x = F.linear(x, pass.Parameter(0), pass.Parameter(1));
        if (how == "batch") x = x - x.mean([0], true);
        if (how == "noise") x = x + randn_like(x);
        if (how == "nan") x = x / zeros_like(x);
        if (how == "leaks") Kept.Add(x.clone().DetachFromDisposeScope());
        if (how == "detached") x = x.detach();
        return how == "units" ? pass.Units(0, x) : x;
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        if (how == "zeros") return;
        Initialization.TorchDefault(parameter(0), parameter(1), how == "constant" ? new Rng(1) : rng.Split("layer"));
        if (how == "unused") parameter(2).fill_(1);
    }
}

/// <summary>Goes half the way to where training ends, wrong in the way that <paramref name="How"/> says.</summary>
[Method("faulty/method", "wrong in one way")]
public sealed record FaultyMethod(string How = "") : PerTaskMethod
{
    private static int _tasks;

    public override string Name => "faulty";

    public override PathObserver Observe(string taskId) =>
        How == "null" ? null! : new Observer(taskId, How, Interlocked.Increment(ref _tasks));

    private sealed class Observer(string taskId, string how, int number) : PathObserver(taskId)
    {
        private static readonly List<Tensor> Kept = [];

        protected override void ObservePoint(Tensor position, Tensor gradient, double loss)
        {
            if (how == "throws" && Points == 3) throw new KeyNotFoundException("no such path");
            if (how == "unkept" && Points == 1) _ = this["nothing"];
            if (how == "leaks") Kept.Add(position.detach().clone().DetachFromDisposeScope());
            if (Points == 0) Keep("start", position);
        }

        protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics)
        {
            var way = (this["start"] - end) * 0.5;
            return how switch
            {
                "short" => way.narrow(0, 0, 3),
                "empty" => null!,
                "nan" => way / 0,
                "shared" => way * number,
                _ => way
            };
        }
    }
}

/// <summary>A walk of five steps, wrong in the way that the option says.</summary>
[Environment("faulty/Env-v0", "wrong in one way")]
[EnvironmentOption("how", "", "what is wrong")]
public sealed class FaultyEnvironment(Rng rng, EnvironmentOptions options) : IEnvironment
{
    private static readonly float[] Screen = new float[2];
    private readonly string _how = options.Text("how");
    private int _step = -1;

    public EnvironmentSpec Spec { get; } = options.Text("how") == "constructor"
        ? throw new ArithmeticException("no luck")
        : new("faulty/Env-v0", Box.Floats(2), new Discrete(2));

    public TimeStep Reset()
    {
        _step = 0;
        return TimeStep.First(See());
    }

    public TimeStep Step(int action)
    {
        if (_step < 0) throw new InvalidOperationException("Reset first.");
        if (action is < 0 or > 1) throw new ArgumentOutOfRangeException(nameof(action));
        if (_how == "throws" && _step == 3) throw new ArithmeticException("no luck");
        return ++_step < 5 ? TimeStep.Mid(1, See()) : End();
    }

    private TimeStep End()
    {
        _step = -1;
        return TimeStep.Terminated(1, See());
    }

    private float[] See()
    {
        var seen = _how == "shares" ? Screen : new float[2];
        (seen[0], seen[1]) =
            (_step, _how == "infinite" && _step == 2 ? float.PositiveInfinity : (float)rng.NextDouble());
        return seen;
    }
}
