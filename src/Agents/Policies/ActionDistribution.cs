namespace RlLeap.Agents;

/// <summary>What a policy's outputs mean: the distribution of actions of one action space.</summary>
/// <remarks>
/// <para>A Discrete part is a categorical distribution over n logits, a MultiDiscrete one several, a MultiBinary one a
/// Bernoulli distribution for each switch, a Box a normal distribution for each element. Parts are independent.</para>
/// <para>An action is kept as it was drawn: K numbers, of which those of a Box are in the distribution's own units,
/// before any clipping. <see cref="ToEnvironment"/> makes of them what the environment gets. So the probability that is
/// learned from is that of the draw.</para>
/// </remarks>
public sealed class ActionDistribution
{
    private const double LogTwoPi = 1.8378770664093453;
    private readonly IReadOnlyList<SpacePart> _parts;
    private readonly GaussianOptions _gaussian;
    private readonly double[] _middle, _half; // of the numbers of Boxes

    /// <summary>The distribution over the actions of an environment.</summary>
    /// <exception cref="EnvironmentException">A Box has no finite bounds, or leaves no choice.</exception>
    public ActionDistribution(EnvironmentSpec spec, GaussianOptions? gaussian = null)
    {
        (Space, _parts, _gaussian) = (spec.Action, spec.Action.Parts, gaussian ?? new GaussianOptions());
        (_middle, _half) = (new double[Space.Length], new double[Space.Length]);
        foreach (var part in _parts)
        {
            OutputSize += OutputsOf(part.Space);
            if (part.Space is not Box box) continue;
            DeviationSize += box.Length;
            for (var k = 0; k < box.Length; k++)
            {
                var (low, high) = box.BoundsOf(k);
                if (!double.IsFinite(low) || !double.IsFinite(high) || !(low < high))
                    throw new EnvironmentException(FormattableString.Invariant(
                        $"{spec.Id}: element {k} of its action {box} goes from {low} to {high}. ")
                        + "An agent needs finite bounds, the low one below the high one: give the action space some.");
                (_middle[part.Start + k], _half[part.Start + k]) = ((low + high) / 2, (high - low) / 2);
            }
        }
    }

    /// <summary>The space of actions.</summary>
    public Space Space { get; }

    /// <summary>P, how many outputs the policy's head has.</summary>
    public int OutputSize { get; }

    /// <summary>K, how many numbers an action has.</summary>
    public int ActionSize => Space.Length;

    /// <summary>D, how many of these are values of Boxes: as many deviations are learned.</summary>
    public int DeviationSize { get; }

    /// <summary>See <see cref="GaussianOptions.NoiseCorrelation"/>.</summary>
    internal double NoiseCorrelation => _gaussian.NoiseCorrelation;

    /// <summary>Whether an action is one index.</summary>
    public bool IsDiscrete => Space is Discrete;

    /// <summary>Draws one action for each row.</summary>
    /// <param name="outputs">[N, P] of the policy's head.</param>
    /// <param name="logDeviations">[N, D], empty without Boxes.</param>
    /// <param name="rng">What they are drawn from, row by row.</param>
    /// <param name="actions">[N, K], written.</param>
    /// <param name="noise">[N, D] the last noise, which the next is correlated with; empty where it is not.</param>
    public void Sample(ReadOnlySpan<float> outputs, ReadOnlySpan<float> logDeviations, Rng rng, Span<float> actions,
        Span<float> noise = default)
    {
        var keep = noise.IsEmpty ? 0 : _gaussian.NoiseCorrelation;
        var fresh = Math.Sqrt(1 - keep * keep);
        for (var i = 0; i < actions.Length / ActionSize; i++)
        {
            var row = outputs.Slice(i * OutputSize, OutputSize);
            var action = actions.Slice(i * ActionSize, ActionSize);
            var (at, d) = (0, i * DeviationSize);
            foreach (var part in _parts)
                for (var k = 0; k < part.Space.Length; k++)
                    if (part.Space is Box)
                    {
                        var drawn = fresh * rng.NextNormal();
                        if (keep > 0) drawn = noise[d] = (float)(drawn + keep * noise[d]);
                        action[part.Start + k] = (float)(row[at++] + Math.Exp(logDeviations[d++]) * drawn);
                    }
                    else if (part.Space is MultiBinary)
                        action[part.Start + k] = rng.NextDouble() < 1 / (1 + Math.Exp(-row[at++])) ? 1 : 0;
                    else
                    {
                        var count = ActionNumbers.CountOf(part.Space, k);
                        Span<int> index = [0];
                        Policy.Sample(row.Slice(at, count), rng, index);
                        (action[part.Start + k], at) = (index[0], at + count);
                    }
        }
    }

