// A2C, first page: the rollout. The second is ActorCritic.cs: returns, advantages, loss. The update is
// Learner.TrainStep.
using RlLeap.Environments;
using static TorchSharp.torch;

namespace RlLeap.Agents;

/// <summary>
/// Steps a vector environment with the current model's actions and returns what happened as a <see cref="Rollout"/>.
/// </summary>
/// <remarks>
/// The passes that choose the actions keep their graph, and the rollout holds their features: the loss at the same
/// parameters needs no further pass. Rollouts are reused: dispose each when its loss has been differentiated.
/// </remarks>
public sealed class Actor : IDisposable
{
    private readonly ActorCriticOptions _options;
    private readonly Stack<Rollout> _free = [];
    private readonly int[] _actions;
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
        _actions = new int[environment.Count];
        using var scope = NewDisposeScope();
        _final = Rollout.Share(environment.FinalObservations).DetachFromDisposeScope();
    }

    /// <summary>Where it acts.</summary>
    public IVectorEnvironment Environment { get; }

    /// <summary>The next T steps. The caller disposes the rollout.</summary>
    /// <param name="model">Whose actions they are.</param>
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
            var logits = model.Output(ActorCritic.PolicyHead, rollout.Act(model, t));
            Policy.Sample(Policy.Host(logits), _rng, _actions);
            _actions.CopyTo(rollout.Actions, t * _actions.Length);
            Environment.Step(_actions);
            Record(rollout, t, model);
        }
        rollout.SetRow(rollout.Length, Environment.Observations);
        Summarize(rollout);
    }

    // What step t brought: rewards to learn from, discounts, finished episodes.
    private void Record(Rollout rollout, int t, Model model)
    {
        var (n, gamma, bound) = (_actions.Length, (float)_options.Discount, (float)_options.RewardClip);
        var rewards = rollout.Rewards.AsSpan(t * n, n);
        var discounts = rollout.Discounts.AsSpan(t * n, n);
        Environment.Rewards.CopyTo(rewards);
        if (bound > 0)
            foreach (ref var reward in rewards) reward = Math.Clamp(reward, -bound, bound);
        var truncated = 0;
        for (var i = 0; i < n; i++)
        {
            var step = Environment.StepTypes[i];
            discounts[i] = step.IsLast() ? 0 : gamma;
            if (step == StepType.Truncated) truncated++;
        }
        if (truncated > 0) Bootstrap(rewards, truncated, model);
        foreach (var episode in Environment.Finished) rollout.Episodes.Add((t, episode));
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

    private static void Summarize(Rollout rollout)
    {
        var (sum, length) = (0.0, 0.0);
        foreach (var (_, episode) in rollout.Episodes)
        {
            sum += episode.Return;
            length += episode.Length;
        }
        var count = rollout.Episodes.Count;
        rollout.Note("episodes", count);
        if (count == 0) return;
        rollout.Note("return", sum / count);
        rollout.Note("length", length / count);
    }

    /// <summary>The state of the stream of actions.</summary>
    public byte[] SaveState() => _rng.SaveState();

    /// <summary>Goes on drawing where <see cref="SaveState"/> was called.</summary>
    public void RestoreState(ReadOnlySpan<byte> state) => _rng = Rng.FromState(state);

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
        else rollout = new Rollout(_options.RolloutLength, Environment.Count, Environment.Spec.Observation, _device);
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
