using System.CommandLine;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using RlLeap.Data;
using RlLeap.Gymnasium;
using SkiaSharp;
using Spectre.Console;
using TorchSharp;

namespace RlLeap.Cli.Commands;

/// <summary>Looks at the machine, needing none of it: libtorch is loaded only after its file was found.</summary>
public static class Doctor
{
    public static Command Create()
    {
        var command = new Command("doctor", "What this machine has, what is missing, and the command that adds it. "
            + "Exits 0 when nothing required is missing.");
        command.SetAction(_ =>
        {
            var findings = Examine().ToList();
            foreach (var finding in findings) Print(finding);
            var required = findings.Count(f => f.State == State.Missing);
            Console.WriteLine(required == 0 ? "Nothing required is missing."
                : $"{required} required {(required == 1 ? "thing is" : "things are")} missing: see above.");
            return required == 0 ? 0 : Shell.Failed;
        });
        return command;
    }

    /// <summary>What a run's numbers depend on: the versions of program, .NET, tensors, and the processor.</summary>
    public static string Versions() => string.Join("; ", Machine().Select(f => f.Text).Append(TorchVersion()));

    private enum State { Found, Optional, Missing }

    /// <summary>One line of the report; <c>Remedy</c> is the one command that adds what is missing.</summary>
    private sealed record Finding(string Name, State State, string Text, string? Remedy = null);

    private static void Print(Finding f)
    {
        var (mark, color) = f.State switch
        {
            State.Found => ("ok", "green"),
            State.Optional => ("--", "yellow"),
            _ => ("!!", "red")
        };
        AnsiConsole.Profile.Width = int.MaxValue; // one line each, also where the output is not a terminal
        AnsiConsole.MarkupLineInterpolated($"[{color}]{mark}[/]  {f.Name,-13} {f.Text}");
        if (f.Remedy is { } remedy) AnsiConsole.MarkupLineInterpolated($"    {"",-13} add it: [bold]{remedy}[/]");
    }

    private static IEnumerable<Finding> Examine() =>
        [.. Machine(), .. Torch(), .. Gpu(), Images(), Allocator(), .. Python(), .. DataSets()];

