namespace RlLeap.MetaLearning;

/// <summary>A stream with another loss: passes all else on to another stream, which it owns.</summary>
internal abstract class StreamWrapper(ITaskStream inner) : ITaskStream
{
    /// <summary>The wrapped stream.</summary>
    protected ITaskStream Inner { get; } = inner;

    public bool CanSave => Inner.CanSave;
    public virtual IBatch NextBatch(Model model, Split split = Split.Train) => Inner.NextBatch(model, split);
    public abstract Tensor Loss(Model model, IBatch batch);
    public virtual IReadOnlyDictionary<string, double> Score(Model model, Split split) => Inner.Score(model, split);
    public virtual byte[] Save() => Inner.Save();
    public virtual void Restore(ReadOnlySpan<byte> state) => Inner.Restore(state);
    public virtual void Dispose() => Inner.Dispose();
}
