// Recordings: GIF as an independent reader sees it, MP4 by ffmpeg, and what is said where they cannot be made.
using System.Diagnostics;
using RlLeap.Cli;
using RlLeap.Cli.Recordings;
using RlLeap.Environments;
using SkiaSharp;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class RecordingTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Picture Noise(int width, int height, int colors, long seed)
    {
        var rng = new Rng(seed);
        byte[][] palette = [.. Enumerable.Range(0, colors).Select(_ =>
            new[] { (byte)rng.NextInt(256), (byte)rng.NextInt(256), (byte)rng.NextInt(256) })];
        return new Picture(width, height,
            [.. Enumerable.Range(0, width * height).SelectMany(_ => palette[rng.NextInt(colors)])]);
    }

    [Theory]
    [InlineData(1, 1, 1, 0), InlineData(33, 17, 2, 0), InlineData(100, 90, 256, 0), InlineData(160, 210, 128, 0)]
    [InlineData(160, 210, 5000, 40)] // more than a frame has: near colours become one
    public void A_gif_shows_the_pictures_that_were_put_in(int width, int height, int colors, int apart)
    {
        Picture[] pictures = [.. Enumerable.Range(0, 3).Select(i => Noise(width, height, colors, i))];
        var gif = new AnimatedGif(15);
        foreach (var picture in pictures) gif.Add(picture);
        gif.Save(_folder["a.gif"]);
        using var codec = SKCodec.Create(_folder["a.gif"]);
        Assert.Equal((width, height, 3), (codec.Info.Width, codec.Info.Height, codec.FrameCount));
        Assert.Equal([60, 70, 70], codec.FrameInfo.Select(frame => frame.Duration)); // 200 ms in all
        for (var i = 0; i < 3; i++)
        {
            using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888));
            Assert.Equal(SKCodecResult.Success,
                codec.GetPixels(bitmap.Info, bitmap.GetPixels(), new SKCodecOptions(i)));
            var far = 0;
            for (var p = 0; p < width * height; p++)
            {
                var seen = bitmap.GetPixel(p % width, p / width);
                var (r, g, b) = (pictures[i].Pixels[3 * p], pictures[i].Pixels[3 * p + 1],
                    pictures[i].Pixels[3 * p + 2]);
                far = Math.Max(far, Math.Max(Math.Abs(seen.Red - r), Math.Max(Math.Abs(seen.Green - g),
                    Math.Abs(seen.Blue - b))));
            }
            Assert.InRange(far, 0, apart);
        }
    }

    [Fact]
    public void A_gif_enlarges_and_wants_pictures_of_one_size()
    {
        var gif = new AnimatedGif(100, scale: 3);
        gif.Add(Noise(4, 5, 3, 1));
        Assert.Throws<EnvironmentException>(() => gif.Add(Noise(5, 4, 3, 1)));
        gif.Save(_folder["a.gif"]);
        using var codec = SKCodec.Create(_folder["a.gif"]);
        Assert.Equal((12, 15), (codec.Info.Width, codec.Info.Height));
    }

    [Theory]
    [InlineData("x", "says no kind of file"), InlineData("x.avi", ".avi cannot be written"),
        InlineData("x.jpg", ".gif")]
    public void A_name_of_no_known_kind_is_refused_before_anything_is_played(string name, string expected) =>
        Assert.Contains(expected, Assert.Throws<RlLeapException>(() => Recording.Check(_folder[name])).Message,
            StringComparison.Ordinal);

    [Fact]
    public void An_mp4_is_made_by_ffmpeg_or_its_absence_is_said()
    {
        Directory.CreateDirectory(_folder["empty"]);
        var (code, _, error) = ProgramProcess.Wait(Process.Start(new ProcessStartInfo(Environment.ProcessPath!,
            [Path.Combine(AppContext.BaseDirectory, "rlleap.dll"), "play", _folder["r"], "--record", _folder["a.mp4"]])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { ["PATH"] = _folder["empty"] },
        })!);
        Assert.Equal(1, code);
        Assert.Contains("needs the program ffmpeg", error, StringComparison.Ordinal);
        if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(p => File.Exists(Path.Combine(p, "ffmpeg"))))
            return;
        Recording.Save(_folder["a.mp4"], [.. Enumerable.Range(0, 30).Select(i => Noise(11, 7, 5, i))], rate: 10);
        var bytes = File.ReadAllBytes(_folder["a.mp4"]);
        Assert.Equal("ftyp"u8, bytes.AsSpan(4, 4));
        Assert.Equal(["a.mp4"], Directory.GetFiles(_folder.Root).Select(Path.GetFileName));
        var words = Assert.Throws<RlLeapException>(() =>
            Recording.Save(_folder["b.mp4"], [Noise(11, 7, 5, 1), Noise(7, 11, 5, 1)], rate: 10)).Message;
        Assert.Contains("one size", words, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["b.mp4"]));
    }

    [Theory]
    [InlineData("xterm-256color", true), InlineData("dumb", false), InlineData("", false), InlineData(null, false)]
    public void A_terminal_that_cannot_move_its_cursor_is_not_asked_to(string? name, bool smart)
    {
        if (!OperatingSystem.IsWindows()) Assert.Equal(smart, SystemNames.TakesEscapes(name));
    }

    [Fact]
    public void A_run_whose_reader_leaves_goes_on_to_its_end()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var (name, tail) in new[]
        {
            ("pipe", "| head -n 1"), ("both", "2>&1 | head -n 1"), ("closed", ">&-"), ("all", "<&- >&- 2>&-"),
        })
        {
            using var shell = Process.Start("bash",
                ["-c", $"dotnet '{Path.Combine(AppContext.BaseDirectory, "rlleap.dll")}' "
                + $"train MinAtar/Breakout-v1 --directory {_folder[name]} --agent-steps 8000 "
                + $"--set record.evaluation-episodes=0 --set record.every=320 {tail}; true"]);
            shell.WaitForExit();
            Assert.True(RlLeap.Cli.Runs.RunDirectory.IsComplete(_folder[name]), name);
            foreach (var line in File.ReadLines(_folder[name + "/metrics.jsonl"]))
                Assert.StartsWith("{\"series\":", line, StringComparison.Ordinal);
        }
    }
}
