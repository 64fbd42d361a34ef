// Every operation against python3-torch: results in float64 and float32, gradients, and double backward.
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
        ["expm1"] = t => t[0].expm1(), ["floor"] = t => t[0].floor(),
        ["neg"] = t => -t[0], ["round"] = t => t[0].round(), ["sign"] = t => t[0].sign(), ["sin"] = t => t[0].sin(),
        ["cos"] = t => t[0].cos(),
        ["tanh"] = t => t[0].tanh(), ["sinh"] = t => t[0].sinh(), ["cosh"] = t => t[0].cosh(),
        ["tan"] = t => t[0].tan(), ["atan"] = t => t[0].atan(),
        ["asinh"] = t => t[0].asinh(), ["erf"] = t => t[0].erf(), ["square"] = t => t[0].square(),
        ["trunc"] = t => t[0].trunc(), ["sigmoid"] = t => t[0].sigmoid(),
        ["relu"] = t => F.relu(t[0]), ["silu"] = t => F.silu(t[0]), ["gelu"] = t => F.gelu(t[0]),
        ["log_sigmoid"] = t => t[0].log_sigmoid(), ["frac"] = t => t[0].frac(),
        ["exp2"] = t => t[0].exp2(), ["isnan"] = t => t[0].isnan(), ["isfinite"] = t => t[0].isfinite(),
        ["isinf"] = t => t[0].isinf(), ["logical_not"] = t => t[0].logical_not(),
        ["log"] = t => t[0].log(), ["log10"] = t => t[0].log10(), ["log1p"] = t => t[0].log1p(),
        ["log2"] = t => t[0].log2(), ["sqrt"] = t => t[0].sqrt(),
        ["rsqrt"] = t => t[0].rsqrt(), ["reciprocal"] = t => t[0].reciprocal(), ["lgamma"] = t => t[0].lgamma(),
        ["digamma"] = t => t[0].digamma(),
        ["asin"] = t => t[0].asin(), ["acos"] = t => t[0].acos(), ["atanh"] = t => t[0].atanh(),
        ["erfinv"] = t => t[0].erfinv(),
        ["add"] = t => t[0] + t[1], ["sub"] = t => t[0] - t[1], ["mul"] = t => t[0] * t[1], ["div"] = t => t[0] / t[1],
        ["atan2"] = t => t[0].atan2(t[1]),
        ["maximum"] = t => maximum(t[0], t[1]), ["minimum"] = t => minimum(t[0], t[1]), ["fmod"] = t => t[0].fmod(t[1]),
        ["remainder"] = t => t[0] % t[1],
        ["floor_divide"] = t => t[0].floor_divide(t[1]).detach(),
        ["eq"] = t => t[0] == t[1], ["ne"] = t => t[0] != t[1], ["lt"] = t => t[0] < t[1], ["le"] = t => t[0] <= t[1],
        ["gt"] = t => t[0] > t[1], ["ge"] = t => t[0] >= t[1],
        ["pow"] = t => t[0].pow(t[1]), ["pow_scalar"] = t => t[0].pow(2.5), ["square_by_pow"] = t => t[0].pow(2),
        ["xlogy"] = t => t[0].xlogy(t[1]),
        ["logaddexp"] = t => t[0].logaddexp(t[1]), ["add_alpha"] = t => t[0].add(t[1], 0.5),
        ["scalars_right"] = t => ((t[0] + 1.5) * 3 - 2) / 4, ["scalars_left"] = t => 2 - (3 / t[0] + 1.5 * t[0]),
        ["div_trunc"] = t => t[0].div(t[1], RoundingMode.trunc),
        ["div_floor"] = t => t[0].div(t[1], RoundingMode.floor),
        ["inplace_chain"] = t => t[0].clone().add_(t[1]).mul_(t[1]).sub_(t[2]).div_(t[2]),
        ["addcmul_"] = t => t[0].clone().addcmul_(t[1], t[2], 0.5),
        ["addcdiv_"] = t => t[0].clone().addcdiv_(t[1], t[2], 0.5),
        ["addcmul"] = t => t[0].addcmul(t[1], t[2], 0.5), ["addcdiv"] = t => t[0].addcdiv(t[1], t[2], 0.5),
        ["lerp"] = t => t[0].lerp(t[1], t[2]), ["lerp_"] = t => t[0].clone().lerp_(t[1], t[2]),
        ["clamp"] = t => t[0].clamp(-0.5, 1.0), ["clamp_tensor"] = t => t[0].clamp(max: t[1]),
        ["clamp_"] = t => t[0].clone().clamp_(-0.5, 1.0), ["clamp_min"] = t => t[0].clamp_min(0.25),
        ["fill_zero_copy"] = t => t[0].clone().fill_(2.0).copy_(t[1]),
        ["unary_inplace"] = t => (t[0] * 2).neg_().exp_(),
        ["leaky_relu"] = t => F.leaky_relu(t[0], 0.1), ["elu"] = t => F.elu(t[0], 1.5),
        ["softplus"] = t => F.softplus(t[0], 2.0, 1.0),
        ["softmax"] = t => F.softmax(t[0], 1), ["log_softmax"] = t => F.log_softmax(t[0], 0),
        // reductions
        ["sum_all"] = t => t[0].sum(), ["mean_all"] = t => t[0].mean(), ["prod_all"] = t => t[0].prod(),
        ["max_all"] = t => t[0].max(), ["min_all"] = t => t[0].min(),
        ["std_all"] = t => t[0].std(), ["var_all"] = t => t[0].var(), ["norm_all"] = t => t[0].norm(),
        ["logsumexp_all"] = t => t[0].logsumexp(1),
        ["all_all"] = t => (t[0] > 0).all(), ["any_all"] = t => (t[0] > 0).any(), ["argmax_all"] = t => t[0].argmax(),
        ["argmin_all"] = t => t[0].argmin(),
        ["median_all"] = t => t[0].median(), ["amax_all"] = t => t[0].amax([0, 1]),
        ["amin_all"] = t => t[0].amin([0, 1]),
        ["sum_dim"] = t => t[0].sum(1), ["sum_dims"] = t => t[0].sum([0, 2], keepdim: true),
        ["mean_dims"] = t => t[0].mean([0, 2], keepdim: true),
        ["var_dim"] = t => t[0].var(1, unbiased: false, keepdim: true), ["std_dim"] = t => t[0].std(0),
        ["norm_dim"] = t => t[0].norm(1), ["norm_one"] = t => t[0].norm(1f),
        ["max_dim"] = t => t[0].max(1).values, ["max_dim_index"] = t => t[0].max(1).indexes,
        ["min_dim"] = t => t[0].min(0, keepdim: true).values, ["argmax_dim"] = t => t[0].argmax(1),
        ["cumsum"] = t => t[0].cumsum(1), ["cumprod"] = t => t[0].cumprod(0), ["cummax"] = t => t[0].cummax(1).values,
        ["sort"] = t => t[0].sort(1, descending: true).Values, ["sort_index"] = t => t[0].sort(1).Indices,
        ["argsort"] = t => t[0].argsort(1),
        ["topk"] = t => t[0].topk(2, 1).values, ["topk_index"] = t => t[0].topk(2, 1).indexes,
        // shape
        ["view_permute"] = t => t[0].view(2, 2, 3).permute(2, 0, 1).contiguous(),
        ["reshape_transpose"] = t => t[0].reshape(3, 4).transpose(0, 1),
        ["squeeze_unsqueeze"] = t => t[0].squeeze(1).unsqueeze(-1), ["expand"] = t => t[0].expand(2, 3),
        ["repeat"] = t => t[0].repeat(2, 2),
        ["repeat_interleave"] = t => t[0].repeat_interleave(2, 1), ["flip_roll"] = t => t[0].flip(1).roll(1, 0),
        ["narrow_select"] = t => t[0].narrow(1, 1, 3).select(0, 2),
        ["as_strided"] = t => t[0].as_strided([3, 2], [2, 3], 1), ["flatten"] = t => t[0].flatten(1),
        ["cat"] = t => cat([t[0], t[1]], 0), ["stack"] = t => stack([t[0], t[1]], 1),
        ["split"] = t => t[0].split(2)[2] * t[0].split([1L, 4L], 0)[0], ["chunk"] = t => t[0].chunk(2)[1],
        ["unbind"] = t => t[0].unbind(0)[1],
        ["diagonal_tril_triu"] = t => t[0].tril() + t[0].triu(1) * 2 + t[0].diagonal(),
        ["unfold_dim"] = t => t[0].unfold(0, 3, 2), ["movedim"] = t => t[0].movedim([0], [2]),
        // indexing
        ["gather"] = t => t[0].gather(1, t[1]), ["scatter"] = t => t[0].scatter(1, t[1], t[2]),
        ["scatter_add"] = t => t[0].scatter_add(1, t[1], t[2]),
        ["index_select"] = t => t[0].index_select(0, t[1]),
        ["index_add_"] = t => t[0].clone().index_add_(0, t[1], t[2], 0.5),
        ["masked_fill"] = t => t[0].masked_fill(t[1], -1.0), ["masked_select"] = t => t[0].masked_select(t[1]),
        ["where"] = t => torch.where(t[0], t[1], t[2]),
        ["nonzero"] = t => t[0].nonzero(), ["take"] = t => t[0].take(t[1]),
        ["slice_step"] = t => t[0][TensorIndex.Slice(1, 5, 2), -1],
        ["ellipsis_none"] = t => t[0][TensorIndex.Ellipsis, TensorIndex.None, 1],
        ["tensor_index"] = t => t[0][t[1]], ["bool_index"] = t => t[0][t[1]],
        ["index_put"] = t => t[0].clone().index_put_(t[2], new[] { t[1] }, accumulate: true),
        ["assign"] = t => Assign(t[0].clone(), t[1]),
        // linear algebra
        ["matmul"] = t => t[0].matmul(t[1]), ["mm"] = t => t[0].mm(t[1]), ["mv"] = t => t[0].mv(t[1]),
        ["bmm"] = t => t[0].bmm(t[1]),
        ["addmm"] = t => t[0].addmm(t[1], t[2], 0.5f, 2f), ["baddbmm"] = t => t[0].baddbmm(t[1], t[2]),
        ["dot"] = t => t[0].dot(t[1]), ["outer"] = t => t[0].outer(t[1]),
        ["einsum"] = t => einsum("ij,jk->ik", t[0], t[1]), ["linalg_qr_r"] = t => linalg.qr(t[0]).R.abs(),
        ["linalg_norm"] = t => linalg.norm(t[0]),
        ["linalg_norm_dim"] = t => linalg.norm(t[0], 3.0, [1]), ["linalg_inv"] = t => linalg.inv(t[0]),
        ["linalg_solve"] = t => linalg.solve(t[0], t[1]),
        ["linalg_cholesky"] = t => linalg.cholesky(t[0]),
        ["linalg_svd_s"] = t => linalg.svd(t[0], fullMatrices: false).S,
        // functional
        ["linear"] = t => F.linear(t[0], t[1], t[2]), ["linear_no_bias"] = t => F.linear(t[0], t[1]),
        ["conv2d"] = t => F.conv2d(t[0], t[1], t[2], strides: [2, 1], padding: [1, 0]),
        ["conv2d_groups"] = t => F.conv2d(t[0], t[1], dilation: [2, 2], groups: 2),
        ["conv1d"] = t => F.conv1d(t[0], t[1], t[2], padding: 1),
        ["max_pool2d"] = t => F.max_pool2d(t[0], 2), ["max_pool2d_overlap"] = t =>
            F.max_pool2d(t[0], (3, 2), (2, 1), (1, 0)), ["avg_pool2d"] = t => F.avg_pool2d(t[0], 2, 2, 1),
        ["adaptive_avg_pool2d"] = t => F.adaptive_avg_pool2d(t[0], (2, 3)),
        ["batch_norm_train"] = t => F.batch_norm(t[0], null, null, t[1], t[2], training: true),
        ["batch_norm_eval"] = t => F.batch_norm(t[0], t[1].detach(), t[2].detach(), t[3], t[4]),
        ["layer_norm"] = t => F.layer_norm(t[0], [4], t[1], t[2]),
        ["cross_entropy"] = t => F.cross_entropy(t[0], t[1]),
        ["cross_entropy_smooth"] = t => F.cross_entropy(t[0], t[1], t[2].detach(), ignore_index: 0,
            reduction: nn.Reduction.Sum, label_smoothing: 0.1),
        ["nll_loss"] = t => F.nll_loss(F.log_softmax(t[0], 1), t[1], reduction: nn.Reduction.None),
        ["mse_loss"] = t => F.mse_loss(t[0], t[1]),
        ["l1_loss"] = t => F.l1_loss(t[0], t[1], nn.Reduction.Sum),
        ["smooth_l1_loss"] = t => F.smooth_l1_loss(t[0], t[1], beta: 0.5),
        ["huber_loss"] = t => F.huber_loss(t[0], t[1], 0.5, nn.Reduction.None),
        ["bce"] = t => F.binary_cross_entropy(t[0], t[1].detach()),
        ["bce_logits"] = t => F.binary_cross_entropy_with_logits(t[0], t[1].detach(), pos_weights: t[2].detach()),
        ["kl_div"] = t => F.kl_div(t[0], t[1].detach(), log_target: false, reduction: nn.Reduction.Sum),
        ["kl_div_log"] = t => F.kl_div(t[0], t[1].detach(), reduction: nn.Reduction.Sum),
        ["normalize"] = t => F.normalize(t[0]), ["pad"] = t => F.pad(t[0], [1, 2], value: 0.5),
        ["pad_reflect"] = t => F.pad(t[0], (1, 2), PaddingModes.Reflect),
        ["affine_grid"] = t => F.affine_grid(t[0], [2, 1, 3, 4]),
        ["grid_sample"] = t => F.grid_sample(t[0], t[1], align_corners: false),
        ["grid_sample_nearest"] = t =>
            F.grid_sample(t[0], t[1].detach(), GridSampleMode.Nearest, GridSamplePaddingMode.Border, true),
        ["one_hot"] = t => F.one_hot(t[0], 5), ["unfold"] = t => F.unfold(t[0], 2, stride: 2),
        ["dropout_eval"] = t => F.dropout(t[0], 0.5, training: false),
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
            if (name == "baddbmm") continue; // TorchSharp 0.107 takes its three tensors in another order
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
                "long" => ScalarType.Int64, "bool" => ScalarType.Bool, _ => type,
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
