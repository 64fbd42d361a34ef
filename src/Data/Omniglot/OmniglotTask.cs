using System.ComponentModel.DataAnnotations;

namespace RlLeap.Data;

/// <summary>
/// Settings of the Omniglot tasks. The defaults are the paper's (Flennerhag et al. 2019, appendix D).
/// </summary>
public sealed record OmniglotOptions
{
    /// <summary>Characters of a task.</summary>
    [Range(2, int.MaxValue)]
    public int Classes { get; init; } = 20;

    /// <summary>How many of a character's 20 drawings are for training. The rest is for validation.</summary>
    [Range(1, 19)]
    public int TrainDrawings { get; init; } = 15;

    /// <summary>Drawings in a batch.</summary>
    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 20;

    /// <summary>
    /// Batches in one shuffled pass. With the defaults a task trains on one pass: its 100 batches of 20 take their
    /// drawings from a permutation of 0 .. 1,999, modulo the 300 training drawings.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int PassBatches { get; init; } = 100;

    /// <summary>
    /// Whether the last layer is meta-learned with the rest, as in the authors' code. It can be, because all tasks have
    /// the same number of classes. See docs/fidelity.md.
    /// </summary>
    public bool SharedHead { get; init; } = true;

    /// <summary>How each drawing is augmented every time it is used, or null for not at all.</summary>
    public AffineAugmentation? Augmentation { get; init; } = new();
}

/// <summary>Classification of the characters of one alphabet from 28x28 drawings with ink 0 on paper 1.</summary>
/// <remarks>
/// Validation drawings are augmented too, as in the authors' code. The test split is the same as the validation split,
/// because this experiment tests on whole alphabets that are held out.
/// </remarks>
public sealed class OmniglotTask : ImageTask
{
    /// <summary>The task of an alphabet; its characters and drawings depend on alphabet and key alone.</summary>
    public OmniglotTask(OmniglotAlphabet alphabet, Rng rng, OmniglotOptions? options = null)
        : this(ClassesOf(alphabet, rng, options ?? new()), options ?? new()) { }

    private OmniglotTask(OmniglotClasses classes, OmniglotOptions options)
        : base("omniglot/" + classes.Name, new DrawingSource(classes, options.Augmentation), options.Classes)
    {
        Classes = classes;
        (BatchSize, SharedHead) = (options.BatchSize, options.SharedHead);
        PassLength = options.PassBatches * options.BatchSize;
    }

    /// <summary>The task's characters, for the record of the run.</summary>
    public OmniglotClasses Classes { get; }

    /// <summary>One task for each of the named alphabets.</summary>
    public static IReadOnlyList<OmniglotTask> Of(OmniglotData data, IEnumerable<string> alphabets, Rng rng,
        OmniglotOptions? options = null) =>
        [.. alphabets.Select(name => new OmniglotTask(data[name], rng, options))];

    private static OmniglotClasses ClassesOf(OmniglotAlphabet alphabet, Rng rng, OmniglotOptions options) =>
        new(alphabet, rng, options.Classes, options.TrainDrawings);

    private sealed class DrawingSource(OmniglotClasses classes, AffineAugmentation? augmentation) : IImageSource
    {
        public (int Channels, int Side) Shape => (1, OmniglotData.Side);

        public int Count(Split split) => split == Split.Train ? classes.TrainCount : classes.ValidationCount;

        public void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng)
        {
            for (var b = 0; b < indices.Length; b++)
            {
                var drawing = classes.Drawing(split != Split.Train, indices[b], out var label);
                labels[b] = label;
                var target = images.Slice(b * OmniglotData.Pixels, OmniglotData.Pixels);
                if (augmentation is not null) augmentation.ApplyRandom(drawing, target, OmniglotData.Side, rng);
                else
                    for (var i = 0; i < target.Length; i++) target[i] = drawing[i];
            }
        }
    }
}
