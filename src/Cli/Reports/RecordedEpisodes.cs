using System.Text.RegularExpressions;

namespace RlLeap.Cli.Reports;

/// <summary>One recording: what it is called, and the file, as a page can hold it.</summary>
/// <param name="Name">"after training": of the file "2_after_training.gif".</param>
/// <param name="Kind">"image/gif".</param>
public sealed record RecordedEpisode(string Name, string Kind, string Path);

/// <summary>
/// Recordings lie in the folder <c>episodes</c> of a run: what an evaluation with <c>evaluation.episodes</c> writes,
/// and what `rlleap play --record` writes there. A page shows them side by side in the order of their names.
/// </summary>
internal static partial class RecordedEpisodes
{
    /// <summary>The folder in a run's folder.</summary>
    public const string Folder = "episodes";

    /// <summary>Recordings of a report at most; and the bytes of one, since the page holds them all.</summary>
    public const int Most = 24, MostBytes = 6 << 20;

    private static readonly Dictionary<string, string> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        [".gif"] = "image/gif", [".png"] = "image/png", [".apng"] = "image/apng", [".webp"] = "image/webp",
        [".mp4"] = "video/mp4",
    };

    /// <summary>Those of a run; empty where it has none.</summary>
    public static IReadOnlyList<RecordedEpisode> Of(string run)
    {
        var folder = Path.Combine(run, Folder);
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.GetFiles(folder).Where(path => Kinds.ContainsKey(Path.GetExtension(path)))
            .OrderBy(Path.GetFileName, StringComparer.Ordinal)
            .Select(path => new RecordedEpisode(
                Order().Replace(Path.GetFileNameWithoutExtension(path), "").Replace('_', ' '),
                Kinds[Path.GetExtension(path)], path))];
    }

    // "1_before": a number in front is for the order alone.
    [GeneratedRegex(@"^[0-9]+[ _-](?=.)")]
    private static partial Regex Order();

    /// <summary>The recording as a page holds it; null where it cannot be read, or is too large to be held.</summary>
    public static string? DataOf(RecordedEpisode episode)
    {
        try
        {
            return new FileInfo(episode.Path).Length > MostBytes ? null
                : $"data:{episode.Kind};base64,{Convert.ToBase64String(File.ReadAllBytes(episode.Path))}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}
