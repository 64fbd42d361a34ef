namespace RlLeap.Data;

/// <summary>Classification of one set of Multi-CV: normalized 32x32x3, no augmentation, once an epoch.</summary>
public sealed class MultiCvTask : ImageTask
{
    /// <summary>The task of a data set; its id is the prefix and the name of the set.</summary>
    public MultiCvTask(MultiCvSet set, string prefix = "multi-cv/")
        : base(prefix + set.Name, new ImageSource(set), set.Classes)
    {
        Set = set;
        (BatchSize, ValidationSubset) = (64, 500);
    }

    /// <summary>The data set.</summary>
    public MultiCvSet Set { get; }

    private sealed class ImageSource(MultiCvSet set) : IImageSource
    {
        public (int Channels, int Side) Shape => (MultiCvSet.Channels, MultiCvSet.Side);

        public int Count(Split split) => Part(split).Length;

        public void Fill(Split split, ReadOnlySpan<int> indices, Span<float> images, Span<long> labels, Rng rng)
        {
            var part = Part(split);
            Span<int> numbers = indices.Length <= 1024 ? stackalloc int[indices.Length] : new int[indices.Length];
            for (var i = 0; i < indices.Length; i++) numbers[i] = part[indices[i]];
            set.Fill(numbers, images, labels);
        }

        private int[] Part(Split split) => split switch
        {
            Split.Train => set.Split.Train,
            Split.Validation => set.Split.Validation,
            _ => set.Split.Test,
        };
    }
}
