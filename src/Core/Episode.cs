using System.ComponentModel.DataAnnotations;

namespace RlLeap;

/// <summary>How large an episode is: how many classes, and how many images of each.</summary>
public sealed record EpisodeShape
{
    /// <summary>Classes of an episode (N-way).</summary>
    [Range(2, int.MaxValue)]
    public int Way { get; init; } = 5;

    /// <summary>Support images of each class (K-shot).</summary>
    [Range(1, int.MaxValue)]
    public int Shot { get; init; } = 1;

    /// <summary>Query images of each class.</summary>
    [Range(1, int.MaxValue)]
    public int Query { get; init; } = 15;

    /// <summary>Support images in all.</summary>
    public int SupportCount => Way * Shot;

    /// <summary>Query images in all.</summary>
    public int QueryCount => Way * Query;

    /// <summary>"5-way 1-shot".</summary>
    public override string ToString() => $"{Way}-way {Shot}-shot";
}

/// <summary>Where episodes are drawn from: classes of images, each in one split.</summary>
/// <remarks>An implementation is immutable, and threads can share it.</remarks>
public interface IEpisodeSource
{
    /// <summary>A name for records: "omniglot".</summary>
    string Name { get; }

    /// <summary>Shape of one image, [channels, side, side].</summary>
    long[] InputShape { get; }

    /// <summary>Throws when episodes of a shape cannot be drawn from a split.</summary>
    /// <exception cref="RlLeapException">Too few classes, or a class has too few images. Says which.</exception>
    void Require(Split split, EpisodeShape shape);

    /// <summary>Draws an episode. It depends on <paramref name="rng"/> alone.</summary>
    /// <param name="split">Which classes to draw from. No class is in two splits.</param>
    /// <param name="shape">How many classes and images.</param>
    /// <param name="rng">The only source of randomness.</param>
    /// <param name="device">Where the episode's tensors lie.</param>
    /// <param name="dtype">Floating type of the images.</param>
    /// <exception cref="RlLeapException">As <see cref="Require"/>.</exception>
    Episode Draw(Split split, EpisodeShape shape, Rng rng, Device device, ScalarType dtype = ScalarType.Float32);
}

/// <summary>Episodes of classes that the caller names, and all training classes as one problem.</summary>
/// <remarks>What transfers between classes needs it: pretraining on all of them, a curriculum of hard ones.</remarks>
public interface IClassSource : IEpisodeSource
{
    /// <summary>Classes of a part.</summary>
    int ClassCount(Split split);

    /// <summary>Draws an episode of some of the classes named.</summary>
    /// <param name="classes">Numbers as in <see cref="Episode.Classes"/>, at least as many as the episode has.</param>
    /// <param name="shape">How many of them, and how many images of each.</param>
    /// <param name="rng">The only source of randomness.</param>
    /// <param name="device">Where the episode's tensors lie.</param>
    /// <param name="dtype">Floating type of the images.</param>
    /// <exception cref="RlLeapException">There are too few classes, or one has too few images.</exception>
    Episode Draw(IReadOnlyList<int> classes, EpisodeShape shape, Rng rng, Device device,
        ScalarType dtype = ScalarType.Float32);

    /// <summary>All training classes as one classification task, with a private head of one output a class.</summary>
    /// <param name="batchSize">Images of a minibatch.</param>
    ITask Classification(int batchSize);
}

/// <summary>One small classification problem: a few labelled support images, and queries to classify.</summary>
/// <remarks>
/// All images lie in one tensor, support first, so that one pass of an encoder sees them all. Within both parts the
/// classes follow one another: all of class 0, then all of class 1, and so on.
/// </remarks>
public sealed class Episode : IBatch
{
    private readonly Dictionary<string, double> _metrics = [];

    /// <summary>Takes the tensor over, whatever dispose scope it was made in.</summary>
    /// <param name="shape">Classes and images of each.</param>
    /// <param name="images">[way x shot + way x query, input...], in the order that the class describes.</param>
    /// <param name="classes">[way] each class's number in its source.</param>
    public Episode(EpisodeShape shape, Tensor images, IReadOnlyList<int> classes)
    {
        if (images.shape[0] != shape.SupportCount + shape.QueryCount || classes.Count != shape.Way)
            throw new ArgumentException(
                $"An episode {shape} with {shape.Query} queries has {shape.SupportCount + shape.QueryCount} images of "
                + $"{shape.Way} classes; got {images.shape[0]} of {classes.Count}.", nameof(images));
        (Shape, Images, Classes) = (shape, images.DetachFromDisposeScope(), classes);
        using var scope = NewDisposeScope();
        var labels = arange(shape.Way, device: images.device);
        SupportLabels = labels.repeat_interleave(shape.Shot).DetachFromDisposeScope();
        QueryLabels = labels.repeat_interleave(shape.Query).DetachFromDisposeScope();
    }

    /// <summary>Classes and images of each.</summary>
    public EpisodeShape Shape { get; }

    /// <summary>[support + query, input...].</summary>
    public Tensor Images { get; }

    /// <summary>[way] each class's number in its source.</summary>
    public IReadOnlyList<int> Classes { get; }

    /// <summary>[way x shot] labels 0 .. way-1, int64.</summary>
    public Tensor SupportLabels { get; }

    /// <summary>[way x query] labels 0 .. way-1, int64.</summary>
    public Tensor QueryLabels { get; }

    /// <summary>The support part of what has a row for each image. A view in the caller's dispose scope.</summary>
    public Tensor SupportOf(Tensor rows) => rows.narrow(0, 0, Shape.SupportCount);

    /// <summary>The query part of what has a row for each image. A view in the caller's dispose scope.</summary>
    public Tensor QueryOf(Tensor rows) => rows.narrow(0, Shape.SupportCount, Shape.QueryCount);

    public long Count => Images.shape[0];
    public IReadOnlyDictionary<string, double> Metrics => _metrics;
    public Tensor? Inputs => Images;

    /// <summary>Records a metric of the episode.</summary>
    public void Record(string metric, double value) => _metrics[metric] = value;

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Images.Dispose();
        SupportLabels.Dispose();
        QueryLabels.Dispose();
    }
}
