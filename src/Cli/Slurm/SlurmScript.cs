using System.Collections;
using System.Text;

namespace RlLeap.Cli.Slurm;

/// <summary>Writes job scripts.</summary>
internal static class SlurmScript
{
    // What the launcher gives to every process of ours; a site may not hand the submitter's environment on.
    private static readonly string[] Inherited = ["LD_PRELOAD", "LD_LIBRARY_PATH", "MALLOC_CONF", "GLIBC_TUNABLES",
        "OMP_NUM_THREADS", "DOTNET_ROOT", "VIRTUAL_ENV", "PYTHONPATH"];

    /// <summary>The log of the jobs with an index; they append to it.</summary>
    public static string LogPath(string folder, string index) => Path.Combine(folder, $"job-{index}.log");

    /// <summary>A script for an array over a folder's NNNN.task, with as many a job as the options say.</summary>
    public static string Text(ExecutorSection options, string name, string folder, double checkpointSeconds)
    {
        var text = new StringBuilder("#!/bin/bash\n");
        void Ask(string option) => text.Append($"#SBATCH {option}\n");
        Ask($"--job-name={name}");
        Ask($"--output=\"{LogPath(folder.Replace("%", "%%"), "%a")}\"");
        Ask("--open-mode=append");
        Ask("--requeue");
        Ask($"--signal=B:USR1@{options.WarnSeconds}");
        Ask("--nodes=1");
        Ask("--ntasks=1");
        Ask($"--cpus-per-task={options.Cpus}");
        if (options.Partition is { } partition) Ask($"--partition={partition}");
        if (options.Time is { } time) Ask($"--time={time}");
        if (options.Gpus > 0) Ask($"--gres=gpu:{options.Gpus}");
        if (options.Memory is { } memory) Ask($"--mem={memory}");
        foreach (var more in options.Sbatch) Ask(more);
        foreach (var line in options.Setup) text.Append(line).Append('\n');
        foreach (var (key, value) in Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(e => ((string)e.Key, (string?)e.Value ?? "")).OrderBy(e => e.Item1, StringComparer.Ordinal))
            if (key.StartsWith("RLLEAP_", StringComparison.Ordinal) || Inherited.Contains(key))
                text.Append($"export {key}={Quote(value)}\n");
        var program = string.Join(' ', Shell.Program.Select(Quote));
        text.Append($$"""
            # Slurm need not bind a job to its cores: the runtime is told how many it has.
            export DOTNET_PROCESSOR_COUNT=${SLURM_CPUS_PER_TASK:-{{options.Cpus}}}
            tasks=()
            first=$((SLURM_ARRAY_TASK_ID * {{options.TasksPerJob}}))
            for ((i = first; i < first + {{options.TasksPerJob}}; i++)); do
                task={{Quote(folder)}}/$(printf %04d $i)
                [ -f "$task.task" ] && tasks+=(--spec "$task.task" --out "$task.outcome")
            done
            # In the shell's place: Slurm's signals go to this process.
            exec {{program}} task "${tasks[@]}" --checkpoint-seconds {{checkpointSeconds}}

            """);
        return text.ToString();
    }

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''")}'";
}