    private static IEnumerable<Finding> Machine()
    {
        var model = Lines("/proc/cpuinfo")
            .FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        yield return new("rlleap", State.Found, $"RlLeap {ProgramVersion.Text}");
        yield return new("system", State.Found,
            $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}");
        var (vectors, state) = Avx512F.IsSupported ? ("AVX-512", State.Found) : Avx2.IsSupported ? ("AVX2", State.Found)
            : RuntimeInformation.ProcessArchitecture == Architecture.X64
                ? ("no AVX2: everything runs, but slower; a virtual machine may hide it", State.Optional)
            : (RuntimeInformation.ProcessArchitecture.ToString(), State.Found);
        yield return new("processor", state, $"{Environment.ProcessorCount} x {model ?? "processor"} ({vectors}), "
            + $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1L << 30)} GiB memory");
    }

    private static string TorchVersion() =>
        $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}";

    private static IEnumerable<Finding> Torch()
    {
        if (TorchErrors.WhyNotLoaded() is { } problem)
            yield return new("libtorch", State.Missing, problem);
        else
            yield return Differentiates() is { } wrong ? new("libtorch", State.Missing, wrong)
                : new("libtorch", State.Found, $"{TorchVersion()}, loaded and tried; threads an operator: "
                    + $"{torch.get_num_threads()}");
    }

    // One product with a gradient; null where both are right.
    private static string? Differentiates()
    {
        try
        {
            using var scope = torch.NewDisposeScope();
            using Scalar factor = 3;
            var x = torch.ones(2, 2).requires_grad_();
            var sum = x.mm(x).mul(factor).sum();
            sum.backward();
            var (value, gradient) = (sum.item<float>(), x.grad!.sum().item<float>());
            return (value, gradient) == (24, 48) ? null
                : $"{TorchVersion()} computes {value} and {gradient} where 24 and 48 are right";
        }
        catch (Exception e) when (e is ExternalException or NotSupportedException or TypeInitializationException
            or DllNotFoundException or EntryPointNotFoundException)
        {
            return $"it fails: {e.Summary().Split('\n')[0]}";
        }
    }

    private static IEnumerable<Finding> Gpu()
    {
        var driver = File.Exists("/proc/driver/nvidia/version");
        var built = Files("libtorch_cuda.so", "torch_cuda.dll").Any();
        if (!driver && !built) yield break;
        const string Again = "touch Directory.Packages.props && ./rlleap doctor";
        if (!built)
            yield return new("CUDA", State.Optional, "there is an NVIDIA GPU, but this build has libtorch for the "
            + "processor only (RLLEAP_CUDA=no, or the NuGet feed has no TorchSharp-cuda-linux)", Again);
        else if (TorchErrors.WhyNotLoaded() is null && torch.cuda.is_available())
            yield return new("CUDA", State.Found, $"{torch.cuda.device_count()} x GPU, for run.device: cuda");
        else yield return new("CUDA", State.Optional, "libtorch with CUDA is here, but it sees no GPU "
            + $"({(driver ? "the driver is older than it needs" : "no NVIDIA driver is loaded")}); cpu works");
    }

    private static Finding Images()
    {
        try
        {
            using var bitmap = new SKBitmap(1, 1);
            using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            return new("SkiaSharp", State.Found,
                $"{typeof(SKBitmap).Assembly.GetName().Version?.ToString(3)}, loaded and tried");
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or BadImageFormatException)
        {
            var reason = (e.InnerException ?? e).Message.Split('\n')[0];
            return new("SkiaSharp", State.Missing, $"needed by figures and photographs; it cannot be loaded: {reason}");
        }
    }

    private static IEnumerable<string> Files(params string[] names) =>
        ((string?)AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => names.Select(name => Path.Combine(folder, name))).Where(File.Exists);

    private static Finding Allocator() => (Mapped("libjemalloc") ?? Mapped("libtcmalloc")) is { } allocator
        ? new("allocator", State.Found, allocator)
        : new("allocator", State.Optional, "the system's; jemalloc is worth a few percent of training (docs/torch.md)",
            "sudo apt-get install -y libjemalloc2");

    private static IEnumerable<Finding> Python()
    {
        const string Question = """
            import json, sys, os
            from importlib.metadata import version, PackageNotFoundError
            def v(name):
                try: return version(name)
                except PackageNotFoundError: return None
            roms = 0
            try:
                import ale_py.roms as r
                roms = len([f for f in os.listdir(os.path.dirname(r.__file__)) if f.endswith('.bin')])
            except Exception: pass
            print(json.dumps(dict(python=sys.version.split()[0],
                numpy=v('numpy'), gymnasium=v('gymnasium'), ale=v('ale-py'), roms=roms)))
            """;
        // The one that a run would use; where none is usable, one to say what it lacks.
        var usable = PythonInstallation.Find(PythonHost.Asked, out var refusals);
        var python = usable?.Executable ?? PythonInstallation.Candidates(PythonHost.Asked)
            .Select(candidate => candidate.Path).Distinct().Where(File.Exists)
            .FirstOrDefault(path => PythonInstallation.Run(path, ["-c", "import sys"]).Code == 0);
        if (python is null)
        {
            yield return new("Python", State.Optional, "none found: needed by Gymnasium and ALE environments only",
                PythonInstallation.InstallCommand());
            yield break;
        }
        var (_, output, _) = PythonInstallation.Run(python, ["-c", Question]);
        var found = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(output)!;
        string? Text(string key) => found[key].GetString();
        yield return new("Python", State.Found, $"{Text("python")} at {python}");
        var version = Text("python")!;
        yield return usable is not null ? new("libpython", State.Found, usable.Library)
            : new("libpython", State.Optional, "no Python can be used inside the program: "
                + string.Join("; ", refusals), PythonInstallation.InstallCommand(version));
        yield return Module("numpy", Text("numpy"), "needed by Gymnasium environments",
            python == "/usr/bin/python3" ? "sudo apt-get install -y python3-numpy" : Pip(python, "numpy"));
        yield return Module("gymnasium", Text("gymnasium"), "needed by gym: and ALE/ environments",
            "./rlleap data get ale");
        var roms = found["roms"].GetInt32();
        yield return Module("ale-py", Text("ale") is { } ale ? $"{ale}, {roms} ROMs" : null,
            "needed by ALE/ environments (brings the ROMs)", "./rlleap data get ale");
    }

    private static string Pip(string python, string package) =>
        $"{python} -m pip install {(python == "/usr/bin/python3" ? "--user --break-system-packages " : "")}{package}";

    private static Finding Module(string name, string? version, string use, string remedy) =>
        version is null ? new(name, State.Optional, use, remedy) : new(name, State.Found, version);

    private static IEnumerable<Finding> DataSets()
    {
        var root = DataLocation.Default.Roots[0];
        yield return Directory.Exists(root) && Directory.EnumerateFileSystemEntries(root).Any()
            ? new("data sets", State.Found, $"{root}: " + string.Join(", ",
                Directory.EnumerateFileSystemEntries(root).Select(Path.GetFileName).Order(StringComparer.Ordinal)))
            : new("data sets", State.Optional, $"none in {root} (RLLEAP_DATA names another folder): needed by the "
                + "Omniglot and multi-data-set experiments", "./rlleap data get omniglot");
    }

    private static string? Mapped(string library) =>
        Lines("/proc/self/maps").Select(l => l[(l.IndexOf('/') is >= 0 and var at ? at : l.Length)..])
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith(library, StringComparison.Ordinal));

    private static IEnumerable<string> Lines(string file) => File.Exists(file) ? File.ReadLines(file) : [];
}
