// A2C, first page: the rollout. The second is ActorCritic.cs: returns, advantages, loss. The update is
// Learner.TrainStep.

namespace RlLeap.Agents;

/// <summary>Steps a vector environment with the model's actions; gives a <see cref="Rollout"/>.</summary>
/// <remarks>
/// The passes that choose the actions keep their graph, and the rollout holds their features: the loss at the same
/// parameters needs no further pass. Rollouts are reused: dispose each when its loss has been differentiated.
/// </remarks>
public sealed class Actor : IDisposable
{
    private readonly ActorCriticOptions _options;
    private readonly Stack<Rollout> _free = [];
    private readonly ActionDistribution _distribution;
    private readonly RewardScale? _scale;
    private readonly int[] _actions;
    private readonly float[] _numbers, _sent, _noise; // [N, K] as drawn and as the environment gets them; [N, D]
    private readonly bool[] _ended;
    private readonly Tensor _final;
    private readonly Device _device;
    private Rng _rng;
    private bool _disposed;

    /// <summary>An actor in <paramref name="environment"/>, which stays the caller's and has been reset.</summary>
    /// <param name="environment">N copies.</param>
    /// <param name="options">RolloutLength, Discount and RewardClip are used.</param>
    /// <param name="rng">What actions are drawn from.</param>
    /// <param name="device">Where models and rollouts lie.</param>
    public Actor(IVectorEnvironment environment, ActorCriticOptions options, Rng rng, Device? device = null)
    {
        (Environment, _options, _rng, _device) = (environment, options, rng, device ?? CPU);
        _distribution = new ActionDistribution(environment.Spec, options.Gaussian);
        if (options.NormalizeRewards) _scale = new RewardScale(environment.Count, options.Discount);
        _actions = new int[environment.Count];
        _numbers = new float[environment.Count * _distribution.ActionSize];
        _sent = new float[_numbers.Length];
        var correlated = options.Gaussian.NoiseCorrelation > 0;
        _noise = new float[correlated ? environment.Count * _distribution.DeviationSize : 0];
        _ended = new bool[environment.Count];
        using var scope = NewDisposeScope();
        _final = Rollout.Share(environment.FinalObservations).DetachFromDisposeScope();
    }

    /// <summary>Where it acts.</summary>
    public IVectorEnvironment Environment { get; }

    /// <summary>The next T steps. The caller disposes the rollout.</summary>
    /// <param name="model">Whose actions they are.</param>
    /// <exception cref="NotFiniteNumberException">An output of the policy is no finite number: it has no
    /// action.</exception>
    public Rollout Run(Model model)
    {
        var rollout = Rent();
        try { Environment.Run(() => Act(model, rollout)); }
        catch
        {
            rollout.Dispose();
            throw;
        }
        return rollout;
    }

    private void Act(Model model, Rollout rollout)
    {
        for (var t = 0; t < rollout.Length; t++)
        {
            using var scope = NewDisposeScope();
            rollout.SetRow(t, Environment.Observations);
            using var _ = no_grad();
            if (_options.Ppo is null) Step(rollout, t, model, rollout.Act(model, t));
            else Step(rollout, t, model, null);
            Record(rollout, t, model);
        }
        rollout.SetRow(rollout.Length, Environment.Observations);
    }

    // PPO's losses are passes of their own, so it acts without a graph, by the policy alone.
    private void Step(Rollout rollout, int t, Model model, Tensor? features)
    {
        var outputs = Policy.Host(Output(ActorCritic.PolicyHead));
        RequireNumbers(outputs, "output", t);
        if (_distribution.IsDiscrete)
        {
            Policy.Sample(outputs, _rng, _actions);
            _actions.CopyTo(rollout.Actions, t * _actions.Length);
            for (var i = 0; i < _actions.Length; i++) rollout.RawActions[t * _actions.Length + i] = _actions[i];
            Environment.Step(_actions);
            return;
        }
        var deviations = _distribution.DeviationSize > 0 ? Policy.Host(Output(ActorCritic.DeviationHead)) : [];
        RequireNumbers(deviations, "logarithm of a deviation", t);
        _distribution.Sample(outputs, deviations, _rng, _numbers, _noise);
        _numbers.CopyTo(rollout.RawActions, t * _numbers.Length);
        _distribution.ToEnvironment(_numbers, _sent);
        Environment.Step(_sent);

        Tensor Output(int head) =>
            features is null ? model.Forward(rollout.Row(t), head) : model.Output(head, features);
    }

