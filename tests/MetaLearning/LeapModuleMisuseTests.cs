// What can go wrong around a module of the user's own without being seen in the result.
using RlLeap.MetaLearning;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class LeapModuleMisuseTests
{
    private static Sequential Net() => nn.Sequential(
        ("first", nn.Linear(1, 4)), ("norm", nn.BatchNorm1d(4)), ("bend", nn.Tanh()), ("last", nn.Linear(4, 1)));

    private static readonly OptimizerOptions Decaying =
        new() { Kind = OptimizerKind.Adam, LearningRate = 0.01, WeightDecay = 0.1 };

    private static void Train(Sequential net, LeapModule leap, int steps = 4)
    {
        using var scope = NewDisposeScope();
        using var path = leap.Begin();
        using var optimizer = optim.SGD(net.parameters().Where(p => p.requires_grad), 0.05);
        for (var k = 0; k < steps; k++)
        {
            optimizer.zero_grad();
            var x = linspace(-2, 2, 8).reshape(8, 1) + k;
            var loss = nn.functional.mse_loss(net.call(x), x.sin());
            loss.backward();
            path.Observe(loss);
            optimizer.step();
        }
        leap.Add(path);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void FrozenParametersStayWhereTheyAre(bool frozenFromTheFirst)
    {
        using var scope = NewDisposeScope();
        var net = Net();
        var weight = ((Linear)net[0]).weight!;
        if (frozenFromTheFirst) weight.requires_grad = false;
        using var leap = new LeapModule(net, new LeapOptions(), Decaying);
        Train(net, leap);
        leap.Step();
        weight.requires_grad = false;
        var (before, other) = (weight.detach().clone(), ((Linear)net[3]).weight!.detach().clone());
        Train(net, leap);
        leap.Step();
        Assert.Equal(before.data<float>().ToArray(), weight.detach().data<float>().ToArray());
        Assert.NotEqual(other.data<float>().ToArray(), ((Linear)net[3]).weight!.detach().data<float>().ToArray());
        foreach (var parameter in net.parameters()) parameter.requires_grad = false;
        Assert.Throws<RlLeapException>(() => new LeapModule(net, new LeapOptions()));
    }

    [Fact]
    public void APathCountsOnceAndNothingMovesTheModuleUnderOne()
    {
        using var scope = NewDisposeScope();
        var net = Net();
        using var leap = new LeapModule(net, new LeapOptions());
        using var other = new LeapModule(net, new LeapOptions());
        Train(net, leap);
        var path = leap.Begin();
        foreach (var misuse in new Action[]
            { () => leap.Begin(), leap.Step, leap.Reset, () => leap.Save("/tmp/x"), () => leap.Load("/tmp/x") })
            Assert.Contains("A path is open", Assert.Throws<RlLeapException>(misuse).Message, StringComparison.Ordinal);
        Assert.Contains("not open", Assert.Throws<RlLeapException>(() => other.Add(path)).Message);
        Assert.Contains("one number", Assert.Throws<RlLeapException>(() => path.Observe(zeros(8, 1))).Message);
        path.Dispose();
        Assert.Throws<RlLeapException>(() => leap.Add(path));
        using var again = leap.Begin();
        net.zero_grad();
        var loss = net.call(ones(8, 1)).sum();
        loss.backward();
        again.Observe(loss);
        leap.Add(again);
        Assert.Contains("added before", Assert.Throws<RlLeapException>(() => leap.Add(again)).Message);
        leap.Step();
    }

    [Fact]
    public void WhatIsSavedGoesOnToTheSameBits()
    {
        using var folder = new TempFolder();
        using var scope = NewDisposeScope();
        var (net, copy) = (Net(), Net());
        using var leap = new LeapModule(net, new LeapOptions(), Decaying, name => !name.StartsWith("norm", default));
        using var loaded = new LeapModule(copy, new LeapOptions(), Decaying, name => !name.StartsWith("norm", default));
        Train(net, leap);
        Assert.Contains("after it", Assert.Throws<RlLeapException>(() => leap.Save(folder["a"])).Message);
        leap.Step();
        leap.Save(folder["a"]);
        loaded.Load(folder["a"]);
        Assert.Equal(leap.MetaSteps, loaded.MetaSteps);
        foreach (var (module, meta) in new[] { (net, leap), (copy, loaded) })
        {
            Train(module, meta);
            meta.Step();
        }
        foreach (var (a, b) in net.state_dict().Values.Zip(copy.state_dict().Values))
            Assert.Equal(a.to_type(ScalarType.Float64).data<double>().ToArray(),
                b.to_type(ScalarType.Float64).data<double>().ToArray());
        var bytes = File.ReadAllBytes(folder["a"]);
        bytes[^3] ^= 1;
        File.WriteAllBytes(folder["b"], bytes);
        Assert.Throws<DamagedFileException>(() => loaded.Load(folder["b"]));
        using var another = new LeapModule(nn.Linear(3, 3), new LeapOptions());
        Assert.Contains("another module", Assert.Throws<RlLeapException>(() => another.Load(folder["a"])).Message);
        using var reptile = new LeapModule(copy, new ReptileOptions());
        Assert.Contains("not of reptile", Assert.Throws<RlLeapException>(() => reptile.Load(folder["a"])).Message);
    }
}
