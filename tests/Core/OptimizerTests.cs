// VectorOptimizer: PyTorch's numbers over 20 steps, schedules, and a state that resumes to the bit.
using System.Text.Json;
using System.Text.Json.Serialization;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core;

public sealed class OptimizerTests
{
    private sealed record Golden(double[] Start, double[][] Gradients, GoldenCase[] Cases);
    private sealed record GoldenCase(OptimizerOptions Options, double[][] Values);

    private static readonly Golden File = JsonSerializer.Deserialize<Golden>(
        System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Core", "Golden", "optimizers.json")),
        new JsonSerializerOptions(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } })!;

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, File.Cases.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void TwentyStepsEqualPyTorch(int number)
    {
        var golden = File.Cases[number];
        using var vector = Vector();
        using var optimizer = new VectorOptimizer(vector, golden.Options);
        for (var step = 0; step < File.Gradients.Length; step++)
        {
            Move(vector, optimizer, step);
            Assert.All(golden.Values[step].Zip(Values(vector)), p => Assert.Equal(p.First, p.Second, 1e-13));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ASavedOptimizerGoesOnToTheSameBits(int number)
    {
        var options = File.Cases[number].Options;
        using var vector = Vector();
        using var optimizer = new VectorOptimizer(vector, options, steps: 20);
        for (var step = 0; step < 7; step++) Move(vector, optimizer, step);
        using var copy = Vector();
        copy.CopyFrom(vector);
        using var resumed = new VectorOptimizer(copy, options, steps: 20);
        resumed.RestoreState(optimizer.SaveState());
        for (var step = 7; step < 20; step++)
        {
            Move(vector, optimizer, step);
            Move(copy, resumed, step);
        }
        Assert.Equal(Values(vector), Values(copy));
        Assert.Equal(20, resumed.Step);
    }

    [Fact]
    public void AStateOfAnotherRuleIsRefused()
    {
        using var vector = Vector();
        using var sgd = new VectorOptimizer(vector, new OptimizerOptions());
        using var adam = new VectorOptimizer(vector, new OptimizerOptions { Kind = OptimizerKind.Adam });
        Assert.Contains("Adam", Assert.Throws<RlLeapException>(() => sgd.RestoreState(adam.SaveState())).Message);
    }

    [Fact]
    public void SchedulesStartAtTheRateAndEndAtZero()
    {
        OptimizerOptions With(Schedule schedule) => new() { LearningRate = 0.2, Schedule = schedule };
        Assert.Equal(0.2, With(Schedule.Constant).RateAt(90, 100));
        Assert.Equal([0.2, 0.1, 0.0], new long[] { 0, 50, 100 }.Select(s => With(Schedule.Linear).RateAt(s, 100)));
        Assert.Equal(0.2, With(Schedule.Cosine).RateAt(0, 100));
        Assert.Equal(0.1, With(Schedule.Cosine).RateAt(50, 100), 1e-15);
        Assert.Equal(0, With(Schedule.Cosine).RateAt(100, 100), 1e-15);
    }

    // 37 values: whole vectors of the machine and a rest.
    [Theory]
    [InlineData(OptimizerKind.Adam)]
    [InlineData(OptimizerKind.RmsPropBaselines)]
    public void InOnePassTheRulesAreWhatTheyAreAsTensorOperations(OptimizerKind kind)
    {
        var options = new OptimizerOptions
        {
            Kind = kind, LearningRate = 0.01, WeightDecay = kind == OptimizerKind.Adam ? 0.1 : 0, MaxGradientNorm = 3
        };
        using var single = new ParameterVector(new ParameterLayout([new ParameterInfo("w", [37])]));
        using var exact = new ParameterVector(new ParameterLayout([new ParameterInfo("w", [37])]), ScalarType.Float64);
        using var once = new VectorOptimizer(single, options);
        using var operations = new VectorOptimizer(exact, options);
        var rng = new Rng(1);
        var gradient = new float[37];
        for (var step = 0; step < 50; step++)
        {
            rng.FillNormal(gradient);
            using var scope = NewDisposeScope();
            using (no_grad())
            {
                single.Gradient!.copy_(tensor(gradient));
                exact.Gradient!.copy_(tensor(gradient));
            }
            once.Update();
            operations.Update();
            Assert.All(Double(single).Zip(Double(exact)), p => Assert.Equal(p.Second, p.First, 2e-6));
        }
        static double[] Double(ParameterVector vector)
        {
            using var values = vector.Flat.detach().to_type(ScalarType.Float64);
            return values.data<double>().ToArray();
        }
    }

    [Fact]
    public void An_option_that_the_rule_does_not_have_is_refused()
    {
        using var vector = Vector();
        Assert.Contains("momentum", Refused(new OptimizerOptions { Kind = OptimizerKind.Adam, Momentum = 0.9 }));
        Assert.Contains("momentum",
            Refused(new OptimizerOptions { Kind = OptimizerKind.RmsPropBaselines, Momentum = 0.9 }));
        Assert.Contains("weight decay",
            Refused(new OptimizerOptions { Kind = OptimizerKind.RmsPropBaselines, WeightDecay = 1e-4 }));
        string Refused(OptimizerOptions options) =>
            Assert.Throws<RlLeapException>(() => new VectorOptimizer(vector, options)).Message;
    }

    private static ParameterVector Vector()
    {
        var vector = new ParameterVector(new ParameterLayout([new("a", [3]), new("b", [2, 2])]), ScalarType.Float64);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        vector.Flat.copy_(tensor(File.Start));
        return vector;
    }

    private static void Move(ParameterVector vector, VectorOptimizer optimizer, int step)
    {
        using var scope = NewDisposeScope();
        vector.ZeroGradient();
        using (no_grad()) vector.Gradient!.copy_(tensor(File.Gradients[step]));
        optimizer.Update();
    }

    private static double[] Values(ParameterVector vector)
    {
        using var scope = NewDisposeScope();
        return vector.Flat.detach().data<double>().ToArray();
    }
}
