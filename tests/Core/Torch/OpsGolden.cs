// The operations that the product uses against python3-torch: results in float64 and float32, gradients, and double
// backward.
// Golden/generate_ops.py writes Golden/ops.json and holds the same table in Python.
using System.Text.Json;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace RlLeap.Tests.Core.Torch;

public class OpsGolden
{
    private static readonly Dictionary<string, Func<Tensor[], Tensor>> Table = new()
    {
        ["abs"] = t => t[0].abs(), ["ceil"] = t => t[0].ceil(), ["exp"] = t => t[0].exp(),
        ["floor"] = t => t[0].floor(), ["neg"] = t => -t[0], ["round"] = t => t[0].round(),
        ["sign"] = t => t[0].sign(), ["cos"] = t => t[0].cos(), ["tanh"] = t => t[0].tanh(),
        ["cosh"] = t => t[0].cosh(), ["square"] = t => t[0].square(), ["sigmoid"] = t => t[0].sigmoid(),
        ["relu"] = t => F.relu(t[0]), ["isfinite"] = t => t[0].isfinite(), ["sqrt"] = t => t[0].sqrt(),
        ["rsqrt"] = t => t[0].rsqrt(), ["atanh"] = t => t[0].atanh(), ["add"] = t => t[0] + t[1],
        ["sub"] = t => t[0] - t[1], ["mul"] = t => t[0] * t[1], ["div"] = t => t[0] / t[1],
        ["maximum"] = t => maximum(t[0], t[1]), ["minimum"] = t => minimum(t[0], t[1]),
        ["remainder"] = t => t[0] % t[1], ["eq"] = t => t[0] == t[1], ["ne"] = t => t[0] != t[1],
        ["lt"] = t => t[0] < t[1], ["le"] = t => t[0] <= t[1], ["gt"] = t => t[0] > t[1], ["ge"] = t => t[0] >= t[1],
        ["add_alpha"] = t => t[0].add(t[1], 0.5), ["scalars_right"] = t => ((t[0] + 1.5) * 3 - 2) / 4,
        ["scalars_left"] = t => 2 - (3 / t[0] + 1.5 * t[0]),
        ["inplace_chain"] = t => t[0].clone().add_(t[1]).mul_(t[1]).sub_(t[2]).div_(t[2]),
        ["addcmul_"] = t => t[0].clone().addcmul_(t[1], t[2], 0.5),
        ["addcdiv_"] = t => t[0].clone().addcdiv_(t[1], t[2], 0.5), ["clamp"] = t => t[0].clamp(-0.5, 1.0),
        ["clamp_tensor"] = t => t[0].clamp(max: t[1]), ["clamp_"] = t => t[0].clone().clamp_(-0.5, 1.0),
        ["fill_zero_copy"] = t => t[0].clone().fill_(2.0).copy_(t[1]), ["softplus"] = t => F.softplus(t[0], 2.0, 1.0),
        ["softmax"] = t => F.softmax(t[0], 1), ["log_softmax"] = t => F.log_softmax(t[0], 0),
        ["sum_all"] = t => t[0].sum(), ["mean_all"] = t => t[0].mean(), ["max_all"] = t => t[0].max(),
        ["min_all"] = t => t[0].min(), ["norm_all"] = t => t[0].norm(), ["logsumexp_all"] = t => t[0].logsumexp(1),
        ["all_all"] = t => (t[0] > 0).all(), ["any_all"] = t => (t[0] > 0).any(), ["argmax_all"] = t => t[0].argmax(),
        ["amax_all"] = t => t[0].amax([0, 1]), ["sum_dim"] = t => t[0].sum(1),
        ["sum_dims"] = t => t[0].sum([0, 2], keepdim: true), ["mean_dims"] = t => t[0].mean([0, 2], keepdim: true),
        ["norm_dim"] = t => t[0].norm(1), ["norm_one"] = t => t[0].norm(1f), ["max_dim"] = t => t[0].max(1).values,
        ["max_dim_index"] = t => t[0].max(1).indexes, ["min_dim"] = t => t[0].min(0, keepdim: true).values,
        ["argmax_dim"] = t => t[0].argmax(1), ["view_permute"] = t => t[0].view(2, 2, 3).permute(2, 0, 1).contiguous(),
        ["reshape_transpose"] = t => t[0].reshape(3, 4).transpose(0, 1),
        ["squeeze_unsqueeze"] = t => t[0].squeeze(1).unsqueeze(-1), ["expand"] = t => t[0].expand(2, 3),
        ["repeat_interleave"] = t => t[0].repeat_interleave(2, 1),
        ["narrow_select"] = t => t[0].narrow(1, 1, 3).select(0, 2),
        ["as_strided"] = t => t[0].as_strided([3, 2], [2, 3], 1), ["flatten"] = t => t[0].flatten(1),
        ["cat"] = t => cat([t[0], t[1]], 0), ["split"] = t => t[0].split(2)[2] * t[0].split([1L, 4L], 0)[0],
        ["chunk"] = t => t[0].chunk(2)[1], ["gather"] = t => t[0].gather(1, t[1]),
        ["index_select"] = t => t[0].index_select(0, t[1]), ["slice_step"] = t => t[0][TensorIndex.Slice(1, 5, 2), -1],
        ["ellipsis_none"] = t => t[0][TensorIndex.Ellipsis, TensorIndex.None, 1], ["tensor_index"] = t => t[0][t[1]],
        ["bool_index"] = t => t[0][t[1]], ["assign"] = t => Assign(t[0].clone(), t[1]),
        ["matmul"] = t => t[0].matmul(t[1]), ["mm"] = t => t[0].mm(t[1]), ["dot"] = t => t[0].dot(t[1]),
        ["linalg_qr_r"] = t => linalg.qr(t[0]).R.abs(), ["linalg_norm"] = t => linalg.norm(t[0]),
        ["linalg_norm_dim"] = t => linalg.norm(t[0], 3.0, [1]),
        ["linalg_svd_s"] = t => linalg.svd(t[0], fullMatrices: false).S, ["linear"] = t => F.linear(t[0], t[1], t[2]),
        ["linear_no_bias"] = t => F.linear(t[0], t[1]),
        ["conv2d"] = t => F.conv2d(t[0], t[1], t[2], strides: [2, 1], padding: [1, 0]),
        ["conv2d_groups"] = t => F.conv2d(t[0], t[1], dilation: [2, 2], groups: 2),
        ["max_pool2d"] = t => F.max_pool2d(t[0], 2),
        ["max_pool2d_overlap"] = t => F.max_pool2d(t[0], (3, 2), (2, 1), (1, 0)),
        ["batch_norm_train"] = t => F.batch_norm(t[0], null, null, t[1], t[2], training: true),
        ["batch_norm_eval"] = t => F.batch_norm(t[0], t[1].detach(), t[2].detach(), t[3], t[4]),
        ["layer_norm"] = t => F.layer_norm(t[0], [4], t[1], t[2]),
        ["cross_entropy"] = t => F.cross_entropy(t[0], t[1]),
        ["cross_entropy_smooth"] = t => F.cross_entropy(t[0], t[1], t[2].detach(), ignore_index: 0,
            reduction: nn.Reduction.Sum, label_smoothing: 0.1),
        ["mse_loss"] = t => F.mse_loss(t[0], t[1]),
        ["bce_logits"] = t => F.binary_cross_entropy_with_logits(t[0], t[1].detach(), pos_weights: t[2].detach()),
        ["normalize"] = t => F.normalize(t[0]), ["one_hot"] = t => F.one_hot(t[0], 5),
    };

