namespace RlLeap.Agents;

/// <summary>PPO in its environments: a rollout, then passes in minibatches, each a batch.</summary>
/// <remarks>
/// Every minibatch is a gradient step of the <see cref="Learner"/>, so whoever observes a learner's path sees PPO's as
/// it does A2C's. A rollout's agent steps count when its last minibatch has been learned from. A minibatch of images is
/// differentiated in pieces, by as many threads as there are; how it is cut does not depend on their number.
/// </remarks>
internal sealed class PpoStream : AgentStream
{
    private const int RowsOfAPiece = 64; // images: enough for a pass to cost the same for each

    private readonly PpoOptions _ppo;
    private readonly ActorCriticOptions _lossOptions; // advantages are normalized over a minibatch, before it is cut
    private readonly int _pieces;
    private readonly WorkerPool _pool;
    private readonly GradientReplicas _replicas;
    private Experience? _experience; // null between two rollouts
    private int[] _order = [];
    private int _next; // minibatch of all passes that comes next
    private Rng _shuffles;

    public PpoStream(ActorCriticTask task, Rng rng, Device device, Func<Rng, IVectorEnvironment> open, int workers)
        : base(task, rng, device, open)
    {
        (_ppo, _shuffles) = (task.Options.Ppo!, rng.Split("minibatches"));
        _lossOptions = task.Options with { NormalizeAdvantages = false };
        var isDivided = AgentNetworks.AreImages(task.Spec.Observation) && device.type == DeviceType.CPU;
        _pieces = isDivided ? Math.Max(1, task.Options.BatchSize / _ppo.Minibatches / RowsOfAPiece) : 1;
        _pool = new WorkerPool(workers, "agent", maxCount: _pieces);
        _replicas = new GradientReplicas(_pieces, _pool);
    }

    public override int BatchesLeft => _experience is null ? 0 : Batches - _next;

    private int Batches => _ppo.Epochs * _ppo.Minibatches;

    public override IBatch NextBatch(Model model, Split split = Split.Train)
    {
        Rollout? fresh = null;
        if (_experience is null)
        {
            fresh = Collect(model);
            (_experience, _next) = (new Experience(model, fresh, Task), 0);
            _order = [.. Enumerable.Range(0, (int)fresh.Count)];
        }
        if (_next % _ppo.Minibatches == 0) _shuffles.Shuffle<int>(_order);
        var (part, rows) = (_next % _ppo.Minibatches, _order.Length);
        _next++;
        var from = (int)((long)rows * part / _ppo.Minibatches);
        var to = (int)((long)rows * (part + 1) / _ppo.Minibatches);
        var batch = new Minibatch(_experience, _order[from..to], _next == Batches ? rows : 0,
            Task.Options.NormalizeAdvantages)
        { Episodes = fresh?.Episodes ?? [] };
        return batch;
    }

    public override Tensor Loss(Model model, IBatch batch)
    {
        var minibatch = (Minibatch)batch;
        // Replicas are for functions of their own parameters: without statistics that passes move, and not in MAML.
        var divides = _pieces > 1 && model is { IsAtParameters: true, Network.IsFunctional: true }
            && model.Buffers.Layout.Entries.Count == 0;
        var (total, terms) = divides ? LossInPieces(model, minibatch) : LossOf(model, minibatch, 0, 1);
        minibatch.Note("policy_loss", terms.Policy);
        minibatch.Note("value_loss", terms.Value);
        minibatch.Note("entropy", terms.Entropy);
        minibatch.Note("explained_variance", minibatch.ExplainedVariance);
        minibatch.Note("approx_kl", terms.ApproximateKl);
        minibatch.Note("clip_fraction", terms.ClipFraction);
        var passEnds = _next % _ppo.Minibatches == 0;
        if (_ppo.TargetKl > 0 && passEnds && terms.ApproximateKl > _ppo.TargetKl && _next < Batches)
        {
            minibatch.StepsSkipped = Batches - _next;
            minibatch.Count = _order.Length;
            _next = Batches;
        }
        if (_next == Batches) EndRollout();
        return total;
    }

