// A headless Chromium for tests of pages: the one that is installed; none is downloaded.
using PuppeteerSharp;
using Xunit;

namespace RlLeap.Tests;

/// <summary>A test of the long tier that opens a page in Chromium; skipped, with the reason, where none is found.
/// </summary>
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Tier.SkipLong ?? (Browser.Path is null
        ? "needs Chromium or Chrome: install one (apt-get install chromium), or name its program in CHROME" : null);
}

/// <summary>Finds and starts the browser.</summary>
public static class Browser
{
    private static readonly string[] Names =
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

    /// <summary>The program that CHROME names, or the first of the usual names on the PATH; null where there is none.
    /// </summary>
    public static string? Path { get; } = Environment.GetEnvironmentVariable("CHROME") is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator)
            .SelectMany(folder => Names.Select(name => System.IO.Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);

    /// <summary>Starts it, with a profile of its own. Root may run it only without its sandbox.</summary>
    public static Task<IBrowser> Start() => Puppeteer.LaunchAsync(new LaunchOptions
    {
        ExecutablePath = Path, Headless = true, Args = ["--no-sandbox", "--disable-gpu"],
    });
}
