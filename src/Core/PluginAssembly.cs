// A user's assembly beside RlLeap: the attribute that marks what is in it, and loading it.
using System.Reflection;
using System.Runtime.Loader;

namespace RlLeap;

/// <summary>Names a user's own class for configs and commands: [Environment], [Network], [Method].</summary>
/// <param name="id">Its name, "my/something".</param>
/// <param name="summary">What it is, in one line.</param>
public abstract class PluginAttribute(string id, string summary) : Attribute
{
    /// <summary>The name it is registered under.</summary>
    public string Id { get; } = id;

    /// <summary>What it is, in one line.</summary>
    public string Summary { get; } = summary;
}

/// <summary>Loads the .dll that `dotnet build` made of a user's project.</summary>
public static class PluginAssembly
{
    /// <summary>The assembly in a file; it shares what RlLeap has loaded, all else is from the file's folder.</summary>
    /// <exception cref="RlLeapException">No such file, not an assembly, or built against another RlLeap.</exception>
    public static Assembly Load(string path)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full)) throw new RlLeapException(
            $"{path}: there is no such assembly. Build your project first (dotnet build) and name the .dll it made.");
        try
        {
            var assembly = new Context(full).LoadFromAssemblyPath(full);
            foreach (var wanted in assembly.GetReferencedAssemblies().Where(name => IsOurs(name.Name)))
                if (Ours(wanted) is { } have && have != wanted.Version)
                    throw new RlLeapException($"{path}: it was built against {wanted.Name} {wanted.Version}, and this "
                        + $"is {have}. Build it again with this RlLeap.");
            assembly.GetTypes(); // a type that no longer fits is an error here, not later
            return assembly;
        }
        catch (BadImageFormatException e)
        {
            throw new RlLeapException($"{path}: this is not a .NET assembly. Name the .dll that dotnet build made.", e);
        }
        catch (Exception e) when (Misfit(e) is { } cause)
        {
            throw new RlLeapException(
                $"{path}: it does not fit this RlLeap; build it again with the version in use. ({cause})", e);
        }
    }

    /// <summary>What does not fit where an assembly was built against another version; null for other errors.</summary>
    public static string? Misfit(Exception e) => e switch
    {
        ReflectionTypeLoadException load => load.LoaderExceptions.FirstOrDefault(inner => inner is not null)?.Message
            ?? e.Message,
        FileNotFoundException { FileName: { } name } when name.Contains("Version=") =>
            e.Message,
        FileLoadException or TypeLoadException or MissingMemberException => e.Message,
        _ => null,
    };

    /// <summary>Whether an assembly is one that was loaded here: a user's, or what came from its folder.</summary>
    internal static bool Is(Assembly assembly) => AssemblyLoadContext.GetLoadContext(assembly) is Context;

    private static bool IsOurs(string? name) =>
        name is "rlleap" || name?.StartsWith("RlLeap.", StringComparison.Ordinal) == true;

    private static Version? Ours(AssemblyName wanted)
    {
        try
        {
            return AssemblyLoadContext.Default.LoadFromAssemblyName(new AssemblyName(wanted.Name!)).GetName().Version;
        }
        // A room that this program does without: the user's copy is the only one
        catch (FileNotFoundException) { return null; }
    }

    private sealed class Context(string path) : AssemblyLoadContext(Path.GetFileName(path))
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName name)
        {
            try
            {
                return Default.LoadFromAssemblyName(name);
            }
            catch (FileNotFoundException)
            {
                return _resolver.ResolveAssemblyToPath(name) is { } found ? LoadFromAssemblyPath(found) : null;
            }
        }

        protected override IntPtr LoadUnmanagedDll(string name) =>
            _resolver.ResolveUnmanagedDllToPath(name) is { } found ? LoadUnmanagedDllFromPath(found) : IntPtr.Zero;
    }
}