    private readonly record struct Terms(
        double Policy, double Value, double Entropy, double ApproximateKl, double ClipFraction)
    {
        public static Terms operator +(Terms a, Terms b) => new(a.Policy + b.Policy, a.Value + b.Value,
            a.Entropy + b.Entropy, a.ApproximateKl + b.ApproximateKl, a.ClipFraction + b.ClipFraction);
    }

    // Means over the minibatch are the sums of its pieces' means, each weighted by its part of the rows.
    private (Tensor Total, Terms Terms) LossInPieces(Model model, Minibatch minibatch)
    {
        var terms = new Terms[_pieces];
        _replicas.Follow(model);
        var sum = _replicas.Sum((piece, replica) =>
        {
            (var total, terms[piece]) = LossOf(replica, minibatch, piece, _pieces);
            return total;
        });
        return (sum, terms.Aggregate((a, b) => a + b));
    }

    // What a piece of a minibatch adds to its loss and to the terms.
    private (Tensor Total, Terms Terms) LossOf(Model model, Minibatch minibatch, int piece, int pieces)
    {
        var (inputs, actions, targets, weight) = minibatch.Piece(piece, pieces);
        var outputs = model.Outputs(model.Features(inputs));
        var (logProbability, entropy) = Task.Distribution.Evaluate(outputs[ActorCritic.PolicyHead],
            Task.Distribution.DeviationSize > 0 ? outputs[ActorCritic.DeviationHead] : null, actions);
        var loss = Ppo.Loss(logProbability, entropy, outputs[ActorCritic.ValueHead].squeeze(1), targets, _lossOptions);
        var terms = new Terms(weight * Scalar(loss.Policy), weight * Scalar(loss.Value), weight * Scalar(loss.Entropy),
            weight * loss.ApproximateKl, weight * loss.ClipFraction);
        if (weight == 1) return (loss.Total, terms);
        using Scalar factor = weight;
        return (loss.Total * factor, terms);
    }

    protected override void SaveMore(BinaryWriter writer)
    {
        writer.Write(_shuffles.SaveState());
        writer.Write(_experience is not null);
        if (_experience is null) return;
        writer.Write(_next);
        foreach (var row in _order) writer.Write(row);
        _experience.Save(writer);
    }

    protected override void RestoreMore(BinaryReader reader)
    {
        EndRollout();
        _shuffles = Rng.FromState(reader.ReadBytes(RngBytes));
        if (!reader.ReadBoolean()) return;
        _next = reader.ReadInt32();
        _order = new int[Task.Options.BatchSize];
        for (var i = 0; i < _order.Length; i++) _order[i] = reader.ReadInt32();
        _experience = new Experience(reader, Task, Device);
    }

    public override void Dispose()
    {
        EndRollout();
        _replicas.Dispose();
        _pool.Dispose();
        base.Dispose();
    }

    private void EndRollout()
    {
        _experience?.Dispose();
        _experience = null;
    }

    // A minibatch's tensors live in its own memory: the rollout may be given back before the loss is differentiated.
    private sealed class Minibatch : IBatch
    {
        private readonly Dictionary<string, double> _metrics = [];

        public Minibatch(Experience experience, int[] rows, long count, bool normalize)
        {
            (Count, ExplainedVariance, Targets) = (count, experience.ExplainedVariance, experience.TargetsOf(rows));
            if (normalize) Targets = Targets with { Advantages = Ppo.Normalized(Targets.Advantages) };
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var index = tensor(Array.ConvertAll(rows, row => (long)row), device: experience.Inputs.device);
            Inputs = experience.Inputs.index_select(0, index).DetachFromDisposeScope();
            Actions = experience.Actions.index_select(0, index).DetachFromDisposeScope();
        }

        public Tensor Inputs { get; }

        public Tensor Actions { get; }

        public PpoTargets Targets { get; }

        public double ExplainedVariance { get; }

