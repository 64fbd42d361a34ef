namespace RlLeap;

/// <summary>A minibatch for classification, open to losses that are made of inputs and labels in other ways.</summary>
public interface ILabelledBatch : IBatch
{
    /// <summary>[N, input...] what the network reads.</summary>
    new Tensor Inputs { get; }

    /// <summary>[N] class numbers, int64.</summary>
    Tensor Labels { get; }

    /// <summary>Records a metric of the batch.</summary>
    void Record(string metric, double value);
}

/// <summary>What losses do with labelled batches.</summary>
public static class LabelledBatch
{
    /// <summary>The batch as one with labels.</summary>
    /// <exception cref="RlLeapException">It has none.</exception>
    public static ILabelledBatch Require(IBatch batch, string what) => batch as ILabelledBatch
        ?? throw new RlLeapException($"A {batch.GetType().Name} has no labels, which {what} needs: use a task of "
            + "classification, whose batches are ILabelledBatch.");

    /// <summary>Records the share of wrong predictions of logits [N, classes].</summary>
    public static void RecordError(this ILabelledBatch batch, Tensor logits)
    {
        using var _ = no_grad();
        using var wrong = logits.argmax(1).ne(batch.Labels).sum();
        batch.Record("error", wrong.item<long>() / (double)batch.Count);
    }
}
