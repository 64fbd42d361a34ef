// Initialization: under one seed the layers and torch.nn.init draw what PyTorch draws.
using TorchSharp;
using Xunit;
using static RlLeap.Tests.Torch.ModuleGolden;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RlLeap.Tests.Torch;

[Collection(GlobalGenerator.Name)]
public class InitTests
{
    public static TheoryData<string> Cases => Names("init");

    [Theory, MemberData(nameof(Cases))]
    public void Under_one_seed_the_draws_are_PyTorchs(string name)
    {
        if (TorchBackend.IsPackage && name == "init.xavier_normal") return; // TorchSharp 0.107 draws xavier_uniform_ there
        manual_seed(42);
        using var scope = NewDisposeScope();
        var state = name switch
        {
            "linear" => Linear(7, 5).state_dict(),
            "linear_nobias" => Linear(20, 3, hasBias: false).state_dict(),
            "conv" => Conv2d(3, 4, 3).state_dict(),
            "conv_groups" => Conv2d(4, 6, (2, 3), groups: 2).state_dict(),
            "embedding" => Embedding(9, 4).state_dict(),
            "embedding_padding" => Embedding(9, 4, padding_idx: 2).state_dict(),
            "two" => Sequential(Linear(3, 4), Linear(4, 2)).state_dict(),
            "linear_float64" => Linear(7, 5, dtype: ScalarType.Float64).state_dict(),
            "init.kaiming_uniform" => One(init.kaiming_uniform_(empty(4, 3, 2, 2))),
            "init.kaiming_uniform_out" => One(init.kaiming_uniform_(empty(4, 3), 1, init.FanInOut.FanOut)),
            "init.kaiming_normal" => One(init.kaiming_normal_(empty(4, 5), nonlinearity: init.NonlinearityType.ReLU)),
            "init.xavier_uniform" => One(init.xavier_uniform_(empty(4, 5), init.calculate_gain(init.NonlinearityType.Tanh))),
            "init.xavier_normal" => One(init.xavier_normal_(empty(4, 5, 3))),
            "init.uniform" => One(init.uniform_(empty(3, 4), -2, 3)),
            "init.normal" => One(init.normal_(empty(5, 4), 1, 2)),
            "init.orthogonal_wide" => One(init.orthogonal_(empty(3, 5), init.calculate_gain(init.NonlinearityType.ReLU))),
            "init.orthogonal_tall" => One(init.orthogonal_(empty(6, 2))),
            "init.orthogonal_conv" => One(init.orthogonal_(empty(4, 3, 2, 2))),
            _ => throw new ArgumentException(name),
        };
        foreach (var expected in Section("init").GetProperty(name).EnumerateObject())
        {
            // Orthogonal matrices come out of LAPACK, whose last bits depend on which one is installed.
            if (name.StartsWith("init.orthogonal")) Near(expected.Value, state[expected.Name], name);
            else Same(expected.Value, state[expected.Name], $"{name} {expected.Name}");
        }
    }

    private static Dictionary<string, Tensor> One(Tensor tensor) => new() { [""] = tensor };

    [Theory]
    [InlineData(4, 9)]
    [InlineData(9, 4)]
    public void Orthogonal_matrices_are_orthogonal(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var q = init.orthogonal_(empty(rows, columns), 2).to(ScalarType.Float64);
        var product = rows < columns ? q.matmul(q.transpose(0, 1)) : q.transpose(0, 1).matmul(q);
        var expected = eye(Math.Min(rows, columns), dtype: ScalarType.Float64) * 4;
        Assert.True((product - expected).abs().max().item<double>() < 1e-5);
    }

    [Fact]
    public void Gains_are_the_usual_ones()
    {
        Assert.Equal(1, init.calculate_gain(init.NonlinearityType.Linear));
        Assert.Equal(1, init.calculate_gain(init.NonlinearityType.Sigmoid));
        Assert.Equal(5.0 / 3, init.calculate_gain(init.NonlinearityType.Tanh), 1e-12);
        Assert.Equal(Math.Sqrt(2), init.calculate_gain(init.NonlinearityType.ReLU), 1e-12);
        Assert.Equal(Math.Sqrt(2 / 1.25), init.calculate_gain(init.NonlinearityType.LeakyReLU, 0.5), 1e-12);
    }

    [Fact]
    public void Constants_fill_leaf_parameters_outside_autograd()
    {
        using var scope = NewDisposeScope();
        var p = Parameter(empty(3));
        init.ones_(p);
        Assert.Equal([1, 1, 1], Values(p));
        init.constant_(p, 0.5);
        Assert.Equal([0.5, 0.5, 0.5], Values(p));
        Assert.True(p.is_leaf && p.requires_grad);
        Assert.ThrowsAny<Exception>(() => init.kaiming_uniform_(empty(3)));
    }
}
