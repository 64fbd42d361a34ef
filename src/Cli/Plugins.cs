// A user's own environments, networks and methods: --assembly, and the key assemblies of configs.
using System.CommandLine;
using System.CommandLine.Invocation;

namespace RlLeap.Cli;

/// <summary>The assemblies that this process was given, and what is in them.</summary>
public static class Plugins
{
    private static readonly Lock Gate = new();
    private static readonly List<(string Path, string Sha256, bool ByHand)> All = [];

    /// <summary>Full paths, in the order in which they came.</summary>
    public static IReadOnlyList<string> Loaded
    {
        get { lock (Gate) return [.. All.Select(a => a.Path)]; }
    }

    /// <summary>"MyMethod.dll (SHA-256 1f3a...)" for each; null where there is none.</summary>
    public static string? Identity
    {
        get
        {
            lock (Gate) return All.Count == 0 ? null : string.Join(", ",
                All.Select(a => $"{Path.GetFileName(a.Path)} (SHA-256 {a.Sha256})").Order(StringComparer.Ordinal));
        }
    }

    /// <summary>The ids of the environments that they brought.</summary>
    public static IReadOnlySet<string> Environments { get; private set; } = new HashSet<string>();

    /// <summary>--assembly, the same for every command; what it names is loaded when the command runs.</summary>
    public static Option<string[]> Option() => new("--assembly")
    {
        Description = "Your own environments, networks and methods: the .dll that dotnet build made of your project; "
            + "may be given several times.", Action = new LoadByHand(), Recursive = true,
    };

    // Before what configs name: of two files of one name this one counts, so that a run goes on with one that was moved
    // or built again.
    private sealed class LoadByHand : SynchronousCommandLineAction
    {
        public override bool Terminating => false;

        public override int Invoke(ParseResult parsed)
        {
            foreach (var path in parsed.GetValue<string[]>("--assembly")!) Load(path, byHand: true);
            return 0;
        }
    }

    /// <summary>Loads an assembly and registers what it marks with [Environment], [Network], [Method]; once.</summary>
    /// <exception cref="RlLeapException">It cannot be loaded, nothing in it is marked, or a name in it is
    /// taken.</exception>
    public static void Load(string path, bool byHand = false)
    {
        lock (Gate)
        {
            var (full, name) = (Path.GetFullPath(path), Path.GetFileName(path));
            if (All.Find(a => Path.GetFileName(a.Path) == name) is { Path: { } } same
                && (same.Path == full || (same.ByHand && !byHand))) return;
            var assembly = PluginAssembly.Load(path);
            var sha256 = FileHash.Of(full);
            if (All.Exists(a => a.Sha256 == sha256)) return;
            try
            {
                var environments = Registry.Register(assembly);
                Environments = Environments.Union(environments).ToHashSet();
                if (environments.Count + Networks.Register(assembly).Count
                    + Methods.Register(assembly).Count == 0)
                    throw new RlLeapException("nothing in it is marked. Put [Environment(\"my/Name\")], "
                        + "[Network(\"my/name\")] or [Method(\"my/name\")] on a public class.");
            }
            catch (RlLeapException e) { throw new RlLeapException($"{path}: {e.Message}", e); }
            All.Add((full, sha256, byHand));
        }
    }
}

/// <summary>What to say about a name that nothing has.</summary>
internal static class OwnNames
{
    /// <summary>The words after "expected".</summary>
    /// <param name="found">The name with its options.</param>
    /// <param name="builtIn">Names that are part of RlLeap.</param>
    /// <param name="own">Names that assemblies brought.</param>
    public static string Expected(string found, IReadOnlyList<string> builtIn, IReadOnlyList<string> own)
    {
        var name = found.Split('?')[0];
        var known = builtIn.Concat(own).ToList();
        var none = Plugins.Loaded.Count == 0 ? " No assembly was given: --assembly path.dll." : "";
        return $"{(known.Count > 0 ? $"one of {string.Join(", ", known)}" : "a name that an assembly brings")}; found '"
            + $"{name}'.{Names.Suggest(name, known)}{(name.Contains('/') ? none : "")}";
    }
}
