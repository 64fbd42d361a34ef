// Optimizers over 20 steps and schedulers against PyTorch; checkpoints, groups, closures.
using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static RlLeap.Tests.Torch.ModuleGolden;
using static TorchSharp.torch;

namespace RlLeap.Tests.Torch;

public class OptimizerTests
{
    public static TheoryData<int> OptimizerCases => [.. Enumerable.Range(0, Section("optimizers").GetArrayLength())];
    public static TheoryData<string> SchedulerCases => Names("schedulers");

    private static OptimizerHelper Make(string name, JsonElement options, IEnumerable<Parameter> parameters)
    {
        double D(string key, double other) => options.TryGetProperty(key, out var v) ? v.GetDouble() : other;
        bool B(string key) => options.TryGetProperty(key, out var v) && v.GetBoolean();
        var (b1, b2) = options.TryGetProperty("betas", out var betas) ? (betas[0].GetDouble(), betas[1].GetDouble()) : (0.9, 0.999);
        return name switch
        {
            "sgd" => optim.SGD(parameters, D("lr", 0), D("momentum", 0), D("dampening", 0), D("weight_decay", 0), B("nesterov"), B("maximize")),
            "rmsprop" => optim.RMSProp(parameters, D("lr", 0), D("alpha", 0.99), D("eps", 1e-8), D("weight_decay", 0), D("momentum", 0), B("centered"), B("maximize")),
            "adam" => optim.Adam(parameters, D("lr", 0), b1, b2, D("eps", 1e-8), D("weight_decay", 0), B("amsgrad"), B("maximize")),
            "adamw" => optim.AdamW(parameters, D("lr", 0), b1, b2, D("eps", 1e-8), D("weight_decay", 0), B("amsgrad"), B("maximize")),
            _ => throw new ArgumentException(name),
        };
    }

    private static (JsonElement golden, List<Parameter> parameters, OptimizerHelper optimizer) Case(int index)
    {
        var golden = Section("optimizers")[index];
        var parameters = golden.GetProperty("start").EnumerateArray().Select(p => new Parameter(Read(p))).ToList();
        return (golden, parameters, Make(golden.GetProperty("name").GetString()!, golden.GetProperty("options"), parameters));
    }

    private static void Step(JsonElement golden, List<Parameter> parameters, OptimizerHelper optimizer, int step)
    {
        using var scope = NewDisposeScope();
        var gradients = Section("gradients").GetProperty(golden.GetProperty("type").GetString()!)[step];
        for (var i = 0; i < parameters.Count; i++) parameters[i].grad = Read(gradients[i]) + 0.25 * parameters[i].detach();
        optimizer.step();
    }

    [Theory, MemberData(nameof(OptimizerCases))]
    public void Twenty_steps_lead_where_PyTorchs_lead(int index)
    {
        using var scope = NewDisposeScope();
        var (golden, parameters, optimizer) = Case(index);
        using var _ = optimizer;
        var after = golden.GetProperty("after").EnumerateArray().ToDictionary(e => e.GetProperty("step").GetInt32(), e => e.GetProperty("p"));
        for (var step = 0; step < 20; step++)
        {
            Step(golden, parameters, optimizer, step);
            if (!after.TryGetValue(step, out var expected)) continue;
            for (var i = 0; i < parameters.Count; i++) Near(expected[i], parameters[i], $"{golden.GetProperty("name")} {golden.GetProperty("options")}, step {step}, parameter {i}");
        }
    }

    [Theory, MemberData(nameof(OptimizerCases))]
    public void A_checkpoint_in_the_middle_changes_no_bit(int index)
    {
        using var scope = NewDisposeScope();
        var (golden, parameters, optimizer) = Case(index);
        // TorchSharp's own SGD cannot copy the state of a run without momentum (NullReferenceException).
        if (TorchBackend.IsPackage && optimizer is SGD { Momentum: 0 }) return;
        for (var step = 0; step < 10; step++) Step(golden, parameters, optimizer, step);

        // One copy goes on from the file, one from the state dictionary itself.
        using var stream = new MemoryStream();
        optimizer.save_state_dict(new BinaryWriter(stream));
        stream.Position = 0;
        var fromFile = parameters.Select(p => new Parameter(p.detach().clone())).ToList();
        var fromState = parameters.Select(p => new Parameter(p.detach().clone())).ToList();
        var (name, options) = (golden.GetProperty("name").GetString()!, golden.GetProperty("options"));
        var (second, third) = (Make(name, options, fromFile), Make(name, options, fromState));
        foreach (var group in second.ParamGroups) group.LearningRate = 0.5; // the file knows better
        second.load_state_dict(new BinaryReader(stream));
        third.load_state_dict(optimizer.state_dict());
        for (var step = 10; step < 20; step++)
        {
            Step(golden, parameters, optimizer, step);
            Step(golden, fromFile, second, step);
            Step(golden, fromState, third, step);
        }
        for (var i = 0; i < parameters.Count; i++)
        {
            Assert.Equal(Values(parameters[i]), Values(fromFile[i]));
            Assert.Equal(Values(parameters[i]), Values(fromState[i]));
        }
    }