    // From NaN, an action would be drawn all the same.
    private void RequireNumbers(ReadOnlySpan<float> outputs, string what, int t)
    {
        for (var k = 0; k < outputs.Length; k++)
        {
            if (float.IsFinite(outputs[k])) continue;
            var (each, count) = (outputs.Length / Environment.Count, Environment.Count);
            throw new NotFiniteNumberException($"policy's {what} {k % each} for copy {k / each} of {count}, step "
                + $"{t + 1} of the rollout,", outputs[k]);
        }
    }

    // What step t brought: rewards to learn from, discounts, finished episodes.
    private void Record(Rollout rollout, int t, Model model)
    {
        var (n, gamma, bound) = (_actions.Length, (float)_options.Discount, (float)_options.RewardClip);
        var rewards = rollout.Rewards.AsSpan(t * n, n);
        var discounts = rollout.Discounts.AsSpan(t * n, n);
        Environment.Rewards.CopyTo(rewards);
        if (_scale is not null)
        {
            for (var i = 0; i < n; i++) _ended[i] = Environment.StepTypes[i].IsLast();
            _scale.Apply(rewards, _ended);
        }
        if (bound > 0)
            foreach (ref var reward in rewards) reward = Math.Clamp(reward, -bound, bound);
        var truncated = 0;
        for (var i = 0; i < n; i++)
        {
            var step = Environment.StepTypes[i];
            discounts[i] = step.IsLast() ? 0 : gamma;
            if (step == StepType.Truncated) truncated++;
            if (_noise.Length > 0 && step.IsLast())
                _noise.AsSpan(i * _distribution.DeviationSize, _distribution.DeviationSize).Clear();
        }
        if (truncated > 0) Bootstrap(rewards, truncated, model);
        rollout.Add(t, Environment.Finished);
    }

    // A truncated episode has a future that was cut off. The model's value of its last observation joins the last
    // reward, after clipping, so that the return may be cut there (Pardo et al. 2018, arXiv 1712.00378).
    private void Bootstrap(Span<float> rewards, int truncated, Model model)
    {
        var rows = new long[truncated];
        var found = 0;
        for (var i = 0; i < rewards.Length; i++)
            if (Environment.StepTypes[i] == StepType.Truncated) rows[found++] = i;
        var input = _final.index_select(0, tensor(rows)).to(_device);
        var values = Policy.Host(model.Forward(input, ActorCritic.ValueHead));
        for (var k = 0; k < truncated; k++) rewards[(int)rows[k]] += (float)_options.Discount * values[k];
    }

    /// <summary>The state of the stream of actions.</summary>
    public byte[] SaveState() => _rng.SaveState();

    /// <summary>Goes on drawing where <see cref="SaveState"/> was called.</summary>
    public void RestoreState(ReadOnlySpan<byte> state) => _rng = Rng.FromState(state);

    internal void SaveMore(BinaryWriter writer)
    {
        foreach (var number in _noise) writer.Write(number);
        _scale?.Save(writer);
    }

    internal void RestoreMore(BinaryReader reader)
    {
        for (var k = 0; k < _noise.Length; k++) _noise[k] = reader.ReadSingle();
        _scale?.Restore(reader);
    }

    /// <summary>Frees the rollouts; the environment stays.</summary>
    public void Dispose()
    {
        _disposed = true;
        while (_free.TryPop(out var rollout)) rollout.Free();
        _final.Dispose();
    }

    private Rollout Rent()
    {
        if (_free.TryPop(out var rollout)) rollout.Clear();
        else
            rollout = new Rollout(_options.RolloutLength, Environment.Count, Environment.Spec.Observation, _device,
                _distribution.ActionSize);
        rollout.Recycle = Return;
        return rollout;
    }

    private void Return(Rollout rollout)
    {
        rollout.Recycle = null;
        if (_disposed) rollout.Free();
        else
        {
            rollout.Recycle = static _ => { }; // disposed twice: nothing more to give back
            rollout.Forget(); // its metrics stay readable until it is filled again
            _free.Push(rollout);
        }
    }
}
