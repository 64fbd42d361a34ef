namespace RlLeap.Cli.Recordings;

/// <summary>Writes the pictures of an episode: an animated PNG, a GIF or an MP4.</summary>
internal static class Recording
{
    private const int Side = 320; // of a recorded picture, at least; small ones are enlarged

    /// <summary>What can be written, for help and errors.</summary>
    public const string Kinds = ".png (animated), .gif or .mp4";

    /// <summary>Whether a recording can be written there; asked before anything is played.</summary>
    /// <exception cref="RlLeapException">Its name is of no known kind, or what writes that kind is not
    /// there.</exception>
    public static void Check(string path)
    {
        switch (KindOf(path))
        {
            case ".png" or ".apng" or ".gif": break;
            case ".mp4": Ffmpeg.Require(); break;
            case "": throw new RlLeapException($"--record {path}: the name says no kind of file; end it in {Kinds}.");
            case var kind:
                throw new RlLeapException($"--record {path}: {kind} cannot be written; name a {Kinds} "
                + $"file.");
        }
        if (Directory.Exists(path)) throw new RlLeapException($"--record {path}: this is a folder; name a file.");
    }

    /// <summary>Writes pictures, whole or not at all.</summary>
    /// <param name="path">A checked name.</param>
    public static void Save(string path, IReadOnlyList<Picture> pictures, int rate)
    {
        var scale = Math.Max(1, Side / Math.Max(pictures[0].Width, pictures[0].Height));
        if (KindOf(path) == ".mp4")
        {
            Ffmpeg.Save(path, pictures, rate, scale);
            return;
        }
        Animation animation = KindOf(path) == ".gif" ? new AnimatedGif(rate, scale) : new AnimatedPng(rate, scale);
        foreach (var picture in pictures) animation.Add(picture);
        animation.Save(path);
    }

    private static string KindOf(string path) => Path.GetExtension(path).ToLowerInvariant();
}
