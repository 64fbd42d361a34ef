// Where the sources are: for tests that read them.
namespace RlLeap.Tests;

/// <summary>The repository this test assembly was built from.</summary>
public static class Repository
{
    /// <summary>Its root: the nearest folder above the test assembly that holds RlLeap.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "RlLeap.sln"))) return folder.FullName;
        throw new InvalidOperationException(
            $"No RlLeap.sln above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }
}
