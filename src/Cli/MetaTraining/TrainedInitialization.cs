// What a finished meta-training left: found, checked, brought back where it was lost.

namespace RlLeap.Cli.MetaTraining;

/// <summary>The file with what a run meta-learned.</summary>
public static class TrainedInitialization
{
    /// <summary>Its name in the run's folder.</summary>
    public const string FileName = "initialization.safetensors";

    /// <summary>The meta-learner that a finished run in <paramref name="folder"/> ended with.</summary>
    /// <exception cref="RlLeapException">There is no finished meta-training in the folder.</exception>
    public static IMetaLearner Load(string folder, Suite suite, MetaTrainConfig config)
    {
        RequireFinished(folder);
        var path = Path.Combine(folder, FileName);
        Restore(folder);
        // Evaluated as jobs, it is only handed on from here.
        return MetaTrainRun.Open(config.Executor.Kind == ExecutorKind.Slurm
            ? config with { Run = config.Run with { Device = "cpu" } } : config, suite)
            .DisposeOnError(learner => learner.Load(path));
    }

    /// <summary>Says what to do where the meta-training in <paramref name="folder"/> is not finished.</summary>
    /// <exception cref="RlLeapException">It is not.</exception>
    public static void RequireFinished(string folder)
    {
        RunDirectory.ConfigOf(folder);
        Restore(folder);
        if (File.Exists(Path.Combine(folder, FileName))) return;
        throw new RlLeapException(RunDirectory.IsComplete(folder)
            ? $"{folder} is complete, but its {FileName} is gone, and no checkpoint holds it any more. "
                + "Bring it back, or run the meta-training again in another folder."
            : $"{folder} has no {FileName}: its meta-training is not finished. Go on with it by: "
                + $"{Shell.Name} meta-train --resume {folder}");
    }

    /// <summary>Brings a lost initialization of a complete run back from its last checkpoint.</summary>
    public static void Restore(string folder)
    {
        if (!RunDirectory.IsComplete(folder)) return;
        var path = Path.Combine(folder, FileName);
        if (File.Exists(path))
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            try
            {
                SafeTensors.Read(path);
                return;
            }
            catch (DamagedFileException e) { Log.Warning("{Message}", e.Message); }
        }
        if (RunDirectory.CheckpointsOf(folder).Find(MetaTrainRun.StateName) is not { } kept) return;
        if (File.Exists(path)) DamagedFileException.SetAside(path);
        AtomicFile.WriteAllBytes(path, File.ReadAllBytes(kept));
        Log.Warning("{Path} was brought back from {Checkpoint}", path, Path.GetDirectoryName(kept));
    }
}
