namespace RlLeap.Agents;

/// <summary>Mean and variance of everything seen so far, element by element, in float64.</summary>
/// <remarks>Batches are joined as Chan, Golub and LeVeque 1983 (doi:10.1080/00031305.1983.10483115) do it.</remarks>
/// <param name="elements">Numbers of one observation.</param>
internal sealed class RunningMoments(int elements)
{
    private readonly double[] _mean = new double[elements], _squares = new double[elements];

    /// <summary>Observations seen.</summary>
    public long Count { get; private set; }

    /// <summary>The mean of each element; 0 before the first observation.</summary>
    public ReadOnlySpan<double> Mean => _mean;

    /// <summary>The variance of one element; 1 before the first observation.</summary>
    public double Variance(int element) => Count == 0 ? 1 : _squares[element] / Count;

    /// <summary>Takes in rows of observations [B, elements].</summary>
    public void Add(ReadOnlySpan<float> rows)
    {
        var count = rows.Length / _mean.Length;
        if (count == 0) return;
        for (var k = 0; k < _mean.Length; k++)
        {
            var (mean, squares) = (0.0, 0.0);
            for (var i = k; i < rows.Length; i += _mean.Length) mean += rows[i];
            mean /= count;
            for (var i = k; i < rows.Length; i += _mean.Length) squares += (rows[i] - mean) * (rows[i] - mean);
            var (delta, all) = (mean - _mean[k], Count + count);
            _mean[k] += delta * count / all;
            _squares[k] += squares + delta * delta * Count * count / all;
        }
        Count += count;
    }

    /// <summary>Takes in rows of bytes [B, elements].</summary>
    public void Add(ReadOnlySpan<byte> rows)
    {
        var row = new float[_mean.Length];
        for (var start = 0; start < rows.Length; start += row.Length)
        {
            for (var k = 0; k < row.Length; k++) row[k] = rows[start + k];
            Add(row);
        }
    }

    internal void Save(BinaryWriter writer)
    {
        writer.Write(Count);
        for (var k = 0; k < _mean.Length; k++)
        {
            writer.Write(_mean[k]);
            writer.Write(_squares[k]);
        }
    }

    internal void Restore(BinaryReader reader)
    {
        Count = reader.ReadInt64();
        for (var k = 0; k < _mean.Length; k++) (_mean[k], _squares[k]) = (reader.ReadDouble(), reader.ReadDouble());
    }
}