    /// <summary>The most probable action for each row of outputs [N, P].</summary>
    public void Mode(ReadOnlySpan<float> outputs, Span<float> actions)
    {
        for (var i = 0; i < actions.Length / ActionSize; i++)
        {
            var row = outputs.Slice(i * OutputSize, OutputSize);
            var action = actions.Slice(i * ActionSize, ActionSize);
            var at = 0;
            foreach (var part in _parts)
                for (var k = 0; k < part.Space.Length; k++)
                    if (part.Space is Box) action[part.Start + k] = row[at++];
                    else if (part.Space is MultiBinary) action[part.Start + k] = row[at++] > 0 ? 1 : 0;
                    else
                    {
                        var count = ActionNumbers.CountOf(part.Space, k);
                        Span<int> index = [0];
                        Policy.Greedy(row.Slice(at, count), index);
                        (action[part.Start + k], at) = (index[0], at + count);
                    }
        }
    }

    /// <summary>What the environment gets for drawn actions [N, K]: a Box's rescaled, within its bounds.</summary>
    public void ToEnvironment(ReadOnlySpan<float> actions, Span<float> target)
    {
        actions.CopyTo(target);
        if (DeviationSize == 0) return;
        for (var i = 0; i < actions.Length / ActionSize; i++)
            foreach (var part in _parts)
            {
                if (part.Space is not Box) continue;
                for (var k = part.Start; k < part.Start + part.Space.Length; k++)
                {
                    ref var value = ref target[i * ActionSize + k];
                    double x = value;
                    if (_gaussian.Squash) x = Math.Tanh(x);
                    if (_gaussian.Squash || _gaussian.Rescale) x = _middle[k] + _half[k] * x;
                    value = (float)Math.Clamp(x, _middle[k] - _half[k], _middle[k] + _half[k]);
                }
            }
    }

    /// <summary>
    /// The log-probability [B] of drawn actions and the entropy [B] of their distributions, in nats, with a graph. With
    /// a squash both are those of the draw before it: the squash has no parameters, so ratios and gradients are the
    /// same.
    /// </summary>
    /// <param name="outputs">[B, P] of the policy's head.</param>
    /// <param name="logDeviations">[B, D], or null without Boxes.</param>
    /// <param name="actions">[B, K] as drawn, of the outputs' type.</param>
    public (Tensor LogProbability, Tensor Entropy) Evaluate(Tensor outputs, Tensor? logDeviations, Tensor actions)
    {
        Tensor? probability = null, entropy = null;
        var (at, d) = (0, 0);
        foreach (var part in _parts)
        {
            var (space, count) = (part.Space, OutputsOf(part.Space));
            var (mine, taken) = (Columns(outputs, at, count), Columns(actions, part.Start, space.Length));
            if (space is Box)
            {
                AddNormal(mine, Columns(logDeviations!, d, count), taken);
                d += count;
            }
            else if (space is MultiBinary)
            {
                var soft = F.softplus(mine, 1, 20);
                Add((taken * mine - soft).sum(1), (soft - mine.sigmoid() * mine).sum(1));
            }
            else
                for (int k = 0, from = 0; k < space.Length; k++)
                {
                    var values = ActionNumbers.CountOf(space, k);
                    AddCategorical(Columns(mine, from, values), Columns(taken, k, 1));
                    from += values;
                }
            at += count;
        }
        return (probability!, entropy!);

        void AddNormal(Tensor mean, Tensor log, Tensor taken)
        {
            var scaled = (taken - mean) * (-log).exp();
            Add((scaled.square() * -0.5 - log - 0.5 * LogTwoPi).sum(1), (log + 0.5 * (1 + LogTwoPi)).sum(1));
        }

        void AddCategorical(Tensor logits, Tensor index)
        {
            var log = logits.log_softmax(1);
            Add(log.gather(1, index.to_type(ScalarType.Int64)).squeeze(1), -(log.exp() * log).sum(1));
        }

        void Add(Tensor logProbability, Tensor itsEntropy)
        {
            probability = probability is null ? logProbability : probability + logProbability;
            entropy = entropy is null ? itsEntropy : entropy + itsEntropy;
        }
    }

    private static Tensor Columns(Tensor all, int start, int count) =>
        start == 0 && all.size(1) == count ? all : all.narrow(1, start, count);

    private static int OutputsOf(Space space) => space switch
    {
        Discrete discrete => discrete.Count,
        MultiDiscrete multi => multi.Counts.Sum(),
        _ => space.Length,
    };
}
