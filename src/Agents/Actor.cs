using RlLeap.Environments;
using static TorchSharp.torch;

namespace RlLeap.Agents;

/// <summary>Steps a vector environment with the current model's actions and returns what happened as a <see cref="Rollout"/>.</summary>
/// <remarks>
/// Acting runs under no_grad; the loss computes the forward pass anew with a graph. Actions are sampled in managed code from the logits, one look
/// at the device per step. Rollouts are reused: dispose each when its loss has been differentiated.
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
    /// <param name="options">RolloutLength, discount and reward bound are used.</param>
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
    /// <param name="keep">Whether its passes are kept (<see cref="KeptPasses"/>), so that the loss at the same parameters needs no other ones.</param>
    public Rollout Run(Model model, bool keep = false)
    {
        var rollout = Rent();
        Environment.Run(() => Act(model, rollout, keep));
        return rollout;
    }

    private void Act(Model model, Rollout rollout, bool keep)
    {
        using var _ = no_grad();
        for (var t = 0; t < rollout.Length; t++)
        {
            rollout.SetRow(t, Environment.Observations);
            using var scope = NewDisposeScope();
            if (keep) Policy.Sample(Policy.Host(rollout.Kept.Pass(model, rollout.RowToKeep(t))[ActorCritic.PolicyHead]), _rng, _actions);
            else Policy.Act(model, rollout.Row(t), _rng, _actions);
            _actions.CopyTo(rollout.Actions, t * _actions.Length);
            Environment.Step(_actions);
            Record(rollout, t, model);
        }
        rollout.SetRow(rollout.Length, Environment.Observations);
        Summarize(rollout);
    }

    /// <summary>The stream of actions' state.</summary>
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
            var moment = Environment.Moments[i];
            discounts[i] = moment.IsLast() ? 0 : gamma;
            if (moment == StepType.Truncated) truncated++;
        }
        if (truncated > 0) Bootstrap(rewards, truncated, model);
        foreach (var episode in Environment.Finished) rollout.Episodes.Add((t, episode));
    }

    // A truncated episode has a future that was cut off: what the model thinks it is worth joins the last reward, after clipping, so that the return
    // may be cut there (Pardo et al. 2018, arXiv 1712.00378).
    private void Bootstrap(Span<float> rewards, int truncated, Model model)
    {
        var rows = new long[truncated];
        var found = 0;
        for (var i = 0; i < rewards.Length; i++)
            if (Environment.Moments[i] == StepType.Truncated) rows[found++] = i;
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
            _free.Push(rollout);
        }
    }
}
