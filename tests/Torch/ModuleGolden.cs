// Reads Golden/modules.json (written by Golden/generate_modules.py with python3-torch) and compares tensors with it.
using System.Text.Json;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Torch;

internal static class ModuleGolden
{
    private static readonly Lazy<JsonElement> File = new(() =>
        JsonDocument.Parse(System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Torch", "Golden", "modules.json"))).RootElement);

    public static JsonElement Section(string name) => File.Value.GetProperty(name);

    public static TheoryData<string> Names(string section)
    {
        var data = new TheoryData<string>();
        foreach (var entry in Section(section).EnumerateObject()) data.Add(entry.Name);
        return data;
    }

    public static ScalarType Type(string name) => name switch
    {
        "float32" => ScalarType.Float32,
        "float64" => ScalarType.Float64,
        "int64" => ScalarType.Int64,
        _ => throw new ArgumentException(name),
    };

    public static Tensor Read(JsonElement golden)
    {
        var values = golden.GetProperty("d").EnumerateArray().Select(v => v.GetDouble()).ToArray();
        var shape = golden.GetProperty("s").EnumerateArray().Select(v => v.GetInt64()).ToArray();
        return tensor(values, shape).to(Type(golden.GetProperty("t").GetString()!));
    }

    /// <summary>Same type and shape, and values within rounding of one another.</summary>
    public static void Near(JsonElement golden, Tensor actual, string what)
    {
        using var scope = NewDisposeScope();
        var expected = Read(golden);
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        var (relative, absolute) = expected.dtype == ScalarType.Float64 ? (1e-10, 1e-11) : (2e-5, 2e-5);
        var (a, b) = (Values(expected), Values(actual));
        for (var i = 0; i < a.Length; i++)
            Assert.True(Math.Abs(a[i] - b[i]) <= absolute + relative * Math.Abs(a[i]), $"{what}[{i}]: expected {a[i]:R}, got {b[i]:R}");
    }

    public static void Same(JsonElement golden, Tensor actual, string what)
    {
        using var scope = NewDisposeScope();
        var expected = Read(golden);
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(Values(expected).SequenceEqual(Values(actual)), $"{what} differs");
    }

    public static double[] Values(Tensor t)
    {
        using var scope = NewDisposeScope();
        return t.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    public static Dictionary<string, Tensor> State(JsonElement golden) => golden.EnumerateObject().ToDictionary(e => e.Name, e => Read(e.Value));
}

/// <summary>Tests that draw from torch's one global generator run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class GlobalGenerator
{
    public const string Name = "the global torch generator";
}
