// Roles and step sizes of parameters: patterns, what optimizers move, what learners save.
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core;

public sealed class ParameterRoleTests
{
    private static readonly Head[] Heads = [new("policy", 2), new("value", 1)];

    private static ParameterInfo[] Entries(
        Dictionary<string, ParameterRole>? roles = null, Dictionary<string, double>? rates = null) =>
        [.. Model.LayoutOf(new TinyNetwork(), Heads, new ParameterRoles(roles, rates)).Entries];

    [Theory]
    [InlineData("body", "0.weight 0.bias")]
    [InlineData("head", "policy.weight policy.bias value.weight value.bias")]
    [InlineData("0", "0.weight 0.bias")]
    [InlineData("*.bias", "0.bias policy.bias value.bias")]
    [InlineData("p*", "policy.weight policy.bias")]
    [InlineData("policy.weight", "policy.weight")]
    [InlineData("*", "0.weight 0.bias policy.weight policy.bias value.weight value.bias")]
    public void A_pattern_matches_names_and_their_beginnings(string pattern, string names) =>
        Assert.Equal(names.Split(' '), Entries(new() { [pattern] = ParameterRole.Frozen })
            .Where(entry => entry.Role == ParameterRole.Frozen).Select(entry => entry.Name));

    [Fact]
    public void The_longest_pattern_counts_and_a_tie_is_an_error()
    {
        var entries = Entries(new() { ["*"] = ParameterRole.Frozen, ["policy"] = ParameterRole.Adapted });
        Assert.Equal(["policy.weight", "policy.bias"],
            entries.Where(entry => entry.Role == ParameterRole.Adapted).Select(entry => entry.Name));
        var tie = Assert.Throws<RlLeapException>(() =>
            Entries(new() { ["policy.b*"] = ParameterRole.Frozen, ["*icy.bias"] = ParameterRole.Meta })).Message;
        Assert.Contains("equally long", tie, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_an_error_before_training()
    {
        var options = With(("conv*", ParameterRole.Frozen));
        var message = Assert.Throws<RlLeapException>(() => Learner(options)).Message;
        Assert.Contains("roles: the pattern conv* matches no parameter", message, StringComparison.Ordinal);
        Assert.Contains("0.weight", message, StringComparison.Ordinal);
        options = new LearnerOptions { Rates = new Dictionary<string, double> { ["heads"] = 2 } };
        Assert.Contains("rates: the pattern heads",
            Assert.Throws<RlLeapException>(() => Learner(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_learner_with_nothing_to_adapt_is_refused() => Assert.Contains("adapted",
        Assert.Throws<RlLeapException>(() => Learner(With(("*", ParameterRole.Frozen)))).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(OptimizerKind.Sgd, 0.9)]
    [InlineData(OptimizerKind.RmsProp, 0.5)]
    [InlineData(OptimizerKind.Adam, 0)]
    [InlineData(OptimizerKind.RmsPropBaselines, 0)]
    public void Only_adapted_entries_move_and_as_if_they_were_alone(OptimizerKind kind, double momentum)
    {
        var options = new OptimizerOptions
        {
            Kind = kind, Momentum = momentum, LearningRate = 0.05, MaxGradientNorm = 1,
            WeightDecay = kind == OptimizerKind.RmsPropBaselines ? 0 : 0.01
        };
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            using var all = Vector(type, ParameterRole.Frozen, ParameterRole.Adapted, ParameterRole.Meta);
            using var alone = new ParameterVector(new ParameterLayout([new("b", [9])]), type);
            using (no_grad()) alone.Flat.copy_(all["b"]);
            var before = all.Flat.detach().clone();
            using var some = new VectorOptimizer(all, options);
            using var one = new VectorOptimizer(alone, options);
            for (var step = 0; step < 5; step++)
            {
                using (no_grad())
                {
                    all.Gradient!.copy_(Noise(type, 20, step));
                    alone.Gradient!.copy_(all.GradientOf("b"));
                }
                some.Update();
                one.Update();
                Assert.Equal(one.GradientNorm, some.GradientNorm, 1e-6);
            }
            using var _ = no_grad();
            Assert.True(all["b"].allclose(alone["b"], 1e-6, 1e-7));
            Assert.False(all["b"].allclose(before.narrow(0, 7, 9)));
            Assert.True(all["a"].Equals(before.narrow(0, 0, 7)));
            Assert.True(all["c"].Equals(before.narrow(0, 16, 4)));
        }
    }

    [Fact]
    public void A_rate_is_a_factor_on_the_learning_rate()
    {
        using var vector = new ParameterVector(new ParameterLayout([new("a", [2]), new("b", [2]) { Rate = 10 }]),
            ScalarType.Float64);
        using var optimizer = new VectorOptimizer(vector, new OptimizerOptions { LearningRate = 0.5 });
        using (no_grad()) vector.Gradient!.fill_(1.0);
        optimizer.Update();
        Assert.Equal([-0.5, -0.5, -5, -5], vector.Flat.detach().data<double>().ToArray());
    }

    [Fact]
    public void A_learner_leaves_frozen_and_meta_parameters_to_the_bit_and_resumes()
    {
        using var folder = new TempFolder();
        var options = With(("0.weight", ParameterRole.Frozen), ("0.bias", ParameterRole.Meta)) with
        {
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.Adam, WeightDecay = 0.1 },
            Rates = new Dictionary<string, double> { ["*.bias"] = 0.5 },
        };
        using var whole = Learner(options);
        var before = whole.Model.Parameters.Flat.detach().clone();
        for (var i = 0; i < 3; i++) whole.TrainStep();
        whole.Save(folder["half"]);
        for (var i = 0; i < 3; i++) whole.TrainStep();
        using var resumed = Learner(options, seed: 9);
        resumed.Load(folder["half"]);
        for (var i = 0; i < 3; i++) resumed.TrainStep();
        Assert.True(whole.Model.Parameters.Flat.Equals(resumed.Model.Parameters.Flat));
        using var _ = no_grad();
        var body = whole.Model.Network.Parameters.Sum(entry => entry.Count);
        var after = whole.Model.Parameters.Flat.detach();
        Assert.True(after.narrow(0, 0, body).Equals(before.narrow(0, 0, body)));
        Assert.False(after.Equals(before));

        using var other = Learner(new LearnerOptions());
        Assert.Contains("0.weight frozen",
            Assert.Throws<RlLeapException>(() => other.Load(folder["half"])).Message, StringComparison.Ordinal);
    }

    private static LearnerOptions With(params (string Pattern, ParameterRole Role)[] roles) =>
        new() { Roles = roles.ToDictionary(role => role.Pattern, role => role.Role) };

    private static Learner Learner(LearnerOptions options, long seed = 1) =>
        new(new LearnerTests.Regression(), new TinyNetwork(), options, new Rng(seed));

    private static ParameterVector Vector(ScalarType type, params ParameterRole[] roles)
    {
        var vector = new ParameterVector(new ParameterLayout([new("a", [7]) { Role = roles[0] },
            new("b", [9]) { Role = roles[1] }, new("c", [4]) { Role = roles[2] }]), type);
        using var _ = no_grad();
        vector.Flat.copy_(Noise(type, 20, 99));
        return vector;
    }

    private static Tensor Noise(ScalarType type, int count, int seed)
    {
        var values = new float[count];
        new Rng(seed).FillNormal(values);
        return tensor(values).to_type(type);
    }
}
