// The two mends of Directory.Build.targets: TorchSharp's library loads here, and its managed half keeps what native
// code uses.
using System.Diagnostics;
using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core.Torch;

public class MendTests
{
    private static readonly byte[] Mended = [0x42, 0xf8, 0x97, 0x02, 0x02, 0x00];

    /// <summary>A test of the library for Linux on x86-64.</summary>
    private sealed class LinuxFactAttribute : FactAttribute
    {
        public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux()
            && RuntimeInformation.ProcessArchitecture == Architecture.X64 ? null : "only Linux's library is mended";
    }

    [Fact]
    public void Arguments_live_as_long_as_their_method() => Assert.True(typeof(torch).Assembly
        .GetCustomAttributes(typeof(DebuggableAttribute), false).Cast<DebuggableAttribute>()
        .Single().IsJITOptimizerDisabled);

    [LinuxFact]
    public void The_mended_library_is_the_one_in_use_and_differs_by_one_bit()
    {
        var mended = File.ReadAllBytes(Library());
        Assert.Equal(1, Places(mended, Mended));
        Assert.Null(TorchErrors.WhyNotLoaded());
        Assert.Equal(2, (ones(1) + 1).item<float>());
        Assert.Contains(Process.GetCurrentProcess().Modules.Cast<ProcessModule>(),
            module => Path.GetFileName(module.FileName) == "libLibTorchSharp.so");
    }

    [LinuxFact]
    public void Unmended_it_does_not_load_where_libstdcxx_is_older_than_GCC_13s()
    {
        var standard = NativeLibrary.Load("libstdc++.so.6");
        if (NativeLibrary.TryGetExport(standard, "_ZSt21ios_base_library_initv", out _)) return; // nothing to mend here
        var library = File.ReadAllBytes(Library());
        library[library.AsSpan().IndexOf(Mended) + 4] = 0;
        using var folder = new TempFolder();
        var path = folder["libLibTorchSharp.so"];
        File.WriteAllBytes(path, library);
        Assert.Equal(2, (ones(1) + 1).item<float>()); // what it needs is loaded
        Assert.Contains("GLIBCXX_3.4.32", Assert.Throws<DllNotFoundException>(() => NativeLibrary.Load(path)).Message);
    }

    /// <summary>
    /// Unmended, two to four of a million calls fail ("toFloat"): the collector frees a scalar during the call.
    /// </summary>
    [LongFact]
    public void Scalars_survive_collections_during_three_million_calls()
    {
        const int Threads = 3, Rounds = 10_000, Calls = 100;
        var stop = false;
        var noise = Start(2, _ =>
        {
            while (!Volatile.Read(ref stop))
            {
                for (var i = 0; i < 3000; i++)
                {
                    Scalar taken = 1000.0; // takes the place of what was freed
                    GC.KeepAlive(taken);
                }
                GC.Collect(0);
            }
        });
        var wrong = new string?[Threads];
        var workers = Start(Threads, k =>
        {
            try
            {
                using var _ = no_grad();
                using var x = ones(16);
                using var y = ones(16);
                for (var round = 0; round < Rounds; round++)
                {
                    using var scope = NewDisposeScope();
                    for (var i = 0; i < Calls; i++)
                    {
                        using var sum = x + y;
                        using var scaled = sum.add(y, 0.5f);
                        var value = scaled.data<float>()[3];
                        if (value != 2.5f) wrong[k] ??= $"{value} for 2.5";
                    }
                }
            }
            catch (ExternalException e) { wrong[k] = e.Summary(); }
        });
        foreach (var thread in workers) thread.Join();
        Volatile.Write(ref stop, true);
        foreach (var thread in noise) thread.Join();
        Assert.All(wrong, Assert.Null);
    }

    private static List<Thread> Start(int count, Action<int> work)
    {
        var threads = Enumerable.Range(0, count).Select(k => new Thread(() => work(k))).ToList();
        foreach (var thread in threads) thread.Start();
        return threads;
    }

    private static string Library() => ((string)AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES")!).Split(':')
        .Select(folder => Path.Combine(folder, "libLibTorchSharp.so")).First(File.Exists);

    private static int Places(byte[] bytes, byte[] pattern)
    {
        var (places, at) = (0, 0);
        for (int next; (next = bytes.AsSpan(at).IndexOf(pattern)) >= 0; at += next + 1) places++;
        return places;
    }
}
