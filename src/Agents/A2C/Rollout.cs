namespace RlLeap.Agents;

/// <summary>What N environments went through in T steps: what one actor-critic loss is computed from.</summary>
/// <remarks>
/// Arrays are row-major [T, N], t first. On the CPU the tensors share the observations' memory; elsewhere they are
/// copies made as steps come in. An actor's rollouts go back to it when disposed and are filled again.
/// </remarks>
public sealed class Rollout : IBatch
{
    private readonly Dictionary<string, double> _metrics = [];
    private List<FinishedEpisode> _episodes = [];
    private readonly Tensor[] _rows;
    private readonly Tensor _observations;
    private readonly Tensor? _hostObservations;
    private readonly Tensor[] _hostRows = [];
    private IncrementalFeatures? _passes;
    private Model? _actedBy;

    /// <summary>An empty rollout of <paramref name="length"/> steps of <paramref name="count"/> environments.</summary>
    public Rollout(int length, int count, Box observation, Device? device = null, int actionSize = 1)
    {
        (Length, Environments) = (length, count);
        Observations = new ObservationBuffer(observation, (length + 1) * count);
        Actions = new int[length * count];
        RawActions = new float[length * count * actionSize];
        Rewards = new float[length * count];
        Discounts = new float[length * count];
        Device = device ?? CPU;

        using var scope = NewDisposeScope();
        long[] shape = [length + 1, count, .. observation.Shape];
        var host = Share(Observations).view(shape);
        if (Device.type == DeviceType.CPU) _observations = host.DetachFromDisposeScope();
        else
        {
            _hostObservations = host.DetachFromDisposeScope();
            _hostRows = Rows(_hostObservations);
            _observations = empty(shape, host.dtype, Device).DetachFromDisposeScope();
        }
        _rows = Rows(_observations);
        Inputs = _observations.narrow(0, 0, length).reshape([length * count, .. observation.Shape])
            .DetachFromDisposeScope();
    }

    /// <summary>T, steps of each environment.</summary>
    public int Length { get; }

    /// <summary>N, environments.</summary>
    public int Environments { get; }

    /// <summary>Where <see cref="Row"/> and <see cref="Inputs"/> lie.</summary>
    public Device Device { get; }

    /// <summary>[(T+1) N, ...]: what each action was chosen on, then what the last step led to.</summary>
    public ObservationBuffer Observations { get; }

    /// <summary>[T, N] actions taken, where they are Discrete.</summary>
    public int[] Actions { get; }

    /// <summary>[T, N, K] actions as they were drawn, as numbers (<see cref="ActionDistribution"/>).</summary>
    public float[] RawActions { get; }

    /// <summary>[T, N] rewards to learn from: clipped; plus gamma V(final observation) at a truncation.</summary>
    public float[] Rewards { get; }

    /// <summary>[T, N] discounts: gamma where the episode goes on, 0 where it ended either way.</summary>
    public float[] Discounts { get; }

    public IReadOnlyList<FinishedEpisode> Episodes => _episodes;

    /// <summary>[T N, ...] observations acted on, as they came (bytes stay bytes).</summary>
    public Tensor Inputs { get; }

    /// <summary>[N, ...] observations at step <paramref name="t"/> of 0 .. T.</summary>
    public Tensor Row(int t) => _rows[t];

    // A pass converts bytes, which copies them. Floats are used as they are: the graph would hold the rollout's memory,
    // which is written again.
    private Tensor Lasting(Tensor rows) => Observations.Element == ElementType.Float32 ? rows.clone() : rows;

    /// <summary>T x N agent steps.</summary>
    public long Count => (long)Length * Environments;

    public IReadOnlyDictionary<string, double> Metrics => _metrics;

    /// <summary>Records a metric.</summary>
    internal void Note(string name, double value) => _metrics[name] = value;

    /// <summary>Takes in what ended in step <paramref name="t"/>.</summary>
    internal void Add(int t, IReadOnlyList<EpisodeRecord> finished)
    {
        foreach (var episode in finished)
            _episodes.Add(new FinishedEpisode((t + 1L) * Environments, episode.Return, episode.Length));
    }

    /// <summary>Copies [N, ...] observations in as row <paramref name="t"/>.</summary>
    internal void SetRow(int t, ObservationBuffer observations)
    {
        var row = Observations.Raw.Length / (Length + 1);
        observations.CopyTo(Observations.Raw.Slice(t * row, row));
        if (_hostRows.Length > 0) _rows[t].copy_(_hostRows[t]);
    }

    /// <summary>Gives the rollout back to its actor, or frees it.</summary>
    public void Dispose()
    {
        if (Recycle is { } recycle) recycle(this);
        else Free();
    }

    /// <summary>A tensor [N, ...] on a buffer's memory: what is written there shows in it.</summary>
    internal static Tensor Share(ObservationBuffer buffer) => buffer.Element == ElementType.Byte
        ? frombuffer(buffer.Bytes, ScalarType.Byte).view(buffer.Shape)
        : frombuffer(buffer.Floats, ScalarType.Float32).view(buffer.Shape);

    internal Action<Rollout>? Recycle { get; set; }

    /// <summary>
    /// The features [T N, F] of all observations acted on, with their graph. Once they are those of the passes that
    /// chose the actions, if <paramref name="model"/> did; after that, or for another model, those of one new pass.
    /// </summary>
    internal Tensor Features(Model model)
    {
        if (!ReferenceEquals(_actedBy, model)) return model.Features(Lasting(Inputs));
        var features = _passes!.Join();
        Forget();
        return features;
    }

    /// <summary>The features [N, F] of row <paramref name="t"/>, to act by; rows come in order, each once.</summary>
    internal Tensor Act(Model model, int t)
    {
        if (t == 0) (_actedBy, _passes) = (model, model.BeginFeatures());
        return _passes!.Add(Lasting(_rows[t]));
    }

    /// <summary>Writes observations and actions.</summary>
    internal void Save(BinaryWriter writer)
    {
        writer.Write(Observations.Raw);
        writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(RawActions.AsSpan()));
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    internal void Load(BinaryReader reader)
    {
        reader.BaseStream.ReadExactly(Observations.Raw);
        reader.BaseStream.ReadExactly(System.Runtime.InteropServices.MemoryMarshal.AsBytes(RawActions.AsSpan()));
        if (_hostObservations is not null) _observations.copy_(_hostObservations);
    }

    internal void Clear()
    {
        Forget();
        _metrics.Clear();
        _episodes = []; // the old list stays with whoever has it
    }

    /// <summary>Frees the kept passes.</summary>
    internal void Forget()
    {
        _passes?.Dispose();
        (_actedBy, _passes) = (null, null);
    }

    internal void Free()
    {
        Forget();
        foreach (var row in _rows) row.Dispose();
        foreach (var row in _hostRows) row.Dispose();
        Inputs.Dispose();
        _observations.Dispose();
        _hostObservations?.Dispose();
    }

    private Tensor[] Rows(Tensor all)
    {
        var rows = new Tensor[Length + 1];
        for (var t = 0; t <= Length; t++) rows[t] = all.select(0, t).DetachFromDisposeScope();
        return rows;
    }
}
