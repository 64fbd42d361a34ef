// An embedding learned from a folder of images (a folder a class), and classes that it has never seen told apart from a
// handful of images of each. Arguments: the folder to learn from, a folder with a few images of each new class, and the
// images to classify. Prints the class of each image.
using RlLeap;
using RlLeap.Data;
using RlLeap.MetaLearning;

namespace FewShotOnOwnImages;

public static class Program
{
    private const int Side = 28;
    private const string File = "embedding.safetensors";

    public static void Main(string[] arguments)
    {
        Learn(arguments[0], File, episodes: 500);
        foreach (var (image, name) in Classify(File, arguments[1], arguments[2])) Console.WriteLine($"{image}: {name}");
    }

    /// <summary>Learns an embedding from a folder of images and saves it.</summary>
    public static void Learn(string folder, string file, int episodes)
    {
        using var images = new EpisodeImages(ImageFolder.Read(folder, Side), new Rng(1), new() { Test = 0 });
        var (method, shape) = (new PrototypicalOptions(), new EpisodeShape { Way = 5, Shot = 1, Query = 5 });
        var adam = new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 1e-3 };
        using var learner = new Learner(method.Episodes(images, shape), Encoder((int)images.InputShape[0]),
            new LearnerOptions { GradientSteps = episodes, Optimizer = adam }, new Rng(1));
        while (!learner.IsDone) learner.TrainStep();
        using var classifier = new FewShotClassifier(method, learner.Model);
        classifier.Save(file);
    }

    /// <summary>The class of each image of a folder, told from a few images of each class in another.</summary>
    public static IEnumerable<(int Image, string Class)> Classify(string file, string known, string unknown)
    {
        var (classes, queries) = (ImageFolder.Read(known, Side), ImageFolder.Read(unknown, Side));
        using var classifier = FewShotClassifier.Load(file, new PrototypicalOptions(), Encoder(classes.Channels));
        using var support = classes.ToTensor();
        using var images = queries.ToTensor();
        return [.. classifier.Classify(support, classes.ImagesPerClass, images)
            .Select((label, i) => (i, classes.Classes[label].Name))];
    }

    private static ConvolutionalEncoder Encoder(int channels) => new(channels, Side);
}
