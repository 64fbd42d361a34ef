using System.Runtime.InteropServices;

namespace RlLeap.Agents;

/// <summary>From a model's logits to actions.</summary>
public static class Policy
{
    /// <summary>An action for each observation [N, ...], drawn from the policy; under no_grad, in a scope.</summary>
    public static void Act(Model model, Tensor observations, Rng rng, Span<int> actions) =>
        Sample(Host(model.Forward(observations, ActorCritic.PolicyHead)), rng, actions);

    /// <summary>The most probable action for each observation [N, ...]; under no_grad, in a scope.</summary>
    public static void ActGreedily(Model model, Tensor observations, Span<int> actions) =>
        Greedy(Host(model.Forward(observations, ActorCritic.PolicyHead)), actions);

    /// <summary>Draws from softmax(logits [N, A]), one uniform a row (inverse of cumulated probabilities).</summary>
    public static void Sample(ReadOnlySpan<float> logits, Rng rng, Span<int> actions)
    {
        var count = Columns(logits.Length, actions.Length);
        Span<double> weights = count <= 256 ? stackalloc double[count] : new double[count];
        for (var i = 0; i < actions.Length; i++)
        {
            var row = logits.Slice(i * count, count);
            var top = row[0];
            foreach (var logit in row) top = MathF.Max(top, logit);
            var total = 0.0;
            for (var a = 0; a < count; a++) total += weights[a] = Math.Exp(row[a] - top);
            var left = rng.NextDouble() * total;
            var action = 0;
            // Rounding may leave a little probability after the last action. Then the last action is taken.
            while (action < count - 1 && (left -= weights[action]) >= 0) action++;
            actions[i] = action;
        }
    }

    /// <summary>The first of the largest of each row of logits [N, A].</summary>
    public static void Greedy(ReadOnlySpan<float> logits, Span<int> actions)
    {
        var count = Columns(logits.Length, actions.Length);
        for (var i = 0; i < actions.Length; i++)
        {
            var best = 0;
            for (var a = 1; a < count; a++)
                if (logits[i * count + a] > logits[i * count + best]) best = a;
            actions[i] = best;
        }
    }

    /// <summary>A tensor's values in row-major order, while its scope lives; CPU memory is read in place.</summary>
    internal static ReadOnlySpan<float> Host(Tensor values)
    {
        if (values.requires_grad) values = values.detach();
        if (values.dtype != ScalarType.Float32) values = values.to_type(ScalarType.Float32);
        if (values.device_type != DeviceType.CPU) values = values.cpu();
        if (!values.is_contiguous()) values = values.contiguous();
        return MemoryMarshal.Cast<byte, float>(values.bytes);
    }

    private static int Columns(int logits, int rows) => rows > 0 && logits % rows == 0 && logits > 0 ? logits / rows
        : throw new ArgumentException($"{logits} logits do not make {rows} rows.");
}
