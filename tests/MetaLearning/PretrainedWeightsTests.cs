// Weights that PyTorch saved, in models of ours: values, names, and a list of what did not match.
using System.Diagnostics;
using System.Globalization;
using RlLeap.Data;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class PretrainedWeightsTests : IDisposable
{
    private static readonly string Golden = Path.Combine(Repository.Root, "tests", "MetaLearning", "Golden");

    // The names of PyTorch's file as our encoder has them.
    private static readonly (string, string)[] Renames =
        [(@"^conv(\d)\.", "encoder.$1.conv."), (@"^bn(\d)\.", "encoder.$1.norm."), (@"^fc\.", "classes.")];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AStateDictOfPyTorchGivesTheOutputsThatPyTorchHad() =>
        RequireSameOutputs(Path.Combine(Golden, "pytorch-state-dict.pt"), [-0.278344, -0.190605]);

    [Fact]
    public void SoDoesOneThatThePyTorchOfThisMachineWrites()
    {
        var path = _folder["fresh.pt"];
        var start = new ProcessStartInfo("/usr/bin/python3",
            [Path.Combine(Golden, "pytorch-state-dict.py"), path])
        { RedirectStandardOutput = true };
        start.RedirectStandardError = true;
        if (!File.Exists(start.FileName)) return; // no Python here
        using var python = Process.Start(start)!;
        var printed = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        if (python.ExitCode != 0) return; // no PyTorch here
        RequireSameOutputs(path,
            [.. printed.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))]);
    }

    [Fact]
    public void WhatDoesNotMatchIsListedAndStaysAsItWas()
    {
        using var scope = NewDisposeScope();
        using var model = Model(classes: 3);
        var before = model.Parameters["classes.weight"].detach().clone();
        var match = PretrainedWeights.Load(model, Path.Combine(Golden, "pytorch-state-dict.pt"), Renames[..2]);
        Assert.False(match.IsComplete);
        Assert.Equal(["classes.weight", "classes.bias"], match.Missing);
        Assert.Equal(["fc.bias", "fc.weight"], match.Unused);
        Assert.Equal(12, match.Loaded.Count);
        Assert.Contains("2 not in the model: fc.bias, fc.weight", match.ToString());
        match = PretrainedWeights.Load(model, Path.Combine(Golden, "pytorch-state-dict.pt"), Renames);
        Assert.Equal("classes.weight [3, 12] is [2, 12] in the file", match.Misshapen[0]);
        Assert.Equal(before.data<float>().ToArray(),
            model.Parameters["classes.weight"].detach().data<float>().ToArray());
    }

    [Fact]
    public void SafetensorsAreReadTheSame()
    {
        using var scope = NewDisposeScope();
        var weights = PretrainedWeights.Read(Path.Combine(Golden, "pytorch-state-dict.pt"));
        SafeTensors.Write(_folder["w.safetensors"], weights);
        var again = PretrainedWeights.Read(_folder["w.safetensors"]);
        Assert.Equal(weights.Keys.Order(), again.Keys.Order());
        foreach (var (name, value) in weights) Assert.True(value.equal(again[name]).all().item<bool>(), name);
    }

    [Fact]
    public void AFileThatIsNoStateDictIsRefusedInWords()
    {
        File.WriteAllText(_folder["odd.pt"], "not a zip");
        Assert.Contains("torch.save(module.state_dict(), path)",
            Assert.Throws<RlLeapException>(() => PretrainedWeights.Read(_folder["odd.pt"])).Message);
        using var model = Model(classes: 2);
        Assert.Contains("after renaming", Assert.Throws<RlLeapException>(() => PretrainedWeights.Load(
            model, Path.Combine(Golden, "pytorch-state-dict.pt"), [("^conv.", "x.")])).Message);
    }

    private static Model Model(int classes)
    {
        var model = new Model(new ConvolutionalEncoder(1, 8, 3, blocks: 2), [new Head("classes", classes)]);
        model.Initialize(new Rng(1));
        model.Training = false;
        return model;
    }

    private static void RequireSameOutputs(string path, double[] expected)
    {
        using var scope = NewDisposeScope();
        using var model = Model(classes: 2);
        var match = PretrainedWeights.Load(model, path, Renames);
        Assert.True(match.IsComplete, match.ToString());
        var outputs = model.Output(arange(64f).view(1, 1, 8, 8) / 64).detach().data<float>().ToArray();
        for (var i = 0; i < 2; i++) Assert.Equal(expected[i], outputs[i], 1e-5);
    }
}
