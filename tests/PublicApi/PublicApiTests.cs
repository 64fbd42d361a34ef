// What users of a library can name is a reviewed file beside this test: a change of it is a decision, not an accident.
using System.Reflection;
using Xunit;

namespace RlLeap.Tests.PublicApi;

public sealed class PublicApiTests
{
    private const string Accept = "RLLEAP_ACCEPT_API";

    private static readonly string[] Names =
    [
        "RlLeap.Agents", "RlLeap.Core", "RlLeap.Data", "RlLeap.Environments", "RlLeap.Gymnasium",
        "RlLeap.MetaLearning", "RlLeap.Testing",
    ];

    public static TheoryData<string> Libraries { get; } = [.. Names];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void The_public_surface_is_the_reviewed_one(string library)
    {
        var path = Path.Combine(Repository.Root, "tests", "PublicApi", library + ".txt");
        var now = ApiText.Of(Assembly.Load(library));
        var reviewed = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";
        // Only what differs: the launcher builds again after a file of the tests was written.
        if (now != reviewed && Environment.GetEnvironmentVariable(Accept) == "1")
            File.WriteAllText(path, reviewed = now);
        Assert.True(now == reviewed, $"""
            The public surface of {library} is not the one that was reviewed:
            {string.Join("\n", Difference(reviewed, now))}
            Make internal what no user needs. If the rest is meant, accept it and commit the file:
              {Accept}=1 ./rlleap test --filter PublicApi
            """);
    }

    [Fact]
    public void Every_library_has_a_reviewed_surface()
    {
        var projects = Directory
            .GetFiles(Path.Combine(Repository.Root, "src"), "RlLeap.*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetFileNameWithoutExtension(path)).Where(name => name != "RlLeap.Cli");
        Assert.Equal(projects.Order(), Names);
    }

    // Members with the type that they belong to, so that a line says enough where it stands alone.
    private static IEnumerable<string> Difference(string before, string after)
    {
        var (old, current) = (Whole(before), Whole(after));
        return old.Except(current).Select(line => "- " + line).Concat(current.Except(old).Select(line => "+ " + line))
            .Take(60);
    }

    private static List<string> Whole(string text)
    {
        var (lines, type) = (new List<string>(), "");
        foreach (var line in text.Split('\n').Where(line => line.Length > 0))
            if (line[0] == ' ') lines.Add($"{type}: {line.Trim()}");
            else lines.Add(type = line);
        return lines;
    }
}
