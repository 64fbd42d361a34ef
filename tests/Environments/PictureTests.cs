// Pictures: different observations look different, and an independent reader can read the PNG files.
using System.Security.Cryptography;
using RlLeap.Environments;
using RlLeap.Gymnasium;
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
                Assert.True(pictures.TryAdd(picture, planes) || pictures[picture] == planes,
                    $"{game}: one picture shows two observations");
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
        int At(int x, int y)
        {
            var pixel = picture.Pixels.AsSpan(3 * (84 * y + x), 3);
            return pixel[0] << 16 | pixel[1] << 8 | pixel[2];
        }
        Assert.Equal(0x282828, At(0, 0));
        Assert.Equal(0x282828, At(83, 83));
        // Paddle: row 9, column 4.
        Assert.Equal(0xFFFFFF, At(2 + 8 * 4, 2 + 8 * 9));
        Assert.Equal(0xFFFFFF, At(2 + 8 * 5 - 1, 81));
        Assert.Equal(0, At(2 + 8 * 5, 81));
        // The wall: rows 1 to 3.
        for (var x = 0; x < 10; x++) Assert.Equal(0xC8553D, At(2 + 8 * x, 2 + 8));
    }

    // Frames of 5 x 6. Byte k of the observation is k.
    public static TheoryData<long[], string[], int, int, int> Images() => new()
    {
        // The shape; the names of the planes; red, green and blue of the newest frame's pixel in row 1 and column 2.
        { [5, 6], [], 8, 8, 8 },
        { [2, 5, 6], [], 38, 38, 38 },
        { [3, 5, 6], [], 68, 68, 68 },
        { [3, 5, 6], ["red", "green", "blue"], 8, 38, 68 },
        { [6, 5, 6], ["red", "green", "blue", "red", "green", "blue"], 98, 128, 158 },
        { [4, 5, 6], ["red", "green", "blue", "alpha"], 8, 38, 68 },
        { [5, 6, 1], [], 8, 8, 8 },
        { [5, 6, 3], [], 24, 25, 26 },
        { [2, 5, 6, 3], [], 114, 115, 116 },
        { [5, 6, 4], [], 32, 33, 34 },
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Observations_that_are_images_are_pictures_of_their_newest_frame(
        long[] shape, string[] names, int red, int green, int blue)
    {
        var spec = new EnvironmentSpec("test/Image", Box.Bytes(255, shape), new Discrete(2)) { ChannelNames = names };
        Assert.True(ObservedPicture.Shows(spec));
        var picture = ObservedPicture.Of(spec, [.. Enumerable.Range(0, spec.Observation.Length).Select(k => (byte)k)]);
        Assert.Equal((6, 5), (picture.Width, picture.Height));
        Assert.Equal([(byte)red, (byte)green, (byte)blue], picture.Pixels[(3 * 8)..(3 * 9)]);
    }

    [Fact]
    public void Other_observations_are_no_pictures()
    {
        Box[] boxes =
        [
            Box.Bytes(1, 4, 10, 10), Box.Bytes(255, 84), Box.Bytes(255, 2, 84, 4, 84), Box.Floats(3, 84, 84),
            Box.Bytes(255, 84, 4),
        ];
        foreach (var box in boxes)
        {
            var spec = new EnvironmentSpec("test/Other", box, new Discrete(2));
            Assert.False(ObservedPicture.Shows(spec), box.ToString());
        }
    }

    [Fact]
    public void A_vector_of_images_draws_what_its_copies_show()
    {
        using IVectorEnvironment vector = new EnvironmentVector(2, i => new Image((byte)(10 * i)));
        vector.Reset();
        vector.Step([0, 0]);
        Assert.True(vector.CanRender);
        Assert.All(vector.Render(1).Pixels, value => Assert.Equal(11, value));
        using IVectorEnvironment numbers = new EnvironmentVector(1, _ => new Counter(new Rng(0)));
        Assert.False(numbers.CanRender);
        Assert.Throws<NotSupportedException>(() => numbers.Render(0));
    }

    private sealed class Image(byte start) : Counter(new Rng(0))
    {
        public override EnvironmentSpec Spec { get; } = new("test/Image", Box.Bytes(255, 1, 8, 8), new Discrete(3));
        protected override Observation Show() => Enumerable.Repeat((byte)(start + Taken), 64).ToArray();
    }

    [Fact]
    public void Resizing_takes_the_nearest_pixel()
    {
        var picture = new Picture(2, 1, [1, 2, 3, 4, 5, 6]);
        Assert.Equal([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6],
            picture.Resize(4, 2).Pixels);
        Assert.Contains("needs 6 bytes", Assert.Throws<EnvironmentException>(() => new Picture(2, 1, [1])).Message);
    }

    [Fact]
    public void A_recording_refuses_nothing_and_mixed_sizes()
    {
        var recording = new AnimatedPng();
        Assert.Contains("no pictures", Assert.Throws<EnvironmentException>(() => recording.Save(Stream.Null)).Message);
        recording.Add(new Picture(2, 1, new byte[6]));
        Assert.Contains("number 2 is 1 x 1",
            Assert.Throws<EnvironmentException>(() => recording.Add(new Picture(1, 1, new byte[3]))).Message);
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
        var hash = Convert.ToHexStringLower(SHA256.HashData(expected.ToArray()));
        Assert.Equal($"{recording.Count} (168, 168) {hash}", output.Trim());
    }
}

/// <summary>A test that reads images with Python's Pillow. It is skipped where Pillow is not installed.</summary>
public sealed class NeedsPillowFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Found = new(() => PythonInstallation.Candidates()
        .Select(candidate => candidate.Path).Distinct().Where(File.Exists)
        .FirstOrDefault(path => PythonInstallation.Run(path, ["-c", "import PIL"]).Code == 0));

    public NeedsPillowFactAttribute() => Skip = Found.Value is null
        ? "needs Pillow: sudo apt-get install -y python3-pil"
        : null;

    public static string Python(string script, params string[] arguments)
    {
        var (_, output, error) = PythonInstallation.Run(Found.Value!, ["-c", script, .. arguments]);
        return output + error;
    }
}
