// Around every command: how errors become messages and exit codes, and how Ctrl-C, SIGTERM and SIGHUP become a
// cancellation.
using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Display;
using Spectre.Console;
using RlLeap.Cli.Commands;
using Progress = RlLeap.Cli.Runs.Progress;

namespace RlLeap.Cli;

/// <summary>What every command shares: one clear message per error, exit codes, leaving on a signal.</summary>
/// <remarks>Exit codes: 0 done; 1 a <see cref="RlLeapException"/> or another error that a user can mend; 2 wrong usage;
/// 70 a defect (message and the path of a log); 129, 130 and 143 left on SIGHUP, Ctrl-C and SIGTERM after a
/// checkpoint.</remarks>
public static class Shell
{
    public const int Failed = 1, WrongUsage = 2, Defect = 70, HungUp = 129, Interrupted = 130, Terminated = 143;

    /// <summary>
    /// The exit code of the signal that asked to leave (<see cref="HungUp"/>, <see cref="Interrupted"/>,
    /// <see cref="Terminated"/>); null where none came.
    /// </summary>
    public static int? StoppedBy { get; internal set; }

    /// <summary>The arguments that go on with what is running, when it is left; null where nothing is left.</summary>
    public static IReadOnlyList<string>? GoesOnBy { get; set; }

    /// <summary>Whether leaving takes no time and loses nothing, so that nothing need be said of it.</summary>
    internal static bool HasNothingToSave { get; set; }

    /// <summary>How the program is called: by its launcher, or, installed as a .NET tool, by its name.</summary>
    public static string Name { get; } = NameIn(AppContext.BaseDirectory);

    // NuGet's layout of a tool: .../rlleap/0.2.0/tools/net10.0/any/
    internal static string NameIn(string folder) =>
        folder.Replace('\\', '/').TrimEnd('/').EndsWith("/tools/net10.0/any", StringComparison.Ordinal)
            ? "rlleap" : "./rlleap";

    /// <summary>What starts this program again: its file, or dotnet and its library.</summary>
    internal static IReadOnlyList<string> Program { get; } =
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [Environment.ProcessPath!, typeof(Shell).Assembly.Location] : [Environment.ProcessPath!];

    /// <summary>The arguments of this call.</summary>
    public static IReadOnlyList<string> Arguments { get; private set; } = [];

