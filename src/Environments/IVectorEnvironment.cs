namespace RlLeap.Environments;

/// <summary>N copies of an environment stepped together: what agents see.</summary>
/// <remarks>
/// <para><b>Automatic reset in the same step.</b> When copy i's episode ends in a step, that step's <c>Rewards[i]</c> and <c>Moments[i]</c> tell
/// of the end, <c>FinalObservations</c> row i holds what was seen last, and <c>Observations</c> row i already holds the first
/// observation of the next episode. There is no dead transition, and bootstrapping at a truncation has the observation it needs.</para>
/// <para><b>Buffers</b> are owned by the environment and allocated once; Step overwrites them in place. Copy what must outlive the next Step.</para>
/// <para><b>Errors.</b> Actions are checked before anything moves. When a copy fails in a step, the others complete it, their rows are
/// valid, and one <see cref="EnvironmentException"/> names the copy and its step; Step then refuses until Reset.</para>
/// </remarks>
public interface IVectorEnvironment : IDisposable
{
    /// <summary>What each copy is.</summary>
    EnvironmentSpec Spec { get; }

    /// <summary>The number of copies, N.</summary>
    int Count { get; }

    /// <summary>[N, ...]: what each copy shows now.</summary>
    ObservationBuffer Observations { get; }

    /// <summary>[N, ...]: the last observation of each episode that ended in the last step; other rows mean nothing.</summary>
    ObservationBuffer FinalObservations { get; }

    /// <summary>[N]: rewards of the last step (raw unless the id asked for clipping); 0 after Reset.</summary>
    float[] Rewards { get; }

    /// <summary>[N]: the same before any clipping; by default <see cref="Rewards"/>. Not part of a snapshot: to be read after a step.</summary>
    float[] RawRewards => Rewards;

    /// <summary>[N]: First after Reset; then Mid, Terminated or Truncated, as the last step was (never First, also where a new episode began).</summary>
    StepType[] Moments { get; }

    /// <summary>The episodes that ended in the last step, in the order of copies. The list is reused by the next step.</summary>
    IReadOnlyList<EpisodeRecord> Finished { get; }

    /// <summary>Starts a new episode in every copy; running returns are dropped.</summary>
    void Reset();

    /// <summary>[N] actions, one for each copy.</summary>
    void Step(ReadOnlySpan<int> actions);

    /// <summary>Runs work that steps this environment many times where its steps cost least, and returns when it is done; its exceptions come out here.</summary>
    /// <remarks>An environment that runs its steps on a thread of its own runs the work there: what the work sets for a thread (no_grad, dispose scopes) it sets itself.</remarks>
    void Run(Action work) => work();

    /// <summary>Whether <see cref="Snapshot"/> and <see cref="Restore"/> work.</summary>
    bool CanSnapshot => false;

    /// <summary>The complete state as bytes: every copy, random streams, running returns, and the buffers agents read.</summary>
    /// <exception cref="NotSupportedException">Unless <see cref="CanSnapshot"/>.</exception>
    byte[] Snapshot() => throw new NotSupportedException($"{Spec.Id} cannot save its state (CanSnapshot is false).");

    /// <summary>Goes back to a saved state of a vector of the same spec and count: what follows is the same bits.</summary>
    /// <exception cref="NotSupportedException">Unless <see cref="CanSnapshot"/>.</exception>
    void Restore(ReadOnlySpan<byte> snapshot) => throw new NotSupportedException($"{Spec.Id} cannot restore a state (CanSnapshot is false).");

    /// <summary>Whether <see cref="Render"/> works; by default where observations are images.</summary>
    bool CanRender => ObservedPicture.Shows(Spec);

    /// <summary>A picture of copy <paramref name="index"/>'s present state (after an automatic reset: the new episode's), for people; by default the newest frame of its observation.</summary>
    /// <exception cref="NotSupportedException">Unless <see cref="CanRender"/>.</exception>
    Picture Render(int index) => ObservedPicture.Of(Spec, CanRender ? Observations.ByteRow(index) : []);

    /// <summary>Gives back what it holds; nothing by default.</summary>
    void IDisposable.Dispose() { }
}

/// <summary>A finished episode, as it was before any clipping of rewards.</summary>
/// <param name="Index">Which copy played it.</param>
/// <param name="Return">The sum of its raw rewards.</param>
/// <param name="Length">Its agent steps.</param>
/// <param name="End">Terminated or Truncated.</param>
public readonly record struct EpisodeRecord(int Index, double Return, int Length, StepType End);

