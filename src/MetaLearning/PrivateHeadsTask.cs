namespace RlLeap.MetaLearning;

/// <summary>A task of which every head is private. For methods that give each task heads of its own.</summary>
internal sealed class PrivateHeadsTask(ITask inner) : ITask
{
    public TaskInfo Info { get; } = inner.Info with { Heads = PrivateHeads(inner.Info) };

    /// <summary>The heads of a task, none of them marked as shared.</summary>
    public static IReadOnlyList<Head> PrivateHeads(TaskInfo task) =>
        [.. task.Heads.Select(head => head with { Shared = false })];

    public ITaskStream Open(Rng rng, Device device) => inner.Open(rng, device);
}
