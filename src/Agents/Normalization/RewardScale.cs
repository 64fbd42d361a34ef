namespace RlLeap.Agents;

/// <summary>
/// Divides rewards by the running standard deviation of the discounted return, so that values are of the size 1
/// whatever the environment pays. Episode returns are reported as they were paid.
/// </summary>
/// <param name="count">N, copies of the environment.</param>
/// <param name="discount">Discount of the return.</param>
internal sealed class RewardScale(int count, double discount)
{
    // As gymnasium and Stable-Baselines3 have them.
    private const double Epsilon = 1e-8;
    private const float Bound = 10;

    private readonly float[] _returns = new float[count];
    private readonly RunningMoments _moments = new(1);

    /// <summary>Scales the rewards [N] of one step in place.</summary>
    /// <param name="ended">[N] whether the copy's episode ended with the step.</param>
    public void Apply(Span<float> rewards, ReadOnlySpan<bool> ended)
    {
        for (var i = 0; i < rewards.Length; i++) _returns[i] = (float)(_returns[i] * discount) + rewards[i];
        _moments.Add(_returns);
        var scale = (float)(1 / Math.Sqrt(_moments.Variance(0) + Epsilon));
        for (var i = 0; i < rewards.Length; i++)
        {
            rewards[i] = Math.Clamp(rewards[i] * scale, -Bound, Bound);
            if (ended[i]) _returns[i] = 0;
        }
    }

    internal void Save(BinaryWriter writer)
    {
        foreach (var value in _returns) writer.Write(value);
        _moments.Save(writer);
    }

    internal void Restore(BinaryReader reader)
    {
        for (var i = 0; i < _returns.Length; i++) _returns[i] = reader.ReadSingle();
        _moments.Restore(reader);
    }
}
