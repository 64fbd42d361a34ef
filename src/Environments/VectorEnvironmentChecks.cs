using System.Runtime.InteropServices;

namespace RlLeap.Environments;

/// <summary>What our vectors do alike: checks before a step, finished episodes, saving the buffers.</summary>
internal static class VectorEnvironmentChecks
{
    // A step of a vector takes some ten to hundred microseconds: waiting that long awake is cheaper than a wake-up.
    private const int SpinsBeforeSleep = 1_000;

    /// <summary>The threads that step <paramref name="count"/> copies.</summary>
    public static WorkerPool StepThreads(int count, int threads) =>
        new(threads, "environments", SpinsBeforeSleep, maxCount: count);

    /// <summary>Refuses a step that must not begin; nothing has moved then.</summary>
    public static void CheckStep(EnvironmentSpec spec, int count, ReadOnlySpan<int> actions, bool started,
        string? failure = null)
    {
        CheckStarted(spec, started, failure);
        if (actions.Length != count)
            throw new EnvironmentException($"{spec.Id}: Step was given {actions.Length} actions for {count} copies.");
        var bad = actions.IndexOfAnyExceptInRange(0, ActionNumbers.RequireDiscrete(spec).Count - 1);
        if (bad >= 0) throw new EnvironmentException(
            $"{spec.Id} (copy {bad} of {count}): {Describe.BadAction(actions[bad], spec)} No copy was stepped.");
    }

    /// <summary>Refuses a step before a reset.</summary>
    public static void CheckStarted(EnvironmentSpec spec, bool started, string? failure)
    {
        if (failure is not null)
            throw new EnvironmentException(
                $"{spec.Id}: a copy failed before and the vector has to be Reset. What happened: {failure}");
        if (!started)
            throw new EnvironmentException($"{spec.Id}: Step was called before the first Reset. Call Reset first.");
    }

    /// <summary>Lists the episodes that ended in a step, in the order of copies.</summary>
    public static void Collect(StepType[] moments, EpisodeRecord[] ended, List<EpisodeRecord> finished)
    {
        var bytes = MemoryMarshal.Cast<StepType, byte>(moments);
        for (var i = 0; ; i++)
        {
            var next = bytes[i..].IndexOfAny((byte)StepType.Terminated, (byte)StepType.Truncated);
            if (next < 0) return;
            i += next;
            finished.Add(ended[i]);
        }
    }

    public static void Save(BinaryWriter writer, IVectorEnvironment vector)
    {
        writer.Write(MemoryMarshal.AsBytes(vector.Rewards.AsSpan()));
        writer.Write(MemoryMarshal.AsBytes(vector.StepTypes.AsSpan()));
        writer.Write(vector.Observations.Raw);
        writer.Write(vector.FinalObservations.Raw);
    }

    public static void Load(BinaryReader reader, IVectorEnvironment vector)
    {
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(vector.Rewards.AsSpan()));
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(vector.StepTypes.AsSpan()));
        reader.BaseStream.ReadExactly(vector.Observations.Raw);
        reader.BaseStream.ReadExactly(vector.FinalObservations.Raw);
    }
}
