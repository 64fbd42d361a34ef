namespace RlLeap.Environments;

/// <summary>
/// An environment around another one. It passes everything on, and subclasses override what they change.
/// </summary>
public abstract class EnvironmentWrapper(IEnvironment inner) : IEnvironment
{
    /// <summary>The wrapped environment.</summary>
    protected IEnvironment Inner { get; } = inner;

    /// <inheritdoc/>
    public virtual EnvironmentSpec Spec => Inner.Spec;

    /// <inheritdoc/>
    public virtual TimeStep Reset() => Inner.Reset();

    /// <inheritdoc/>
    public virtual TimeStep Step(int action) => Inner.Step(action);

    /// <inheritdoc/>
    public virtual TimeStep Step(ReadOnlySpan<float> action) =>
        Spec.Action is Discrete ? Step(ActionNumbers.ToIndex(Spec, action)) : Inner.Step(action);

    /// <summary>Writes the wrapper's own state. The state of the inner environment is saved separately.</summary>
    protected virtual void Save(BinaryWriter writer) { }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    protected virtual void Load(BinaryReader reader) { }

    /// <inheritdoc/>
    public bool CanSnapshot => Inner.CanSnapshot;

    /// <inheritdoc/>
    public byte[] Snapshot() => SavedState.Write(GetType().Name, writer =>
    {
        writer.WriteBytes(Inner.Snapshot());
        Save(writer);
    });

    /// <inheritdoc/>
    public void Restore(ReadOnlySpan<byte> snapshot) => SavedState.Read(Spec, GetType().Name, snapshot, reader =>
    {
        Inner.Restore(reader.ReadCountedBytes());
        Load(reader);
    }, OldState.Values);

    /// <inheritdoc/>
    public bool CanRender => Inner.CanRender;

    /// <inheritdoc/>
    public Picture Render() => Inner.Render();

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        Inner.Dispose();
        GC.SuppressFinalize(this);
    }
}
