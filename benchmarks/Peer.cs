using System.Diagnostics;
using System.Globalization;

namespace RlLeap.Benchmarks;

/// <summary>Time of a number of runs, in seconds: of processor (all threads of the process) and of clock.</summary>
internal readonly record struct Measured(double Cpu, double Wall)
{
    /// <summary>Times an action of this process.</summary>
    public static Measured Of(Action action)
    {
        var (cpu, wall) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        action();
        return new((Environment.CpuUsage.TotalTime - cpu).TotalSeconds, Stopwatch.GetElapsedTime(wall).TotalSeconds);
    }
}

/// <summary>
/// What we compare with in a Python process of its own (a peer.py), which waits while we measure and the other way
/// round.
/// </summary>
internal sealed class Peer : IDisposable
{
    private readonly Process _process;

    private Peer(Process process, string version) => (_process, Version) = (process, version);

    /// <summary>The version that it says it has.</summary>
    public string Version { get; }

    /// <summary>Starts it, or says why it cannot be.</summary>
    /// <param name="folder">Of this project, with the peer.py.</param>
    /// <param name="needs">What Python must have for it, and how it is installed; for the message.</param>
    /// <param name="threads">Inside an operator.</param>
    /// <param name="plain">Whether it runs with the C library's allocator, as whoever types python3 has it, instead of
    /// the launcher's.</param>
    /// <param name="problem">Why it could not be started.</param>
    public static Peer? Start(string folder, string needs, int threads, bool plain, out string problem)
    {
        var script = Path.Combine(AppContext.BaseDirectory, folder, "peer.py");
        var python = Environment.GetEnvironmentVariable("RLLEAP_BENCH_PYTHON")
            ?? (File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3");
        var start = new ProcessStartInfo(python, [script, threads.ToString(CultureInfo.InvariantCulture)])
        { RedirectStandardInput = true, RedirectStandardOutput = true };
        // The same number of threads on both sides, said explicitly. The allocator is the launcher's doing, as the
        // layout is the network's.
        if (plain) foreach (var name in new[] { "LD_PRELOAD", "MALLOC_CONF" }) start.Environment.Remove(name);
        start.Environment["OMP_NUM_THREADS"] = start.Environment["OPENBLAS_NUM_THREADS"] =
            threads.ToString(CultureInfo.InvariantCulture);
        try
        {
            var process = Process.Start(start)!;
            var line = process.StandardOutput.ReadLine();
            if (line?.Split(' ') is ["ready", var version, ..])
            {
                problem = "";
                return new Peer(process, version);
            }
            process.Dispose();
            problem = $"{python} has not what is compared with ({line ?? "see above"}): install {needs}, or set "
                + "RLLEAP_BENCH_PYTHON to a Python that has it.";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            problem = $"{python} could not be started ({e.Message}): install it with {needs}, or set "
                + "RLLEAP_BENCH_PYTHON to a Python that has them.";
        }
        return null;
    }

    /// <summary>Has it do its work of this name so many times.</summary>
    public Measured Run(string name, int iterations)
    {
        _process.StandardInput.WriteLine($"{name} {iterations}");
        _process.StandardInput.Flush();
        var answer = _process.StandardOutput.ReadLine()
            ?? throw new RlLeapException("The Python process of the benchmark ended; its message stands above.");
        var parts = answer.Split(' ');
        return new(double.Parse(parts[0], CultureInfo.InvariantCulture),
            double.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _process.StandardInput.Close(); // ends its loop
        if (!_process.WaitForExit(5000)) _process.Kill();
        _process.Dispose();
    }
}
