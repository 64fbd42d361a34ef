using System.Diagnostics;

namespace RlLeap.Cli.Recordings;

/// <summary>Writes MP4 files (H.264) by handing pictures to ffmpeg.</summary>
internal static class Ffmpeg
{
    /// <summary>Requires that ffmpeg is on the PATH.</summary>
    /// <exception cref="RlLeapException">It is not; says how to get it and what works without.</exception>
    public static void Require()
    {
        if (Find() is null)
            throw new RlLeapException("MP4 needs the program ffmpeg, which is not on the PATH: install it (apt install "
                + "ffmpeg, brew install ffmpeg), or record a .gif or .png, which need nothing.");
    }

    /// <summary>Writes pictures as a video, whole or not at all.</summary>
    /// <exception cref="RlLeapException">ffmpeg failed; in its words.</exception>
    public static void Save(string path, IReadOnlyList<Picture> pictures, int rate, int scale)
    {
        Require();
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var temporary = $"{full}.{Environment.ProcessId}.tmp.mp4";
        var (width, height) = (pictures[0].Width, pictures[0].Height);
        // The colours of most players come in blocks of two by two: the size is made even.
        var size = $"scale={scale * width}:{scale * height}:flags=neighbor,pad=ceil(iw/2)*2:ceil(ih/2)*2";
        var start = new ProcessStartInfo(Find()!,
        [
            "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", $"{width}x{height}",
            "-r", $"{rate}", "-i", "-", "-vf", size, "-pix_fmt", "yuv420p", "-movflags", "+faststart", temporary,
        ])
        { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        try
        {
            using var process = Process.Start(start)!;
            var said = process.StandardError.ReadToEndAsync();
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            try
            {
                using var input = process.StandardInput.BaseStream;
                foreach (var picture in pictures)
                {
                    if ((picture.Width, picture.Height) != (width, height))
                        throw new RlLeapException($"The pictures of one recording have one size: the first was {width} "
                            + $"x {height}, one is {picture.Width} x {picture.Height}.");
                    input.Write(picture.Pixels);
                }
            }
            catch (IOException) { /* it ended before it had all: its words say why */ }
            process.WaitForExit();
            if (process.ExitCode != 0 || !File.Exists(temporary))
                throw new RlLeapException($"ffmpeg could not write {path}: {said.Result.Trim()} A .gif or .png needs "
                    + "no ffmpeg.");
            File.Move(temporary, full, overwrite: true);
        }
        finally { File.Delete(temporary); }
    }

    private static string? Find() => SystemNames.OnPath(SystemNames.Program("ffmpeg")).FirstOrDefault();
}
