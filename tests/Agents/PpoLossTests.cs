// PPO's loss against an independent implementation: Golden/generate_ppo.py.
using System.Text.Json;
using RlLeap.Agents;
using RlLeap.Environments;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Agents;

public class PpoLossTests
{
    private const double Tolerance = 1e-9;

    public static TheoryData<int> Cases() => [.. Enumerable.Range(0, Golden().GetArrayLength())];

    private static JsonElement Golden()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Agents", "Golden", "ppo.json");
        return JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("cases");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_and_gradients_are_those_of_a_script_of_PyTorch(int index)
    {
        using var scope = NewDisposeScope();
        var golden = Golden()[index];
        var distribution = new ActionDistribution(new EnvironmentSpec("test", Box.Floats(1), SpaceOf(golden)));
        var outputs = Matrix(golden.GetProperty("outputs")).requires_grad_();
        var values = Vector(golden.GetProperty("values")).requires_grad_();
        var deviations = golden.GetProperty("deviations").ValueKind == JsonValueKind.Null ? null
            : Vector(golden.GetProperty("deviations")).requires_grad_();
        var (logs, entropies) = distribution.Evaluate(outputs, deviations?.expand(outputs.shape[0], -1),
            Matrix(golden.GetProperty("actions")));
        AssertNear(golden.GetProperty("log_probabilities"), logs);
        AssertNear(golden.GetProperty("entropies"), entropies);

        var old = golden.GetProperty("old");
        var targets = new PpoTargets(Floats(old, "log_probabilities"), Floats(old, "values"),
            Floats(old, "advantages"), Floats(old, "returns"));
        var loss = Ppo.Loss(logs, entropies, values, targets, OptionsOf(golden.GetProperty("settings")));
        var result = golden.GetProperty("result");
        Assert.Equal(result.GetProperty("policy").GetDouble(), loss.Policy.item<double>(), 1e-7);
        Assert.Equal(result.GetProperty("value").GetDouble(), loss.Value.item<double>(), Tolerance);
        Assert.Equal(result.GetProperty("entropy").GetDouble(), loss.Entropy.item<double>(), Tolerance);
        Assert.Equal(result.GetProperty("total").GetDouble(), loss.Total.item<double>(), 1e-7);
        Assert.Equal(result.GetProperty("kl").GetDouble(), loss.ApproximateKl, 1e-6);
        Assert.Equal(result.GetProperty("clip_fraction").GetDouble(), loss.ClipFraction, Tolerance);

        loss.Total.backward();
        var gradients = golden.GetProperty("gradients");
        AssertNear(gradients[0], outputs.grad!, 1e-7);
        AssertNear(gradients[1], values.grad!);
        if (deviations is not null) AssertNear(gradients[2], deviations.grad!, 1e-7);
    }

    private static Space SpaceOf(JsonElement golden) => golden.GetProperty("space").GetString() switch
    {
        "discrete" => new Discrete(4),
        "box" => Box.Between(-1, 1, 3),
        _ => new Dict(("choices", new MultiDiscrete(3, 2)), ("switches", new MultiBinary(2)),
            ("force", Box.Between(-1, 1, 1))),
    };

    private static ActorCriticOptions OptionsOf(JsonElement settings) => new()
    {
        NormalizeAdvantages = settings.GetProperty("normalize").GetBoolean(),
        ValueCoefficient = settings.GetProperty("value_coefficient").GetDouble(),
        EntropyCoefficient = settings.GetProperty("entropy_coefficient").GetDouble(),
        Ppo = new()
        {
            Clip = settings.GetProperty("clip").GetDouble(), ValueClip = settings.GetProperty("value_clip").GetDouble(),
        },
    };

    private static double[] Numbers(JsonElement array) => array[0].ValueKind == JsonValueKind.Array
        ? [.. array.EnumerateArray().SelectMany(Numbers)]
        : [.. array.EnumerateArray().Select(number => number.GetDouble())];

    private static Tensor Vector(JsonElement array) => tensor(Numbers(array));

    private static Tensor Matrix(JsonElement array) => tensor(Numbers(array)).view(array.GetArrayLength(), -1);

    private static float[] Floats(JsonElement of, string name) =>
        [.. Numbers(of.GetProperty(name)).Select(number => (float)number)];

    private static void AssertNear(JsonElement expected, Tensor actual, double tolerance = Tolerance)
    {
        var (wanted, got) = (Numbers(expected), actual.detach().contiguous().data<double>().ToArray());
        Assert.Equal(wanted.Length, got.Length);
        for (var i = 0; i < got.Length; i++) Assert.Equal(wanted[i], got[i], tolerance);
    }
}
