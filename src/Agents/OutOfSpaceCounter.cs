using System.Numerics;
using System.Runtime.InteropServices;

namespace RlLeap.Agents;

/// <summary>Counts a training's observations outside the space that their environment declares.</summary>
/// <remarks>
/// Nothing is lost by such an observation: an agent learns from it as from any other. But it shows that the bounds are
/// too narrow or that the environment has a fault. Bounds are compared as float32, which observations are.
/// </remarks>
public sealed class OutOfSpaceCounter
{
    private readonly Box _space;
    private readonly bool _bounded;
    private readonly float _low, _high; // of all elements
    private readonly float[] _lows = [], _highs = []; // or of each

    /// <summary>Watches observations of a space.</summary>
    internal OutOfSpaceCounter(Box space)
    {
        (_space, _low, _high) = (space, (float)space.Low, (float)space.High);
        _bounded = space.Element == ElementType.Byte ? space.Low > 0 || space.High < 255
            : float.IsFinite(_low) || float.IsFinite(_high) || space.Lows is not null;
        if (space.Lows is null) return;
        _lows = [.. space.Lows.Select(low => (float)low)];
        _highs = [.. space.Highs!.Select(high => (float)high)];
    }

    /// <summary>Observations outside the space so far.</summary>
    public long Count { get; private set; }

    /// <summary>The first of them, in words; null before it.</summary>
    public string? First { get; private set; }

    /// <summary>Looks through the observations that a rollout acted on.</summary>
    /// <param name="agentSteps">Agent steps before it.</param>
    internal void See(Rollout rollout, long agentSteps)
    {
        if (!_bounded) return;
        for (var row = 0; row < rollout.Count; row++)
        {
            var element = Outside(rollout.Observations, row);
            if (element < 0) continue;
            Count++;
            var value = rollout.Observations.Element == ElementType.Byte
                ? rollout.Observations.ByteRow(row)[element] : rollout.Observations.FloatRow(row)[element];
            var (low, high) = _space.BoundsOf(element);
            First ??= FormattableString.Invariant($"element {element} of the observation is {value}, outside {low} to ")
                + FormattableString.Invariant($"{high} (copy {row % rollout.Environments} of {rollout.Environments}, ")
                + FormattableString.Invariant($"agent step {agentSteps + row})");
        }
    }

    // The first element of a row that is outside its bounds, or -1.
    private int Outside(ObservationBuffer observations, int row)
    {
        if (observations.Element == ElementType.Byte)
            return observations.ByteRow(row).IndexOfAnyExceptInRange((byte)_space.Low, (byte)_space.High);
        var floats = observations.FloatRow(row);
        var k = 0;
        if (_lows.Length == 0)
        {
            var (low, high) = (new Vector<float>(_low), new Vector<float>(_high));
            var vectors = MemoryMarshal.Cast<float, Vector<float>>(floats);
            while (k < vectors.Length && Vector.GreaterThanOrEqualAll(vectors[k], low)
                && Vector.LessThanOrEqualAll(vectors[k], high)) k++;
            k *= Vector<float>.Count;
        }
        for (; k < floats.Length; k++)
            if (floats[k] < Bound(_lows, _low, k) || floats[k] > Bound(_highs, _high, k)) return k;
        return -1;
    }

    private static float Bound(float[] each, float all, int k) => each.Length == 0 ? all : each[k];

    internal void Save(BinaryWriter writer)
    {
        writer.Write(Count);
        writer.Write(First ?? "");
    }

    internal void Restore(BinaryReader reader)
    {
        Count = reader.ReadInt64();
        First = reader.ReadString() is { Length: > 0 } first ? first : null;
    }

    internal void Add(OutOfSpaceCounter other)
    {
        Count += other.Count;
        First ??= other.First;
    }
}
