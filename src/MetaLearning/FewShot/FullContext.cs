namespace RlLeap.MetaLearning;

/// <summary>The full-context embeddings of matching networks (Vinyals et al. 2016, appendix A).</summary>
/// <remarks>
/// A support image is embedded by a bidirectional LSTM over all support images, a query by an LSTM that attends to
/// them. Both add to the encoder's features.
/// </remarks>
internal sealed class FullContext(Network encoder) : ExtendedNetwork(encoder, "context", Cells(encoder.Features))
{
    private const int PerCell = 3; // input weights, state weights, bias

    /// <summary>[S, F] the support images in each other's context: g(x, S) = forward + backward + f(x).</summary>
    public Tensor Support(Pass pass, Tensor features)
    {
        var count = (int)features.shape[0];
        var (forward, backward) = (new Tensor[count], new Tensor[count]);
        var (there, back) = (Start(features, 1), Start(features, 1));
        for (var i = 0; i < count; i++)
        {
            there = Step(pass, 0, features.narrow(0, i, 1), there.Hidden, there.Cell);
            back = Step(pass, 1, features.narrow(0, count - 1 - i, 1), back.Hidden, back.Cell);
            (forward[i], backward[count - 1 - i]) = (there.Hidden, back.Hidden);
        }
        return features + cat(forward, 0) + cat(backward, 0);
    }

    /// <summary>[Q, F] the queries in the context of the support [S, F], after some steps of attention.</summary>
    public Tensor Query(Pass pass, Tensor features, Tensor support, int steps)
    {
        var (hidden, cell) = Start(features, features.shape[0]);
        var read = hidden;
        for (var k = 0; k < steps; k++)
        {
            (hidden, cell) = Step(pass, 2, features, cat([hidden, read], 1), cell);
            hidden = hidden + features;
            read = F.softmax(hidden.matmul(support.t()), 1).matmul(support);
        }
        return hidden;
    }

    protected override void InitializeOwn(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        for (var cell = 0; cell < 3; cell++)
            for (var i = 0; i < 2; i++)
                Initialization.TorchDefault(parameter(PerCell * cell + i), null, rng.Split("cell", 2 * cell + i));
    }

    private (Tensor Hidden, Tensor Cell) Step(Pass pass, int cell, Tensor input, Tensor state, Tensor memory)
    {
        var (input4, state4, bias) = (Own(pass, PerCell * cell), Own(pass, PerCell * cell + 1),
            Own(pass, PerCell * cell + 2));
        var gates = (F.linear(input, input4, bias) + F.linear(state, state4)).chunk(4, 1);
        memory = gates[1].sigmoid() * memory + gates[0].sigmoid() * gates[2].tanh();
        return (gates[3].sigmoid() * memory.tanh(), memory);
    }

    private static (Tensor Hidden, Tensor Cell) Start(Tensor like, long rows)
    {
        var zero = zeros([rows, like.shape[1]], like.dtype, like.device);
        return (zero, zero);
    }

    // The support's two directions, and the query's cell, whose state is joined by what was read.
    private static IReadOnlyList<ParameterInfo> Cells(long features) =>
        [.. new[] { ("forward", 1), ("backward", 1), ("query", 2) }.SelectMany(cell => new ParameterInfo[]
        {
            new($"context.{cell.Item1}.input", [4 * features, features]),
            new($"context.{cell.Item1}.state", [4 * features, cell.Item2 * features]),
            new($"context.{cell.Item1}.bias", [4 * features]),
        })];
}