    [Theory, MemberData(nameof(SchedulerCases))]
    public void A_scheduler_gives_PyTorchs_rates(string name)
    {
        using var optimizer = new SGD(
            [new SGD.ParamGroup([new Parameter(zeros(1))], lr: 0.8), new SGD.ParamGroup([new Parameter(zeros(1))], lr: 0.3)], 0.1);
        var scheduler = name switch
        {
            "step" => optim.lr_scheduler.StepLR(optimizer, 3, 0.5),
            "lambda" => optim.lr_scheduler.LambdaLR(optimizer, e => 1.0 / (1 + e)),
            "exponential" => optim.lr_scheduler.ExponentialLR(optimizer, 0.9),
            "linear" => optim.lr_scheduler.LinearLR(optimizer, 0.25, 1.0, 4),
            "linear_down" => optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, 8),
            "cosine" => optim.lr_scheduler.CosineAnnealingLR(optimizer, 5, 0.01),
            _ => throw new ArgumentException(name),
        };
        foreach (var expected in Section("schedulers").GetProperty(name).EnumerateArray())
        {
            var rates = optimizer.ParamGroups.Select(g => g.LearningRate).ToArray();
            Assert.Equal(rates, scheduler.get_last_lr());
            Assert.Equal(expected[0].GetDouble(), rates[0], 1e-12);
            Assert.Equal(expected[1].GetDouble(), rates[1], 1e-12);
            scheduler.step();
        }
    }

    [Fact]
    public void Groups_take_the_options_they_lack_from_the_optimizer()
    {
        var (a, b) = (new Parameter(ones(2)), new Parameter(ones(2)));
        using var optimizer = new SGD([new SGD.ParamGroup { Parameters = [a] }], 0.5);
        optimizer.add_param_group(new SGD.ParamGroup([b], new SGD.Options { LearningRate = 0.25 }));
        Assert.Equal([0.5, 0.25], optimizer.ParamGroups.Select(g => g.LearningRate));
        (a * 1.0 + b).sum().backward();
        optimizer.step();
        Assert.Equal([0.5, 0.5], Values(a));
        Assert.Equal([0.75, 0.75], Values(b));
        Assert.Equal(2, optimizer.parameters().Count());
    }

    [Fact]
    public void The_closures_loss_is_returned_and_zero_grad_keeps_the_gradient_tensor()
    {
        var p = new Parameter(ones(3));
        using var optimizer = optim.Adam([p], 0.1);
        using var loss = optimizer.step(() =>
        {
            optimizer.zero_grad();
            var l = (p * p).sum();
            l.backward();
            return l;
        });
        Assert.Equal(3f, loss.item<float>());
        Assert.All(Values(p), v => Assert.Equal(0.9, v, 1e-6));
        optimizer.zero_grad();
        Assert.Equal([0, 0, 0], Values(p.grad!));
    }

    [Fact]
    public void A_step_leaves_no_tensor_behind()
    {
        var p = new Parameter(ones(50));
        foreach (var optimizer in new OptimizerHelper[] { optim.SGD([p], 0.1, momentum: 0.9, nesterov: true), optim.RMSProp([p], 0.1, centered: true, momentum: 0.1), optim.Adam([p], 0.1, amsgrad: true), optim.AdamW([p], 0.1, weight_decay: 0.1) })
        {
            p.grad = ones(50);
            optimizer.step();
            var scopes = DisposeScopeManager.Statistics;
            var before = scopes.ThreadTotalLiveCount;
            for (var i = 0; i < 10; i++) optimizer.step();
            Assert.Equal(before, scopes.ThreadTotalLiveCount);
            optimizer.Dispose();
        }
    }

    [Fact]
    public void State_survives_the_scope_of_the_first_step()
    {
        var p = new Parameter(ones(2));
        using var optimizer = optim.SGD([p], 0.1, momentum: 0.9);
        for (var i = 0; i < 3; i++)
        {
            using var scope = NewDisposeScope();
            p.grad = ones(2);
            optimizer.step();
        }
        var state = (SGD.State)optimizer.state_dict().State.Single();
        Assert.Equal([2.71, 2.71], Values(state.momentum_buffer!).Select(v => Math.Round(v, 5)));
    }

    [Fact]
    public void Nonsense_is_refused()
    {
        var p = new Parameter(ones(2));
        Assert.Throws<ArgumentException>(() => optim.SGD([p], -1));
        Assert.Throws<ArgumentException>(() => optim.SGD([p], 0.1, nesterov: true));
        Assert.Throws<ArgumentException>(() => optim.Adam([p], beta1: 1));
        Assert.Throws<ArgumentException>(() => optim.RMSProp([p], alpha: -1));
        using var stream = new MemoryStream();
        optim.Adam([p]).save_state_dict(new BinaryWriter(stream));
        stream.Position = 0;
        Assert.Throws<InvalidDataException>(() => optim.AdamW([p]).load_state_dict(new BinaryReader(stream)));
        stream.Position = 0;
        Assert.Throws<ArgumentException>(() => optim.Adam([p, new Parameter(ones(1))]).load_state_dict(new BinaryReader(stream)));
    }
}
