// Classifying new classes from a handful of images: the example, and what the classifier promises.
using RlLeap.Data;
using RlLeap.MetaLearning;
using RlLeap.Tests.Data;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class FewShotClassifierTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_example_tells_classes_apart_that_it_has_never_seen()
    {
        SampleFiles.ClassFolder(_folder["photos"], 0, 9, images: 8);
        SampleFiles.ClassFolder(_folder["known"], 9, 3, images: 2, seed: 2);
        SampleFiles.ClassFolder(_folder["unknown"], 9, 3, images: 5, seed: 3);
        FewShotOnOwnImages.Program.Learn(_folder["photos"], _folder["embedding.safetensors"], episodes: 40);
        var found = FewShotOnOwnImages.Program.Classify(
            _folder["embedding.safetensors"], _folder["known"], _folder["unknown"]).ToList();
        Assert.Equal(15, found.Count);
        var right = found.Count(f => f.Class == $"class{9 + f.Image / 5:D2}");
        Assert.True(right >= 12, $"{right} of 15");
    }

    [Fact]
    public void An_image_is_classified_alike_alone_and_among_others_and_after_saving()
    {
        var method = new PrototypicalOptions();
        using var model = new Model(new FewShotTests.SmallNorm(), []);
        model.Initialize(new Rng(1));
        using var classifier = new FewShotClassifier(method, model);
        classifier.Save(_folder["c"]);
        using var loaded = FewShotClassifier.Load(_folder["c"], method, new FewShotTests.SmallNorm());
        using var images = randn([12 + 7, 16], generator: new Generator(1));
        var (support, queries) = (images[..12], images[12..]);
        var all = classifier.Classify(support, 3, queries);
        Assert.All(all, label => Assert.InRange(label, 0, 3));
        Assert.Equal(all, loaded.Classify(support, 3, queries));
        for (var i = 0; i < 7; i++)
            Assert.Equal(all[i], Assert.Single(classifier.Classify(support, 3, queries.narrow(0, i, 1))));
    }

    [Fact]
    public void What_cannot_be_classified_or_loaded_is_one_clear_error()
    {
        var method = new SiameseOptions();
        using var model = new Model(new FewShotTests.SmallNorm(), method.Heads);
        using var classifier = new FewShotClassifier(method, model);
        string Refused(int support, int shot, int queries) => Assert.Throws<RlLeapException>(
            () => classifier.Classify(zeros([support, 16]), shot, zeros([queries, 16]))).Message;
        Assert.Contains("7 labelled images are not 3 of each", Refused(7, 3, 1));
        Assert.Contains("3 labelled images are not 3 of each of two or more classes", Refused(3, 3, 1));
        Assert.Contains("no image to classify", Refused(6, 3, 0));

        using var plain = new Model(new FewShotTests.SmallNorm(), []);
        using var other = new FewShotClassifier(new PrototypicalOptions(), plain);
        other.Save(_folder["other"]);
        var lacks = Assert.Throws<RlLeapException>(
            () => FewShotClassifier.Load(_folder["other"], method, new FewShotTests.SmallNorm())).Message;
        Assert.Contains("lacks similarity.weight, similarity.bias: it was not learned by siamese", lacks);

        SampleFiles.ClassFolder(_folder["odd"], 0, 2, images: 3);
        File.Delete(_folder["odd/class01/0.png"]);
        var set = ImageFolder.Read(_folder["odd"]);
        Assert.Contains("the class class01 has 2 images and class00 3", Assert.Throws<RlLeapException>(
            () => set.ImagesPerClass).Message);
    }
}
