// The scripts and the style of the program's pages, which lie in the program.
namespace RlLeap.Cli.Web;

/// <summary>Files of this folder, for pages that hold all they need and for those that the program serves.</summary>
internal static class WebFiles
{
    /// <summary>The scripts, in the order in which they are read: each uses those before it.</summary>
    public static IReadOnlyList<string> Scripts { get; } = ["scale.js", "chart.js", "page.js"];

    /// <summary>The style of all pages.</summary>
    public const string Style = "style.css";

    /// <summary>A file's text.</summary>
    /// <param name="name">"style.css", or one of <see cref="Scripts"/>.</param>
    public static string Text(string name)
    {
        using var stream = typeof(WebFiles).Assembly.GetManifestResourceStream("Web/" + name)
            ?? throw new ArgumentException($"there is no file {name} in the program");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
