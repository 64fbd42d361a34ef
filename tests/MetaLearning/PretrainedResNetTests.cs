// ResNet-18 of TorchVision's package with weights of PyTorch: all names match, and the features are PyTorch's.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using PretrainedNetwork;
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class PretrainedResNetTests : IDisposable
{
    private static readonly string Golden = Path.Combine(Repository.Root, "tests", "MetaLearning", "Golden");
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WeightsOfPyTorchGiveTheFeaturesThatPyTorchHad()
    {
        using var scope = NewDisposeScope();
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(Golden, "resnet18.json")));
        var weights = new Dictionary<string, Tensor>();
        foreach (var (i, entry) in golden.RootElement.GetProperty("shapes").EnumerateArray().Index())
        {
            var (name, shape) = (entry[0].GetString()!, entry[1].EnumerateArray().Select(n => n.GetInt64()).ToArray());
            if (shape.Length > 0) weights[name] = Wave(name, i, shape); // else a counter
        }
        SafeTensors.Write(_folder["resnet18.safetensors"], weights);
        RequireFeatures(_folder["resnet18.safetensors"],
            [.. golden.RootElement.GetProperty("features").EnumerateArray().Select(x => x.GetDouble())]);
    }

    [Fact]
    public void SoDoesAStateDictThatTheTorchvisionOfThisMachineWrites()
    {
        var start = new ProcessStartInfo("/usr/bin/python3", [Path.Combine(Golden, "resnet18.py"), _folder["net.pt"]])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        if (!File.Exists(start.FileName)) return; // no Python here
        var (code, printed, _) = ProgramProcess.Wait(Process.Start(start)!);
        if (code != 0) return; // no torchvision here
        RequireFeatures(_folder["net.pt"],
            [.. printed.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))]);
    }

    private static void RequireFeatures(string path, double[] expected)
    {
        using var scope = NewDisposeScope();
        using var model = new Model(ResNet18.Encoder(32), [new Head("classes", 2)]);
        model.Initialize(new Rng(1));
        model.Training = false;
        var match = PretrainedWeights.Load(model, path);
        Assert.Equal(["classes.weight", "classes.bias"], match.Missing);
        Assert.Equal(["fc.bias", "fc.weight"], match.Unused);
        Assert.Empty(match.Misshapen);
        Assert.StartsWith("100 loaded; ", match.ToString(), StringComparison.Ordinal);
        var image = arange(3 * 32 * 32, dtype: ScalarType.Float64).mul(0.01).sin().to_type(ScalarType.Float32);
        using var _ = no_grad();
        var features = model.Features(image.view(1, 3, 32, 32)).data<float>().ToArray();
        Assert.Equal(512, features.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], features[32 * i], 1e-4);
    }

    // The formulas of resnet18.py.
    private static Tensor Wave(string name, int number, long[] shape)
    {
        var wave = arange(shape.Aggregate(1L, (product, size) => product * size), dtype: ScalarType.Float64)
            .mul(0.37).add(number).sin();
        var isOffset = name.EndsWith("bias", StringComparison.Ordinal)
            || name.EndsWith("mean", StringComparison.Ordinal);
        var scaled = shape.Length > 1 ? wave * 0.05 : wave * 0.1 + (isOffset ? 0 : 1);
        return scaled.view(shape).to_type(ScalarType.Float32);
    }
}
