namespace RlLeap.Data;

/// <summary>Which alphabets pretrain, validate and evaluate; a record of names for the run's folder.</summary>
/// <param name="Pretrain">Tasks to meta-learn from.</param>
/// <param name="Validation">The ones left over.</param>
/// <param name="Evaluation">Held out.</param>
/// <param name="Dropped">Alphabets with too few characters.</param>
public sealed record OmniglotSplit(IReadOnlyList<string> Pretrain, IReadOnlyList<string> Validation, IReadOnlyList<string> Evaluation, IReadOnlyList<string> Dropped)
{
    /// <summary>Draws a split: first the held-out alphabets, then the pretraining ones, the rest validates.</summary>
    /// <remarks>The order is drawn once from <paramref name="rng"/>, so pools of different sizes under one seed are nested and share the held-out alphabets.</remarks>
    /// <param name="data">The alphabets.</param>
    /// <param name="rng">Of the run.</param>
    /// <param name="pretrain">How many pretrain (1, 3, 5, 10, 15, 20 or 25 in the paper).</param>
    /// <param name="evaluation">How many are held out.</param>
    /// <param name="classes">Characters a task needs; alphabets with fewer are dropped (4 of them for 20).</param>
    public static OmniglotSplit Draw(OmniglotData data, Rng rng, int pretrain, int evaluation = 10, int classes = 20)
    {
        var usable = data.Alphabets.Where(a => a.Characters >= classes).Select(a => a.Name).ToArray();
        if (pretrain < 1 || evaluation < 0 || pretrain + evaluation > usable.Length)
            throw new RlLeapException($"Omniglot: {pretrain} pretraining and {evaluation} held-out alphabets do not fit into the {usable.Length} alphabets that have at least {classes} characters (at least 1 pretrains).");
        rng.Split("omniglot/alphabets").Shuffle<string>(usable);
        return new OmniglotSplit(usable[evaluation..(evaluation + pretrain)], usable[(evaluation + pretrain)..], usable[..evaluation],
            [.. data.Alphabets.Where(a => a.Characters < classes).Select(a => a.Name)]);
    }
}
