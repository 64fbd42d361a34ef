namespace RlLeap.Environments;

/// <summary>An environment around another: passes everything on; subclasses override what they change.</summary>
public abstract class EnvironmentWrapper(IEnvironment inner) : IEnvironment
{
    /// <summary>The wrapped environment.</summary>
    protected IEnvironment Inner { get; } = inner;

    public virtual EnvironmentSpec Spec => Inner.Spec;
    public virtual TimeStep Reset() => Change(Inner.Reset());
    public virtual TimeStep Step(int action) => Change(Inner.Step(action));

    public virtual TimeStep Step(ReadOnlySpan<float> action) =>
        Spec.Action is Discrete ? Step(ActionNumbers.ToIndex(Spec, action)) : Change(Inner.Step(action));

    /// <summary>What becomes of a step of the wrapped environment, where nothing else is overridden.</summary>
    protected virtual TimeStep Change(TimeStep step) => step;

    /// <summary>Writes the wrapper's own state. The state of the inner environment is saved separately.</summary>
    protected virtual void Save(BinaryWriter writer) { }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    protected virtual void Load(BinaryReader reader) { }

    public bool CanSnapshot => Inner.CanSnapshot;

    public byte[] Snapshot() => SavedState.Write(GetType().Name, writer =>
    {
        writer.WriteBytes(Inner.Snapshot());
        Save(writer);
    });

    public void Restore(ReadOnlySpan<byte> snapshot) => SavedState.Read(Spec, GetType().Name, snapshot, reader =>
    {
        Inner.Restore(reader.ReadCountedBytes());
        Load(reader);
    }, OldState.Values);

    public bool CanRender => Inner.CanRender;
    public Picture Render() => Inner.Render();

    public virtual void Dispose()
    {
        Inner.Dispose();
        GC.SuppressFinalize(this);
    }
}
