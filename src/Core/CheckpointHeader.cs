using System.Globalization;
using System.Reflection;

namespace RlLeap;

/// <summary>What a learner's checkpoint says of itself: the layout of its contents, and who wrote it.</summary>
internal static class CheckpointHeader
{
    /// <summary>The layout that this version writes and reads. Raise it when the contents change.</summary>
    private const int Layout = 2;

    private const string LayoutNote = "layout", VersionNote = "rlleap";

    private static readonly string Version =
        typeof(CheckpointHeader).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "unknown";

    /// <summary>Adds the header to a checkpoint's notes.</summary>
    public static Dictionary<string, string> Of(Dictionary<string, string> notes)
    {
        notes[LayoutNote] = Layout.ToString(CultureInfo.InvariantCulture);
        notes[VersionNote] = Version;
        return notes;
    }

    /// <summary>Refuses a checkpoint of another layout.</summary>
    /// <exception cref="RlLeapException">Names the version that wrote it and says what to do.</exception>
    public static void Check(IReadOnlyDictionary<string, string> notes, string path)
    {
        if (notes.GetValueOrDefault(LayoutNote) == Layout.ToString(CultureInfo.InvariantCulture)) return;
        var writer = notes.GetValueOrDefault(VersionNote) ?? "0.1"; // the first layout had no header
        throw new RlLeapException(
            $"{path} was written by RlLeap {writer}, whose checkpoints this version ({Version}) does not read. "
            + $"Finish the run with RlLeap {writer}, or start it anew.");
    }
}
