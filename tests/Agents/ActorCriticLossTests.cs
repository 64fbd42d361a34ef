// The loss by hand, its gradient by central differences, and what must not move it.
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class ActorCriticLossTests
{
    private static readonly ActorCriticOptions Options = ActorCriticOptions.Leap with
    { EntropyCoefficient = 0.3, ValueCoefficient = 0.7 };

    [Fact]
    public void The_terms_are_those_of_the_formula_worked_out_by_hand()
    {
        using var scope = NewDisposeScope();
        // Probabilities 1/4, 3/4 and 2/3, 1/3
        var logits = tensor(new[] { 0.0, Math.Log(3), Math.Log(2), 0.0 }, [2, 2]);
        var values = tensor(new[] { 1.0, 2.0 });
        var loss = ActorCritic.Loss(logits, values, [1, 0], [2, 5], [1, -2], Options);
        var policy = -(1 * Math.Log(0.75) - 2 * Math.Log(2.0 / 3)) / 2;
        var value = (1.0 + 9) / 2;
        var entropy = -(0.25 * Math.Log(0.25) + 0.75 * Math.Log(0.75) + 2.0 / 3 * Math.Log(2.0 / 3)
            + 1.0 / 3 * Math.Log(1.0 / 3)) / 2;
        Assert.Equal(policy, loss.Policy.item<double>(), 1e-12);
        Assert.Equal(value, loss.Value.item<double>(), 1e-12);
        Assert.Equal(entropy, loss.Entropy.item<double>(), 1e-12);
        Assert.Equal(policy + 0.7 * value - 0.3 * entropy, loss.Total.item<double>(), 1e-12);
        // Errors 1 and 3 about their mean 2, returns 2 and 5 about 3.5.
        Assert.Equal(1 - 1 / 2.25, loss.ExplainedVariance, 1e-6);
    }

    [Fact]
    public void A_sum_is_the_mean_times_the_number_of_steps()
    {
        using var scope = NewDisposeScope();
        var (model, rollout) = Some(seed: 3);
        using (model)
        using (rollout)
        {
            var mean = ActorCritic.Loss(model, rollout, Options).Total.item<double>();
            var sum = ActorCritic.Loss(model, rollout, Options with { Reduction = LossReduction.Sum }).Total
                .item<double>();
            Assert.Equal(mean * rollout.Count, sum, 1e-9);
        }
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.9)]
    public void Its_gradient_is_that_of_central_differences_with_targets_held_fixed(double lambda)
    {
        using var scope = NewDisposeScope();
        var options = Options with { Lambda = lambda };
        var (model, rollout) = Some(seed: 4);
        using (model)
        using (rollout)
        {
            model.Parameters.ZeroGradient();
            ActorCritic.Loss(model, rollout, options).Total.backward();
            var gradient = model.Parameters.Gradient!.data<double>().ToArray();

            var (returns, advantages) = (new float[rollout.Count], new float[rollout.Count]);
            using (no_grad())
            {
                var values = model.Forward(rollout.Inputs)[1].to_type(ScalarType.Float32).data<float>().ToArray();
                var bootstrap = model.Forward(rollout.Row(rollout.Length))[1].to_type(ScalarType.Float32)
                    .data<float>().ToArray();
                ActorCritic.Targets(rollout, values, bootstrap, options, returns, advantages);
            }
            const double h = 1e-5;
            for (var k = 0; k < gradient.Length; k += 7)
                Assert.Equal((At(k, h) - At(k, -h)) / (2 * h), gradient[k], 1e-6);

            double At(int k, double step)
            {
                using var inner = NewDisposeScope();
                using var _ = no_grad();
                var entry = model.Parameters.Flat.detach()[k];
                entry.add_(step);
                var outputs = model.Forward(rollout.Inputs);
                var loss = ActorCritic.Loss(outputs[0], outputs[1].squeeze(1), rollout.Actions, returns, advantages,
                    options).Total.item<double>();
                entry.sub_(step);
                return loss;
            }
        }
    }

    [Fact]
    public void Normalized_advantages_do_not_change_with_the_scale_of_rewards()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new[] { 0.5, -1, 0.2, 0.1, 2, 0 }, [3, 2]);
        double Policy(float scale) => ActorCritic.Loss(logits, zeros([3], ScalarType.Float64), [0, 1, 1], new float[3],
            [scale, 2 * scale, 4 * scale], Options with { NormalizeAdvantages = true }).Policy.item<double>();
        Assert.Equal(Policy(1), Policy(1000), 1e-6);
    }

    // A small network in float64 with a rollout of noise, ends included.
    private static (Model, Rollout) Some(long seed)
    {
        var rng = new Rng(seed);
        var box = Box.Bytes(1, 2, 4, 4);
        var model =
            new Model(new ConvolutionalNetwork("small", box, [new(3, 2, 1)], 5, LayerInitialization.TorchDefault,
                channelsLast: false), ActorCritic.Heads(3, LayerInitialization.TorchDefault), ScalarType.Float64);
        model.Initialize(rng.Split("model"));
        var rollout = new Rollout(4, 3, box);
        foreach (ref var cell in rollout.Observations.Bytes.AsSpan()) cell = (byte)rng.NextInt(2);
        for (var k = 0; k < rollout.Count; k++)
        {
            rollout.Actions[k] = rng.NextInt(3);
            rollout.Rewards[k] = (float)rng.NextNormal();
            rollout.Discounts[k] = rng.NextBool(0.25) ? 0 : 0.9f;
        }
        return (model, rollout);
    }
}
