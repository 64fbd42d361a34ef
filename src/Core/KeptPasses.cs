using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap;

/// <summary>Passes of a model over parts of a batch, kept so that a loss over all of them at the same parameters needs no further forward pass.</summary>
/// <remarks>
/// <para>Where the network's last hidden layer is dense (<see cref="Network.EndsDense"/>) and nothing hooks into it, only what lies below it keeps a graph. Its weights are the most of a
/// convolutional network's: autograd would make their gradient once for each pass and add the copies up, or need the layer's pass over all rows again.
/// Here the gradient is made by hand from the values of the passes, once for all rows (<see cref="Backward"/>).</para>
/// <para>The loss therefore has a graph down to the features only: differentiate it with <see cref="Backward"/>, once.</para>
/// </remarks>
public sealed class KeptPasses
{
    private readonly List<Tensor> _lower = [], _features = []; // [N, ...] each; without a dense layer at the end _lower holds the features
    private Tensor? _leaf;

    /// <summary>How many passes are kept.</summary>
    public int Count => _lower.Count;

    /// <summary>Every head's output [N, size] for <paramref name="input"/> [N, ...], as values.</summary>
    public Tensor[] Pass(Model model, Tensor input)
    {
        Tensor lower;
        var byHand = model.Network.EndsDense && model.Hooks is null;
        using (enable_grad()) lower = (byHand ? model.Lower(input).flatten(1) : model.Features(input)).DetachFromDisposeScope();
        _lower.Add(lower);
        using var _ = no_grad();
        if (!byHand) return model.Outputs(lower);
        _features.Add(model.Last(lower).DetachFromDisposeScope());
        return model.Outputs(_features[^1]);
    }

    /// <summary>Every head's output for the rows of all passes, [N1 + N2 + ..., size], for a loss.</summary>
    public Tensor[] Join(Model model)
    {
        if (_features.Count == 0) return model.Outputs(cat([.. _lower], 0));
        using (no_grad()) _leaf = cat([.. _features], 0).DetachFromDisposeScope();
        return model.Outputs(_leaf.requires_grad_());
    }

    /// <summary>Makes the gradient of a loss of what <see cref="Join"/> returned the gradient of the model's parameters, and forgets the passes.</summary>
    public void Backward(Model model, Tensor loss)
    {
        using var scope = NewDisposeScope();
        if (Above(model, loss) is { } above) above.Lower.backward([above.Gradient]);
        Forget();
    }

    /// <summary>As <see cref="Backward"/>, in pieces: what is one piece is done now, what is left of each pass returned, to be called once on any thread.</summary>
    /// <remarks>When all have returned the gradient is whole and the passes are forgotten. It does not depend on who called which, or when.</remarks>
    public IReadOnlyList<Action> BackwardInPieces(Model model, Tensor loss)
    {
        using var scope = NewDisposeScope();
        if (Above(model, loss) is not { } above)
        {
            Forget();
            return [];
        }
        var parameters = model.Parameters.Views.Take(model.LastWeight).ToArray();
        var gradients = above.Gradient.split([.. _lower.Select(lower => lower.shape[0])]).Select(part => part.DetachFromDisposeScope()).ToArray();
        var (parts, left) = (new IList<Tensor>[_lower.Count], _lower.Count);
        return [.. Enumerable.Range(0, left).Select(i => (Action)(() => Piece(i)))];

        void Piece(int pass)
        {
            using var scope = NewDisposeScope();
            using (var gradient = gradients[pass]) parts[pass] = [.. autograd.grad([_lower[pass]], parameters, [gradient]).Select(part => part.DetachFromDisposeScope())];
            if (Interlocked.Decrement(ref left) > 0) return;
            using var _ = no_grad();
            foreach (var part in parts) // in the order of the passes, whoever came last
                for (var p = 0; p < parameters.Length; p++)
                    using (part[p]) parameters[p].grad!.add_(part[p]);
            Forget();
        }
    }

    // The gradient of all that is not below the dense layer; returns that layer's input [N, ...] with its graph, and its gradient. Null where nothing is below, since autograd did all.
    private (Tensor Lower, Tensor Gradient)? Above(Model model, Tensor loss)
    {
        model.Parameters.ZeroGradient(but: _leaf is null ? -1 : model.LastWeight);
        loss.backward();
        if (_leaf is null) return null;
        var lower = cat([.. _lower], 0);
        using var _ = no_grad();
        var (weight, bias) = (model.LastWeight, model.LastWeight + 1);
        using Scalar zero = 0;
        var gradient = _leaf.grad! * _leaf.gt(zero); // through the ReLU
        model.Parameters.Views[weight].grad!.addmm_(gradient.t(), lower, beta: 0);
        model.Parameters.Views[bias].grad!.add_(gradient.sum([0]));
        return (lower, gradient.mm(model.Parameters.Views[weight]));
    }

    /// <summary>Frees them.</summary>
    public void Forget()
    {
        foreach (var kept in _lower.Concat(_features)) kept.Dispose();
        _lower.Clear();
        _features.Clear();
        _leaf?.Dispose();
        _leaf = null;
    }
}
