using System.Reflection;
using System.Runtime.Loader;

namespace RlLeap.Environments;

/// <summary>A user's assembly: loading it beside RlLeap, and constructing the classes it marks.</summary>
internal static class PluginAssembly
{
    private static readonly Type[][] Signatures = [[typeof(Rng), typeof(EnvironmentOptions)], [typeof(Rng)], []];

    public static IReadOnlyList<string> Load(string path)
    {
        var full = Path.GetFullPath(path);
        if (!File.Exists(full)) throw new EnvironmentException($"{path}: there is no such assembly. Build your project first (dotnet build) and name the .dll it made.");
        try
        {
            var assembly = new Context(full).LoadFromAssemblyPath(full);
            var ids = Registry.Register(assembly);
            if (ids.Count > 0) return ids;
            throw new EnvironmentException($"{path}: nothing in it is marked as an environment. Put [Environment(\"my/Name\")] on a public class that implements IEnvironment.");
        }
        catch (BadImageFormatException e)
        {
            throw new EnvironmentException($"{path}: this is not a .NET assembly. Name the .dll that dotnet build made.", e);
        }
        catch (Exception e) when (e is ReflectionTypeLoadException or FileNotFoundException or FileLoadException or TypeLoadException or MissingMethodException)
        {
            var cause = e is ReflectionTypeLoadException load ? load.LoaderExceptions.FirstOrDefault(inner => inner is not null)?.Message : e.Message;
            throw new EnvironmentException($"{path}: it does not fit this RlLeap; rebuild it against the version in use. ({cause})", e);
        }
    }

    public static IReadOnlyList<EnvironmentOption> OptionsOf(Type type) =>
        [.. type.GetCustomAttributes<EnvironmentOptionAttribute>().Select(mark => new EnvironmentOption(mark.Name, mark.Default, mark.Summary))];

    public static Func<Rng, EnvironmentOptions, IEnvironment> Constructor(Type type, string id)
    {
        if (!typeof(IEnvironment).IsAssignableFrom(type) || type.IsAbstract)
            throw new EnvironmentException($"{id}: {type.FullName} carries [Environment] but is not a class that implements IEnvironment.");
        var constructor = Signatures.Select(type.GetConstructor).FirstOrDefault(found => found is not null)
            ?? throw new EnvironmentException($"{id}: {type.FullName} needs a public constructor that takes (Rng), (Rng, EnvironmentOptions) or nothing.");
        var count = constructor.GetParameters().Length;
        return (rng, options) =>
        {
            try
            {
                return (IEnvironment)constructor.Invoke(count switch { 2 => [rng, options], 1 => [rng], _ => [] });
            }
            catch (TargetInvocationException e) when (e.InnerException is { } inner)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(inner);
                throw;
            }
        };
    }

    /// <summary>What RlLeap has loaded is shared (one IEnvironment in the process); all else comes from the user's folder.</summary>
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

        protected override IntPtr LoadUnmanagedDll(string name) => _resolver.ResolveUnmanagedDllToPath(name) is { } found ? LoadUnmanagedDllFromPath(found) : IntPtr.Zero;
    }
}
