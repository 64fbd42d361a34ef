// Pictures: a palette that keeps things apart, and PNG files that an independent reader reads back.
using RlLeap.Environments;
using RlLeap.Experiments;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class PictureTests
{
    [Fact]
    public void Different_observations_give_different_pictures()
    {
        foreach (var game in MinAtarSuite.Games)
        {
            var pictures = new Dictionary<string, string>();
            var environment = MinAtarSuite.Make(game, 1, new());
            foreach (var step in Play.Random(environment, 600, new Rng(2)))
            {
                var planes = Convert.ToHexString(step.Observation.Bytes);
                var picture = Convert.ToHexString(environment.Render().Pixels);
                Assert.True(pictures.TryAdd(picture, planes) || pictures[picture] == planes, $"{game}: one picture shows two observations");
            }
        }
    }

    [Fact]
    public void The_picture_shows_each_cell_as_a_square_inside_a_border()
    {
        var environment = MinAtarSuite.Make("Breakout", 0, new());
        environment.Reset();
        var picture = environment.Render();
        Assert.Equal((84, 84), (picture.Width, picture.Height));
        int At(int x, int y) => picture.Pixels[3 * (84 * y + x)] << 16 | picture.Pixels[3 * (84 * y + x) + 1] << 8 | picture.Pixels[3 * (84 * y + x) + 2];
        Assert.Equal(0x282828, At(0, 0));
        Assert.Equal(0x282828, At(83, 83));
        // Paddle: row 9, column 4.
        Assert.Equal(0xFFFFFF, At(2 + 8 * 4, 2 + 8 * 9));
        Assert.Equal(0xFFFFFF, At(2 + 8 * 5 - 1, 81));
        Assert.Equal(0, At(2 + 8 * 5, 81));
        // The wall: rows 1 to 3.
        for (var x = 0; x < 10; x++) Assert.Equal(0xC8553D, At(2 + 8 * x, 2 + 8));
    }

    [Fact]
    public void Resizing_takes_the_nearest_pixel()
    {
        var picture = new Picture(2, 1, [1, 2, 3, 4, 5, 6]);
        Assert.Equal([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6], picture.Resize(4, 2).Pixels);
        Assert.Contains("needs 6 bytes", Assert.Throws<EnvironmentException>(() => new Picture(2, 1, [1])).Message);
    }

    [Fact]
    public void A_recording_refuses_nothing_and_mixed_sizes()
    {
        var recording = new AnimatedPng();
        Assert.Contains("no pictures", Assert.Throws<EnvironmentException>(() => recording.Save(Stream.Null)).Message);
        recording.Add(new Picture(2, 1, new byte[6]));
        Assert.Contains("number 2 is 1 x 1", Assert.Throws<EnvironmentException>(() => recording.Add(new Picture(1, 1, new byte[3]))).Message);
    }

    [NeedsPillowFact]
    public void An_independent_reader_reads_the_recording_back()
    {
        using var folder = new TempFolder();
        var environment = MinAtarSuite.Make("Seaquest", 3, new());
        var recording = new AnimatedPng(framesPerSecond: 20, scale: 2);
        using var expected = new MemoryStream();
        foreach (var _ in Play.Random(environment, 12, new Rng(0)))
        {
            var picture = environment.Render();
            recording.Add(picture);
            expected.Write(picture.Resize(168, 168).Pixels);
        }
        recording.Save(folder["episode.png"]);
        var output = NeedsPillowFactAttribute.Python("""
            from PIL import Image
            import hashlib, sys
            image = Image.open(sys.argv[1])
            h = hashlib.sha256()
            for i in range(image.n_frames):
                image.seek(i)
                assert image.info.get('duration', 50) == 50, image.info
                h.update(image.convert('RGB').tobytes())
            print(image.n_frames, image.size, h.hexdigest())
            """, folder["episode.png"]);
        Assert.Equal($"{recording.Count} (168, 168) {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(expected.ToArray()))}", output.Trim());
    }
}

/// <summary>A test that reads images with Python's Pillow: skipped where it is not installed.</summary>
public sealed class NeedsPillowFactAttribute : FactAttribute
{
    private static readonly Lazy<PythonInterpreter?> Found = new(() => PythonInterpreter.Find("PIL"));

    public NeedsPillowFactAttribute() => Skip = Found.Value is null ? "needs Pillow: sudo apt-get install -y python3-pil" : null;

    public static string Python(string script, params string[] arguments)
    {
        var (_, output, error) = Found.Value!.Run(["-c", script, .. arguments]);
        return output + error;
    }
}
