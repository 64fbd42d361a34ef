namespace RlLeap.Cli.Runs;

/// <summary>
/// While it lives, the program's log also goes to the run's run.log, with times and from the level Information on.
/// Begins with what was called, and what answered.
/// </summary>
public sealed class RunLog : IDisposable
{
    /// <summary>The log that was opened last; null before the first.</summary>
    public static string? LastPath { get; private set; }

    /// <summary>Its file in a run's folder.</summary>
    public const string FileName = "run.log";

    private readonly ILogger _before = Log.Logger;
    private readonly Serilog.Core.Logger _both;

    /// <param name="versions">Of the program, its libraries and the machine.</param>
    public RunLog(RunDirectory run, string versions)
    {
        _both = new LoggerConfiguration().MinimumLevel.Information()
            // A logger used as a sink does not ask its own minimum level
            .WriteTo.Logger(_before, Serilog.Events.LogEventLevel.Warning)
            .WriteTo.File(run.PathOf(FileName),
                outputTemplate: "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}")
            .CreateLogger();
        (Log.Logger, LastPath) = (_both, run.PathOf(FileName));
        Log.Information("{Command}", Environment.CommandLine);
        Log.Information("{Versions}", versions);
    }

    public void Dispose()
    {
        Log.Logger = _before;
        _both.Dispose();
    }
}
