// The formulas of the few-shot methods, computed once more the long way.
using RlLeap.MetaLearning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.MetaLearning;

public sealed class FewShotMethodTests
{
    private static readonly EpisodeShape Shape = new() { Way = 3, Shot = 2, Query = 2 };

    private static (Model Model, Episode Episode, float[][] Support, float[][] Query) Made(FewShotMethod method)
    {
        var encoder = method.ComparesMaps ? new FewShotTests.SmallNorm(64, filters: 4) : new FewShotTests.SmallNorm();
        var model = new Model(method.Extend(encoder), method.Heads) { Training = false };
        model.Initialize(new Rng(2));
        var episode = new FewShotTests.Directions().Draw(Split.Train, Shape, new Rng(1), CPU, ScalarType.Float32);
        var features = model.Features(episode.Images).detach();
        return (model, episode, Rows(episode.SupportOf(features)), Rows(episode.QueryOf(features)));
    }

    private static float[][] Rows(Tensor x) =>
        [.. Enumerable.Range(0, (int)x.shape[0]).Select(i => x[i].contiguous().data<float>().ToArray())];

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    [Fact]
    public void Matching_is_attention_by_scaled_cosines()
    {
        var method = new MatchingOptions { Scale = 7 };
        var (model, episode, support, query) = Made(method);
        var loss = 0.0;
        for (var q = 0; q < 6; q++)
        {
            double[] weights = [.. support.Select(s =>
                Math.Exp(7 * Dot(s, query[q]) / Math.Sqrt(Dot(s, s) * Dot(query[q], query[q]))))];
            var ofClass = weights[2 * (q / 2)] + weights[2 * (q / 2) + 1];
            loss -= Math.Log(ofClass / weights.Sum()) / 6;
        }
        Assert.Equal(loss, method.Evaluate(model, episode).Loss.item<float>(), 1e-5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Siamese_weighs_pairs_as_asked_for_and_takes_the_most_similar_image(bool balanced)
    {
        var method = new SiameseOptions { Balanced = balanced };
        var (model, episode, support, query) = Made(method);
        var (weight, bias) = (model.Parameters["similarity.weight"].data<float>().ToArray(),
            model.Parameters["similarity.bias"].item<float>());
        var (same, other) = (new List<double>(), new List<double>());
        var scores = new double[6, 3];
        for (var q = 0; q < 6; q++)
            for (var s = 0; s < 6; s++)
            {
                var distance = support[s].Zip(query[q], (x, y) => Math.Abs(x - y)).Zip(weight, (d, w) => d * w).Sum();
                var p = 1 / (1 + Math.Exp(-(distance + bias)));
                (q / 2 == s / 2 ? same : other).Add(-Math.Log(q / 2 == s / 2 ? p : 1 - p));
                scores[q, s / 2] = s % 2 == 0 ? distance + bias : Math.Max(scores[q, s / 2], distance + bias);
            }
        var outcome = method.Evaluate(model, episode);
        var expected = balanced ? (same.Average() + other.Average()) / 2 : same.Concat(other).Average();
        Assert.Equal(expected, outcome.Loss.item<float>(), 1e-5);
        Assert.True(outcome.Scores.allclose(tensor(scores).to_type(ScalarType.Float32), 1e-4, 1e-5));
    }

    [Fact]
    public void Relation_compares_maps_side_by_side_and_its_loss_is_the_squared_error()
    {
        var method = new RelationOptions();
        var (model, episode, support, query) = Made(method);
        Tensor P(string name) => model.Parameters["relation." + name];
        Tensor B(string name) => model.Buffers["relation." + name];
        Tensor Block(Tensor x, int i) => F.max_pool2d(F.relu(F.batch_norm(
            F.conv2d(x, P($"{i}.conv.weight"), P($"{i}.conv.bias"), strides: [1, 1], padding: [1, 1]),
            B($"{i}.norm.running_mean"), B($"{i}.norm.running_var"), P($"{i}.norm.weight"), P($"{i}.norm.bias"))), 2);
        var loss = 0.0;
        for (var q = 0; q < 6; q++)
            for (var k = 0; k < 3; k++)
            {
                var sum = support[2 * k].Zip(support[2 * k + 1], (a, b) => a + b).ToArray();
                var pair = cat([tensor(query[q], [1, 4, 4, 4]), tensor(sum, [1, 4, 4, 4])], 1);
                var hidden = F.relu(F.linear(Block(Block(pair, 0), 1).flatten(1), P("2.weight"), P("2.bias")));
                var score = F.linear(hidden, P("3.weight"), P("3.bias")).sigmoid().item<float>();
                loss += Math.Pow(score - (q / 2 == k ? 1 : 0), 2) / 18;
            }
        Assert.Equal(loss, method.Evaluate(model, episode).Loss.item<float>(), 1e-5);
    }

    [Fact]
    public void Relation_refuses_features_that_are_no_maps()
    {
        var message = Assert.Throws<RlLeapException>(
            () => new RelationOptions().Extend(new FewShotTests.SmallNorm())).Message;
        Assert.Contains("compares feature maps of at least 4x4, but small-norm gives 8 features of 8 maps", message);
    }

    [Fact]
    public void The_support_in_full_context_is_a_bidirectional_lstm_beside_the_features()
    {
        var method = new MatchingOptions { FullContext = true };
        var (model, _, support, _) = Made(method);
        using var lstm = nn.LSTM(8, 8, bidirectional: true);
        using (no_grad())
            foreach (var (ours, theirs) in new[] { ("forward", ""), ("backward", "_reverse") })
            {
                foreach (var (mine, name) in new[]
                    { ("input", "weight_ih"), ("state", "weight_hh"), ("bias", "bias_ih") })
                {
                    var drawn = model.Parameters[$"context.{ours}.{mine}"].uniform_(-1, 1);
                    lstm.get_parameter($"{name}_l0{theirs}")!.copy_(drawn);
                }
                lstm.get_parameter($"bias_hh_l0{theirs}")!.zero_();
            }
        var features = stack(support.Select(row => tensor(row)));
        var (output, _, _) = lstm.call(features.unsqueeze(1));
        var expected = features + output.squeeze(1).narrow(1, 0, 8) + output.squeeze(1).narrow(1, 8, 8);
        var actual = ((FullContext)model.Network).Support(model.Pass, features);
        Assert.True(actual.allclose(expected, 1e-4, 1e-5));
    }

    [Fact]
    public void Full_context_is_trained_with_the_rest()
    {
        var method = new MatchingOptions { FullContext = true };
        var (model, episode, _, _) = Made(method);
        model.Training = true;
        model.Parameters.ZeroGradient();
        method.Evaluate(model, episode).Loss.backward();
        var ofContext = model.Parameters.Layout.Entries.Select(entry => entry.Name)
            .Where(name => name.StartsWith("context.", StringComparison.Ordinal)).ToList();
        Assert.Equal(9, ofContext.Count);
        foreach (var name in ofContext)
            Assert.True(model.Parameters.GradientOf(name).abs().max().item<float>() > 0, name);
    }
}
