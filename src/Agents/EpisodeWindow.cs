namespace RlLeap.Agents;

/// <summary>Running means over the last 100 episodes, and how many there were.</summary>
public sealed class EpisodeWindow
{
    private readonly Queue<(double Return, int Length)> _last = [];

    /// <summary>Episodes it keeps.</summary>
    public const int Size = 100;

    /// <summary>Episodes finished in all.</summary>
    public long Count { get; private set; }

    /// <summary>Mean raw return of the last episodes; NaN before the first.</summary>
    public double MeanReturn => _last.Count == 0 ? double.NaN : _last.Average(e => e.Return);

    /// <summary>Mean length of the last episodes in agent steps; NaN before the first.</summary>
    public double MeanLength => _last.Count == 0 ? double.NaN : _last.Average(e => e.Length);

    /// <summary>Takes in the episodes of a batch.</summary>
    public void Add(IReadOnlyList<FinishedEpisode> episodes)
    {
        foreach (var episode in episodes)
        {
            if (_last.Count == Size) _last.Dequeue();
            _last.Enqueue((episode.Return, episode.Length));
            Count++;
        }
    }

    internal void Save(BinaryWriter writer)
    {
        writer.Write(Count);
        writer.Write(_last.Count);
        foreach (var (sum, length) in _last)
        {
            writer.Write(sum);
            writer.Write(length);
        }
    }

    internal void Restore(BinaryReader reader)
    {
        _last.Clear();
        Count = reader.ReadInt64();
        for (var left = reader.ReadInt32(); left > 0; left--) _last.Enqueue((reader.ReadDouble(), reader.ReadInt32()));
    }
}
