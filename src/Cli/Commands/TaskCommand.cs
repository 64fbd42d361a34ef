// rlleap task: one training of a meta-step or an evaluation, from a file to a file. What clusters run.
using System.CommandLine;
using RlLeap.Cli.Slurm;

namespace RlLeap.Cli.Commands;

/// <summary>Trains tasks whose specifications are files and writes each result to a file.</summary>
/// <remarks>
/// Exit codes: 0 every result is there; 75 (EX_TEMPFAIL) asked to leave by USR1, TERM, HUP or Ctrl-C: checkpoints are
/// written, the same command goes on; 1 a task failed, and its result file holds the error.
/// </remarks>
public static class TaskCommand
{
    /// <summary>Left before the end, with a checkpoint: run it again.</summary>
    public const int Again = 75;

    public static Command Create()
    {
        var spec = new Option<string[]>("--spec")
        { Description = "The task's specification; may be given several times", Required = true };
        var output = new Option<string[]>("--out")
        {
            Description = "Where its result goes, one for each --spec, in the same order; its checkpoint lies beside "
                + "it", Required = true
        };
        var parallel = CheckedOption.Number<int>(
            "--parallel", "Tasks side by side; left out or 0: one a core", max: 1024);
        var every = CheckedOption.Number<double>(
            "--checkpoint-seconds", "Seconds between checkpoints; left out: 120", min: 1e-3, max: 1e9);
        var command = new Command("task", "Train a task from its specification to its result: what executors start on "
            + "other machines. USR1 and TERM checkpoint and leave with exit code 75; the same command goes on.")
            { spec, output, parallel, every };
        command.SetAction((parsed, stop) =>
        {
            var (specs, outputs) = (parsed.GetRequiredValue(spec), parsed.GetRequiredValue(output));
            if (specs.Length != outputs.Length) throw new RlLeapException(
                $"There are {specs.Length} --spec and {outputs.Length} --out: give one --out for each --spec.");
            var pause = TimeSpan.FromSeconds(parsed.GetValue(every) ?? 120);
            return Task.FromResult(Run([.. specs.Zip(outputs)], parsed.GetValue(parallel) ?? 0, pause, stop));
        });
        return command;
    }

    private static int Run(IReadOnlyList<(string Spec, string Output)> tasks, int parallel, TimeSpan every,
        CancellationToken stop)
    {
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var warned = ProcessSignals.OnWarning(() =>
        {
            Log.Warning("USR1: writing checkpoints and leaving");
            leave.Cancel();
        });
        using var progress = new Progress("task", tasks.Count, "tasks");
        using var worker = new TaskWorker(every, progress);
        var (done, failed) = (0, 0);
        try
        {
            using var pool = new WorkerPool(parallel, "task", maxCount: tasks.Count);
            pool.ForEach(tasks, (task, cancellation) =>
            {
                try { worker.Do(task.Spec, task.Output, cancellation); }
                catch (Exception e) when (tasks.Count > 1 && e is not OperationCanceledException)
                {
                    // The others go on; their results are wanted whatever became of this one.
                    Interlocked.Increment(ref failed);
                    Log.Error("{Spec}: {Reason}", task.Spec, Shell.Message(e) ?? e.ToString());
                }
                progress.Report(Interlocked.Increment(ref done));
            }, leave.Token);
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested) { return Again; }
        return failed > 0 ? Shell.Failed : 0;
    }
}
