namespace RlLeap.Data;

/// <summary>Which alphabets pretrain, validate and evaluate. Their names are recorded with the run.</summary>
/// <param name="Pretrain">Tasks to meta-learn from.</param>
/// <param name="Validation">All usable alphabets that are in no other part.</param>
/// <param name="Evaluation">Held-out alphabets.</param>
/// <param name="Dropped">Alphabets with too few characters for a task.</param>
public sealed record OmniglotSplit(IReadOnlyList<string> Pretrain, IReadOnlyList<string> Validation,
    IReadOnlyList<string> Evaluation, IReadOnlyList<string> Dropped)
{
    /// <summary>Draws held-out alphabets, then pretraining ones; the rest is for validation.</summary>
    /// <remarks>
    /// The order is drawn once from <paramref name="rng"/>. So under one seed a larger pool contains every smaller one,
    /// and all have the same held-out alphabets.
    /// </remarks>
    /// <param name="data">The alphabets.</param>
    /// <param name="rng">The run's random numbers.</param>
    /// <param name="pretrain">How many alphabets to pretrain on (1, 3, 5, 10, 15, 20 or 25 in the paper).</param>
    /// <param name="evaluation">How many alphabets to hold out.</param>
    /// <param name="classes">Characters that a task needs. Alphabets with fewer are dropped (4 of them for 20).</param>
    /// <exception cref="RlLeapException">There are too few alphabets.</exception>
    public static OmniglotSplit Draw(OmniglotData data, Rng rng, int pretrain, int evaluation = 10, int classes = 20)
    {
        var usable = data.Alphabets.Where(a => a.Characters >= classes).Select(a => a.Name).ToArray();
        if (pretrain < 1 || evaluation < 0 || pretrain + evaluation > usable.Length)
            throw new RlLeapException(
                $"Omniglot: {pretrain} pretraining and {evaluation} held-out alphabets do not fit into the " +
                $"{usable.Length} alphabets that have at least {classes} characters (at least 1 pretrains).");
        rng.Split("omniglot/alphabets").Shuffle<string>(usable);
        return new OmniglotSplit(usable[evaluation..(evaluation + pretrain)], usable[(evaluation + pretrain)..],
            usable[..evaluation],
            [.. data.Alphabets.Where(a => a.Characters < classes).Select(a => a.Name)]);
    }
}