    /// <summary>Parses, runs, and answers with the exit code. Messages go to standard error.</summary>
    public static int Run(string[] args, RootCommand root)
    {
        (Arguments, GoesOnBy, HasNothingToSave) = (args, null, false);
        // What starts with @ is an argument like any other, not a file of arguments.
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args,
            new ParserConfiguration { ResponseFileTokenReplacer = null });
        // An unknown command is reported as a missing one too; the last word is the one that helps.
        if ((parsed.Errors.Count > 0 ? parsed.Errors[^1].Message : CheckedOption.Fault(parsed)) is { } fault)
        {
            Console.Error.WriteLine($"rlleap: {fault}");
            Console.Error.WriteLine($"rlleap: see {Name} {NameOf(parsed)}--help");
            return WrongUsage;
        }
        if (!HasCurrentFolder())
        {
            Console.Error.WriteLine("rlleap: the current folder was deleted: cd to one that exists");
            return Failed;
        }
        Log.Logger = new LoggerConfiguration().MinimumLevel.Information()
            .WriteTo.Sink(new Announcer()).CreateLogger();
        // One line stays one line
        if (!Terminal.MovesItsCursor) AnsiConsole.Profile.Capabilities.Ansi = false;
        if (Console.IsOutputRedirected)
            (AnsiConsole.Profile.Capabilities.Ansi, AnsiConsole.Profile.Width) = (false, 1000);
        using var stop = new StopSignals();
        try
        {
            return parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
                stop.Token)
                .GetAwaiter().GetResult();
        }
        catch (Exception e) { return Explain(e, stop.ExitCode); }
        finally { Log.CloseAndFlush(); }
    }

    private static bool HasCurrentFolder()
    {
        try { return Environment.CurrentDirectory.Length > 0; }
        catch (IOException) { return false; }
    }

    private static int Explain(Exception e, int? stopped)
    {
        while (e is AggregateException { InnerExceptions.Count: 1 } or System.Reflection.TargetInvocationException)
            e = e.InnerException!;
        if (e is OperationCanceledException && stopped is { } code)
        {
            if (GoesOnBy is { } arguments) Console.Error.WriteLine("rlleap: stopped; finished steps are saved. Go on "
                + $"with: {Name} {string.Join(' ', arguments.Select(Quoted))}");
            return code;
        }
        if (Message(e) is { } message)
        {
            Console.Error.WriteLine($"rlleap: {message}");
            if (e is EnvironmentException { Details: { } details }) ShowDetails(details);
            return Failed;
        }
        var log = Path.Combine(Path.GetTempPath(), $"rlleap-defect-{Environment.ProcessId}.log");
        try
        {
            File.WriteAllText(log, $"{Environment.CommandLine}\n{RuntimeInformation.OSDescription}, "
                + $"{RuntimeInformation.FrameworkDescription}\n\n{e}\n");
        }
        catch (Exception w) when (w is IOException or UnauthorizedAccessException)
        {
            log = $"(could not be written: {w.Message})\n{e}";
        }
        Console.Error.WriteLine($"rlleap: this should not have happened: {e.GetType().Name}: {e.Summary()}\nrlleap: "
            + $"the details are in {log}; please report them.");
        return Defect;
    }

    // What is long goes to the run's log; without one it follows the message.
    private static void ShowDetails(string details)
    {
        try
        {
            if (RunLog.LastPath is { } log)
            {
                File.AppendAllText(log, details + "\n");
                Console.Error.WriteLine($"rlleap: the traceback is in {log}");
                return;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // shown instead
        Console.Error.WriteLine(details);
    }

    /// <summary>What to tell the user about an error that is not a defect; null for a defect.</summary>
    public static string? Message(Exception e) => e switch
    {
        RlLeapException => e.Message,
        IOException when SystemErrors.IsDiskFull(e) =>
            $"the disk is full: {e.Message.TrimEnd('.')}. Free space and go on with --resume; what was saved before is "
                + "whole.",
        FileNotFoundException { FileName: { } name } when name.Contains("Version=") =>
            PluginMisfit(e),
        FileLoadException => PluginMisfit(e),
        IOException or UnauthorizedAccessException => SystemErrors.Explain(e),
        TypeInitializationException { TypeName: "TorchSharp.torch" }
            or NotSupportedException { TargetSite.Name: "LoadNativeBackend" } =>
            $"libtorch cannot be loaded: {TorchErrors.WhyNotLoaded() ?? e.Message.Split('\n')[0]} Run ./rlleap doctor.",
        DllNotFoundException => $"a native library is missing: {e.Message.Split('\n')[0]} Run ./rlleap doctor.",
        _ when PluginMisfit(e) is { } misfit => misfit,
        _ when PluginFault.Explain(e) is { } fault => fault,
        OutOfMemoryException => OutOfMemory.Explain(e),
        _ => null,
    };

    private static string? PluginMisfit(Exception e) =>
        Plugins.Loaded.Count > 0 && PluginAssembly.Misfit(e) is { } cause
            ? $"an assembly of your own does not fit this RlLeap; build it again with the version in use. ({cause})"
                : null;

    /// <summary>A word as a shell reads it back.</summary>
    internal static string Quoted(string word) => word.Length > 0 && word.All(c => char.IsLetterOrDigit(c)
        || "-_./=:,+@%".Contains(c)) ? word : $"'{word.Replace("'", "'\\''")}'";

    private static string NameOf(ParseResult parsed) =>
        parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
}

/// <summary>The log on the terminal.</summary>
internal sealed class Announcer : ILogEventSink
{
    private static readonly MessageTemplateTextFormatter Format = new("rlleap: {Message:lj}");

    public void Emit(LogEvent logEvent)
    {
        var text = new StringWriter();
        Format.Format(logEvent, text);
        Progress.Announce(text.ToString());
    }
}

/// <summary>
/// Ctrl-C, SIGTERM, and SIGHUP unless the process was started to ignore it (nohup): the first asks to checkpoint and
/// leave (the token), the second leaves at once.
/// </summary>
/// <remarks>
/// Ctrl-C reaches every process of a terminal, and a grid hands on what reaches it: what comes within a second of the
/// first is the same request.
/// </remarks>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _exitCode; // 0 until a signal came
    private long _first;

    public StopSignals() => _registrations =
        [Register(PosixSignal.SIGHUP, Shell.HungUp), Register(PosixSignal.SIGINT, Shell.Interrupted),
            Register(PosixSignal.SIGTERM, Shell.Terminated)];

    public CancellationToken Token => _source.Token;

    /// <summary>128 + the signal's number; null where none came.</summary>
    public int? ExitCode => _exitCode == 0 ? null : _exitCode;

    private PosixSignalRegistration Register(PosixSignal signal, int exitCode) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true; // not the runtime's own way of ending
            if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) != 0)
            {
                if (Volatile.Read(ref _first) is not 0 and var first
                    && Stopwatch.GetElapsedTime(first) > TimeSpan.FromSeconds(1)) ProcessEnd.Now(exitCode);
                return;
            }
            Volatile.Write(ref _first, Stopwatch.GetTimestamp());
            Shell.StoppedBy = exitCode;
            if (!Shell.HasNothingToSave) Log.Warning("stopping at the next safe point (again to leave at once)");
            _source.Cancel();
        });

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }
}