    private static readonly JsonElement[] Cases =
        [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Core", "Torch", "Golden",
            "ops.json"))).RootElement.GetProperty("cases").EnumerateArray()];

    private static Tensor Assign(Tensor x, Tensor row)
    {
        x[1] = row;
        x[TensorIndex.Slice(2), 0] = 7.0;
        return x;
    }

    [Fact]
    public void The_table_and_the_golden_file_name_the_same_operations() =>
        Assert.Equal(Cases.Select(c => c.GetProperty("name").GetString()).Order(), Table.Keys.Order());

    [Theory, InlineData("float64"), InlineData("float32")]
    public void Results_gradients_and_double_backward_are_those_of_python_torch(string precision)
    {
        var wrong = new List<string>();
        foreach (var entry in Cases)
        {
            using var scope = NewDisposeScope();
            var name = entry.GetProperty("name").GetString()!;
            try
            {
                Compare(entry, entry.GetProperty(precision), Table[name],
                    precision == "float64" ? ScalarType.Float64 : ScalarType.Float32);
            }
            catch (Exception e) { wrong.Add($"{name}: {e.Message}"); }
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    private static void Compare(JsonElement entry, JsonElement golden, Func<Tensor[], Tensor> operation,
        ScalarType type)
    {
        var inputs = entry.GetProperty("inputs").EnumerateArray()
            .Select(i => Read(i, i.GetProperty("type").GetString() switch
            {
                "long" => ScalarType.Int64,
                "bool" => ScalarType.Bool,
                _ => type,
            })).ToArray();
        var floats = inputs.Where(i => i.is_floating_point()).Select(i => i.requires_grad_()).ToArray();
        var result = operation(inputs);
        Same("result", golden.GetProperty("result"), result);
        if (!golden.TryGetProperty("grads", out var goldenGrads)) return;

        var grads = Grad((result * Weights(result.shape, type)).sum(), floats, again: true);
        SameList("gradient", goldenGrads, grads);
        if (!golden.TryGetProperty("second", out var goldenSecond)) return;

        var total = grads.Where(g => g is not null && g.requires_grad).Select(g => (g * Weights(g.shape, type)).sum())
            .Aggregate((a, b) => a + b);
        SameList("double backward", goldenSecond, Grad(total, floats, again: false));
    }

    // For an unused input TorchSharp gives a tensor without a handle.
    private static List<Tensor> Grad(Tensor total, Tensor[] inputs, bool again) =>
        [.. autograd.grad([total], inputs, retain_graph: again, create_graph: again, allow_unused: true)
            .Select(g => g is null || g.IsInvalid ? null! : g)];

    private static Tensor Read(JsonElement e, ScalarType type) =>
        tensor(Values(e), e.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray(), dtype: type);

    private static double[] Values(JsonElement e) =>
        [.. e.GetProperty("values").EnumerateArray().Select(v => v.ValueKind == JsonValueKind.String
        ? v.GetString() switch
        {
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            _ => double.NaN
        } : v.GetDouble())];

    private static Tensor Weights(long[] shape, ScalarType type) =>
        (arange(shape.Aggregate(1L, (a, b) => a * b), dtype: type) * 7 % 5 / 4 - 0.3).view(shape);

    private static void SameList(string what, JsonElement golden, IList<Tensor> actual)
    {
        foreach (var (g, a, i) in golden.EnumerateArray().Zip(actual, Enumerable.Range(0, actual.Count)))
        {
            if (g.ValueKind == JsonValueKind.Null) Assert.True(a is null, $"{what} {i} is not null");
            else Same($"{what} {i}", g, a);
        }
    }

    private static void Same(string what, JsonElement golden, Tensor actual)
    {
        Assert.Equal(golden.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()), actual.shape);
        var tolerance = actual.dtype == ScalarType.Float32 ? 2e-5 : 1e-10;
        // Added to zeros: a second derivative that is zero everywhere may have no memory to read.
        var values = (zeros_like(actual, requires_grad: false) + actual.detach()).to(ScalarType.Float64)
            .data<double>().ToArray();
        foreach (var (expected, got) in Values(golden).Zip(values))
            Assert.True(expected.Equals(got) || Math.Abs(expected - got) <= tolerance * Math.Max(1, Math.Abs(expected)),
                $"{what}: {got} instead of {expected}");
    }
}
