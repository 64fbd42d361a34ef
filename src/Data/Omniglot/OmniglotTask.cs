using System.ComponentModel.DataAnnotations;

namespace RlLeap.Data;

/// <summary>Settings of the Omniglot tasks; the defaults are the paper's (Flennerhag et al. 2019, appendix D).</summary>
public sealed record OmniglotOptions
{
    /// <summary>Characters of a task.</summary>
    [Range(2, int.MaxValue)]
    public int Classes { get; init; } = 20;

    /// <summary>Drawings of a character that train; the rest of the 20 validates.</summary>
    [Range(1, 19)]
    public int TrainDrawings { get; init; } = 15;

    /// <summary>Drawings of a batch.</summary>
    [Range(1, int.MaxValue)]
    public int BatchSize { get; init; } = 20;

    /// <summary>Batches of one shuffled pass: a task's 100 batches are a permutation of 100 x 20 positions modulo the 300 training drawings.</summary>
    [Range(1, int.MaxValue)]
    public int PassBatches { get; init; } = 100;

    /// <summary>Whether the last layer is meta-learned with the rest, as the authors' code has it: all tasks have as many classes. See docs/fidelity.md.</summary>
    public bool SharedHead { get; init; } = true;

    /// <summary>Augmentation of every drawing each time it is drawn, or null for none.</summary>
    public AffineAugmentation? Augmentation { get; init; } = new();
}

/// <summary>Telling the characters of one alphabet apart: 28x28 drawings, augmented, ink 0 on 1.</summary>
/// <remarks>
/// Validation drawings are augmented too, as in the authors' code. There is no third part: the test split is the validation drawings, since what is held out for
/// testing in this experiment are whole alphabets.
/// </remarks>
public sealed class OmniglotTask : ImageTask
{
    /// <summary>The task of an alphabet. Its characters and which drawings train depend on <paramref name="rng"/>'s key and the alphabet alone.</summary>
    public OmniglotTask(OmniglotAlphabet alphabet, Rng rng, OmniglotOptions? options = null) : this(ClassesOf(alphabet, rng, options ?? new()), options ?? new()) { }

    private OmniglotTask(OmniglotClasses classes, OmniglotOptions options) : base("omniglot/" + classes.Name, new Feed(classes, options.Augmentation), options.Classes)
    {
        Classes = classes;
        (BatchSize, PassLength, SharedHead) = (options.BatchSize, options.PassBatches * options.BatchSize, options.SharedHead);
    }

    /// <summary>The characters, for the record of the run.</summary>
    public OmniglotClasses Classes { get; }

    /// <summary>The tasks of some alphabets.</summary>
    public static IReadOnlyList<OmniglotTask> Of(OmniglotData data, IEnumerable<string> alphabets, Rng rng, OmniglotOptions? options = null) =>
        [.. alphabets.Select(name => new OmniglotTask(data[name], rng, options))];

    private static OmniglotClasses ClassesOf(OmniglotAlphabet alphabet, Rng rng, OmniglotOptions options) => new(alphabet, rng, options.Classes, options.TrainDrawings);

    private sealed class Feed(OmniglotClasses classes, AffineAugmentation? augmentation) : IImageSource
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
                if (augmentation is not null) augmentation.Draw(drawing, target, OmniglotData.Side, rng);
                else
                    for (var i = 0; i < target.Length; i++) target[i] = drawing[i];
            }
        }
    }
}
