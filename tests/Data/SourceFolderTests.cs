// Which files of a folder or an archive make a data set: each once, none that a system added.
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public sealed class SourceFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Read(string path) => [.. SourceFiles.Read(_folder[path], _ => true, 1000).Select(f => f.Path)];

    [Theory]
    [InlineData("A/._0.png"), InlineData("__MACOSX/A/0.png"), InlineData("A/.DS_Store"), InlineData("A/Thumbs.db")]
    [InlineData("desktop.ini"), InlineData("A/.ipynb_checkpoints/0-checkpoint.png"), InlineData(".git/config")]
    [InlineData("B/THUMBS.DB"), InlineData("@eaDir/x.png")]
    public void What_a_system_adds_is_passed_over_in_folders_and_archives(string added)
    {
        _folder.Write("set/A/0.png", "x");
        _folder.Write("set/B/1.png", "y");
        _folder.Write("set/" + added, "z");
        Assert.Equal(["A/0.png", "B/1.png"], Read("set"));
        (string, byte[])[] files = [("A/0.png", [1]), ("B/1.png", [2]), (added, [3])];
        File.WriteAllBytes(_folder["set.zip"], SampleFiles.Zip(files));
        File.WriteAllBytes(_folder["set.tar.gz"], SampleFiles.TarGz(files));
        Assert.Equal(["A/0.png", "B/1.png"], Read("set.zip"));
        Assert.Equal(["A/0.png", "B/1.png"], Read("set.tar.gz"));
    }

    [Theory]
    [InlineData("set/A/loop", "..")] // the set itself
    [InlineData("set/A/loop", "../..")] // what it lies in
    [InlineData("set/A/loop", "/")]
    [InlineData("set/again", "A")]
    [InlineData("set/again.png", "A/0.png")]
    public void A_link_makes_no_file_count_twice(string link, string target)
    {
        if (OperatingSystem.IsWindows()) return;
        _folder.Write("set/A/0.png", "x");
        _folder.Write("set/B/1.png", "y");
        _folder.Write("other/2.png", "z");
        File.CreateSymbolicLink(_folder[link], target);
        Assert.Equal(["A/0.png", "B/1.png"], Read("set"));
    }

    [Theory]
    [InlineData("self"), InlineData("../nothing")]
    public void A_link_that_leads_nowhere_is_named(string target)
    {
        if (OperatingSystem.IsWindows()) return;
        _folder.Write("set/A/0.png", "x");
        File.CreateSymbolicLink(_folder["set/A/self"], target);
        Assert.Contains("set/A/self", Assert.Throws<DataException>(() => Read("set")).Message);
    }

    [Fact]
    public void A_link_to_what_lies_elsewhere_is_followed_once()
    {
        if (OperatingSystem.IsWindows()) return;
        _folder.Write("elsewhere/A/0.png", "x");
        _folder.Write("elsewhere/one.png", "y");
        Directory.CreateDirectory(_folder["set"]);
        Directory.CreateSymbolicLink(_folder["set/A"], "../elsewhere/A");
        Directory.CreateSymbolicLink(_folder["set/B"], _folder["elsewhere/A"]);
        File.CreateSymbolicLink(_folder["set/one.png"], "../elsewhere/one.png");
        Assert.Equal(["A/0.png", "one.png"], Read("set"));
        Directory.CreateSymbolicLink(_folder["link"], "set");
        Assert.Equal(["A/0.png", "one.png"], Read("link"));
    }

    [Fact]
    public void Copies_of_a_face_stay_in_one_part_of_the_split()
    {
        byte[] Face(int seed) => [.. "P6 32 32 255\n"u8, .. SampleFiles.Bytes(3072, seed)];
        for (var person = 0; person < 2; person++)
            for (var i = 0; i < 60; i++)
            {
                var path = _folder.Write($"faces/p{person}/{i}.ppm", "");
                File.WriteAllBytes(path, Face(100 * person + i / 3)); // each three times
            }
        var set = MultiCvReaders.Facescrub(_folder["faces"], "faces", people: 2);
        var split = ImageSplit.Draw(set, new Rng(1));
        string[] Images(int[] part) => [.. part.Select(i => Convert.ToHexString(set.Image(i)[..8])).Distinct()];
        Assert.Empty(Images(split.Train).Intersect(Images(split.Test)));
        Assert.Empty(Images(split.Train).Intersect(Images(split.Validation)));
        Assert.Empty(Images(split.Validation).Intersect(Images(split.Test)));
    }
}