        // The piece's rows, and their part of the whole.
        public (Tensor Inputs, Tensor Actions, PpoTargets Targets, double Weight) Piece(int piece, int pieces)
        {
            if (pieces == 1) return (Inputs, Actions, Targets, 1);
            var rows = Targets.Returns.Length;
            var from = (int)((long)rows * piece / pieces);
            var to = (int)((long)rows * (piece + 1) / pieces);
            return (Inputs[from..to], Actions[from..to],
                new(Targets.LogProbabilities[from..to], Targets.Values[from..to], Targets.Advantages[from..to],
                    Targets.Returns[from..to]), (double)(to - from) / rows);
        }

        public long Count { get; set; }

        public long StepsSkipped { get; set; }

        public IReadOnlyList<FinishedEpisode> Episodes { get; init; } = [];

        public IReadOnlyDictionary<string, double> Metrics => _metrics;

        public void Note(string name, double value) => _metrics[name] = value;

        public void Dispose()
        {
            Inputs.Dispose();
            Actions.Dispose();
        }
    }

    // A rollout and all that is computed from it once, at the parameters that acted.
    private sealed class Experience : IDisposable
    {
        private readonly Rollout _rollout;
        private readonly PpoTargets _all;

        public Experience(Model model, Rollout rollout, ActorCriticTask task)
        {
            _rollout = rollout;
            var distribution = task.Distribution;
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            Actions = ActionsOf(rollout, model.DType);
            var outputs = model.Outputs(model.Features(rollout.Inputs));
            var logs = distribution.Evaluate(outputs[ActorCritic.PolicyHead],
                distribution.DeviationSize > 0 ? outputs[ActorCritic.DeviationHead] : null, Actions).LogProbability;
            var values = Policy.Host(outputs[ActorCritic.ValueHead]);
            var bootstrap = Policy.Host(model.Forward(rollout.Row(rollout.Length), ActorCritic.ValueHead));
            var (returns, advantages) = (new float[rollout.Count], new float[rollout.Count]);
            ActorCritic.Targets(rollout, values, bootstrap, task.Options, returns, advantages);
            _all = new PpoTargets(Policy.Host(logs).ToArray(), values.ToArray(), advantages, returns);
            ExplainedVariance = ActorCritic.ExplainedVariance(returns, values);
        }

        public Experience(BinaryReader reader, ActorCriticTask task, Device device)
        {
            var options = task.Options;
            _rollout = new Rollout(options.RolloutLength, options.Environments, task.Spec.Observation, device,
                task.Distribution.ActionSize);
            _rollout.Load(reader);
            using var scope = NewDisposeScope();
            Actions = ActionsOf(_rollout, (ScalarType)reader.ReadInt32());
            _all = new PpoTargets(Read(), Read(), Read(), Read());
            ExplainedVariance = reader.ReadDouble();

            float[] Read()
            {
                var numbers = new float[options.BatchSize];
                for (var i = 0; i < numbers.Length; i++) numbers[i] = reader.ReadSingle();
                return numbers;
            }
        }

        public Tensor Inputs => _rollout.Inputs;

        // [B, K]
        public Tensor Actions { get; }

        public double ExplainedVariance { get; }

        public PpoTargets TargetsOf(int[] rows)
        {
            return new(Of(_all.LogProbabilities), Of(_all.Values), Of(_all.Advantages), Of(_all.Returns));

            float[] Of(float[] all) => Array.ConvertAll(rows, row => all[row]);
        }

        public void Save(BinaryWriter writer)
        {
            _rollout.Save(writer);
            writer.Write((int)Actions.dtype);
            foreach (var numbers in (float[][])[_all.LogProbabilities, _all.Values, _all.Advantages, _all.Returns])
                foreach (var number in numbers) writer.Write(number);
            writer.Write(ExplainedVariance);
        }

        public void Dispose()
        {
            Actions.Dispose();
            _rollout.Dispose();
        }

        private static Tensor ActionsOf(Rollout rollout, ScalarType type) =>
            tensor(rollout.RawActions, [rollout.Count, rollout.RawActions.Length / rollout.Count], type, rollout.Device)
                .DetachFromDisposeScope();
    }
}