/// <summary>[N, ...] observations in one contiguous array, so that a tensor can share its memory.</summary>
/// <remarks>
/// An environment may leave its observations where they came from until they are read. Every member here sees the newest; whoever reads the memory by other
/// ways (an array kept from before, a tensor on it) calls <see cref="Update"/> after each step.
/// </remarks>
public sealed class ObservationBuffer
{
    private readonly byte[]? _bytes;
    private readonly float[]? _floats;
    private Writer? _source;

    /// <summary>Zeros: <paramref name="count"/> rows of the space <paramref name="row"/>.</summary>
    public ObservationBuffer(Box row, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Element = row.Element;
        Count = count;
        RowLength = row.Length;
        Shape = [count, .. row.Shape];
        // Array.MaxLength bounds one array: 4,096 copies of 210x160x3 are 0.4 GB and fit, a hundred times that does not.
        if ((long)count * RowLength > Array.MaxLength)
            throw new EnvironmentException($"{count} observations of {row} do not fit in one buffer; use fewer environments.");
        if (Element == ElementType.Byte) _bytes = GC.AllocateArray<byte>(count * RowLength, pinned: true);
        else _floats = GC.AllocateArray<float>(count * RowLength, pinned: true);
    }

    /// <summary>The number type.</summary>
    public ElementType Element { get; }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>Elements per row.</summary>
    public int RowLength { get; }

    /// <summary>[N, ...].</summary>
    public long[] Shape { get; }

    /// <summary>The whole buffer of a byte space; pinned, so its address never changes.</summary>
    public byte[] Bytes => _bytes is null ? throw new EnvironmentException("These observations are floats: read Floats.") : Updated(_bytes);

    /// <summary>The whole buffer of a float space; pinned, so its address never changes.</summary>
    public float[] Floats => _floats is null ? throw new EnvironmentException("These observations are bytes: read Bytes.") : Updated(_floats);

    /// <summary>Row <paramref name="index"/> of a byte buffer.</summary>
    public Span<byte> ByteRow(int index) => Bytes.AsSpan(index * RowLength, RowLength);

    /// <summary>Row <paramref name="index"/> of a float buffer.</summary>
    public Span<float> FloatRow(int index) => Floats.AsSpan(index * RowLength, RowLength);

    /// <summary>The memory of row <paramref name="index"/>, to be written.</summary>
    internal Span<byte> RawRow(int index)
    {
        var length = RowLength * (Element == ElementType.Byte ? 1 : sizeof(float));
        return Raw.Slice(index * length, length);
    }

    /// <summary>The memory of the whole buffer, for snapshots and comparisons.</summary>
    public Span<byte> Raw
    {
        get
        {
            Update();
            return Memory;
        }
    }

    /// <summary>Copies the whole buffer to memory of its size: once, also where the observations still lie elsewhere.</summary>
    public void CopyTo(Span<byte> target)
    {
        if (target.Length != Memory.Length) throw new ArgumentException($"These observations are {Memory.Length} bytes, not {target.Length}.", nameof(target));
        if (_source is { } source) source(target);
        else Memory.CopyTo(target);
    }

    /// <summary>Brings the memory up to date.</summary>
    public void Update()
    {
        if (_source is not { } source) return;
        _source = null;
        source(Memory);
    }

    /// <summary>The observations are what <paramref name="source"/> writes, until it is replaced (null: until then they are what was read).</summary>
    internal void ReadFrom(Writer? source) => _source = source;

    /// <summary>Writes all rows.</summary>
    internal delegate void Writer(Span<byte> target);

    private Span<byte> Memory => _bytes is not null ? _bytes : System.Runtime.InteropServices.MemoryMarshal.AsBytes(_floats.AsSpan());

    private T Updated<T>(T memory)
    {
        Update();
        return memory;
    }

    /// <summary>Copies one observation into row <paramref name="index"/>; its type and length must be the row's.</summary>
    public void Set(int index, Observation observation)
    {
        if (_bytes is not null) observation.Bytes.CopyTo(ByteRow(index));
        else observation.Floats.CopyTo(FloatRow(index));
    }

    /// <summary>Row <paramref name="index"/> in an array of its own.</summary>
    public Observation Row(int index) => _bytes is not null ? ByteRow(index).ToArray() : FloatRow(index).ToArray();
}
