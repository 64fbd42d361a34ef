using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.MetaLearning;

/// <summary>The meta-learner of every method whose meta-step is a map and a reduce: train each task from the shared initialization, average what they contribute, move.</summary>
/// <remarks>Contributions are summed in float64 in the order of the batch, so neither the number of workers nor the order in which they finish changes a bit.</remarks>
internal sealed class MapReduceMetaLearner : IMetaLearner
{
    private readonly PerTaskMethod _method;
    private readonly MetaLearnerContext _setting;
    private readonly VectorOptimizer _optimizer;

    public MapReduceMetaLearner(PerTaskMethod method, MetaLearnerContext setting)
    {
        (_method, _setting) = (method, setting);
        Initialization = new MetaInitialization(setting.Network, setting.SharedHeads, setting.DType, setting.Device);
        Initialization.Draw(setting.Rng.Split("initialization"));
        _optimizer = new VectorOptimizer(Initialization.Shared, setting.MetaOptimizer, setting.MetaSteps);
    }

    public MetaLearningMethod Method => _method;

    public long MetaSteps => _optimizer.Step;

    public MetaInitialization Initialization { get; }

    public MetaStepRecord MetaStep(IReadOnlyList<ITask> batch, IExecutor executor, CancellationToken cancellation = default)
    {
        if (batch.Count == 0) throw new RlLeapException("A meta-step needs at least one task; the batch is empty.");
        var number = MetaSteps;
        var works = batch.Select((task, i) => new TaskJob
        {
            TaskId = task.Info.Id,
            Seed = (long)(_setting.Rng.Split("meta-step", number).Split("task", i).NextUInt64() >> 1),
            MetaStep = number,
            Index = i,
            Method = _method,
            Learner = _setting.Learner.For(task.Info),
        }).ToList();
        var outcomes = executor.Map(new MetaStepWork(number, Initialization, works),
            (work, hooks, stop) => TaskRun.Execute(work, batch[work.Index], Initialization, hooks, stop), cancellation);
        var diverged = outcomes.Where(outcome => outcome.Contribution is null).ToList();
        if (diverged.Count > _setting.MaxDiverged * batch.Count || diverged.Count == batch.Count)
            throw new RlLeapException($"Meta-step {number}: {diverged.Count} of {batch.Count} tasks diverged (at most {_setting.MaxDiverged:P0} may): "
                + string.Join(" ", diverged.Take(3).Select(outcome => $"[seed {outcome.Work.Seed}] {outcome.Failure}")));
        var contributions = outcomes.Where(outcome => outcome.Contribution is not null).Select(outcome => outcome.Contribution!).ToList();
        foreach (var contribution in contributions)
            if (contribution.MetaGradient.Length != Initialization.Shared.Layout.SharedCount)
                throw new RlLeapException($"The method {_method.Name}{PluginFault.Place(_method.GetType())} returned a meta-gradient of {contribution.MetaGradient.Length} "
                    + $"numbers for {contribution.TaskId}, where the initialization has {Initialization.Shared.Layout.SharedCount}.");
        var norm = Descend(Average(contributions));
        return new MetaStepRecord(number,
            [.. outcomes.Where(o => o.Contribution is not null).Select(o => new TaskRecord(o.Work.TaskId, o.Work.Seed, o.Contribution!.Steps, o.Contribution.Metrics))], diverged, norm);
    }

    public Learner Begin(ITask task, LearnerOptions options, Rng rng) => Initialization.Begin(task, options, rng);

    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        var tensors = Initialization.Export();
        tensors.Add("meta.optimizer", tensor(_optimizer.SaveState()));
        SafeTensors.Write(path, tensors, new Dictionary<string, string>
        {
            ["method"] = _method.Name, ["network"] = _setting.Network.Name, ["meta-steps"] = MetaSteps.ToString(CultureInfo.InvariantCulture),
        });
    }

    public void Load(string path)
    {
        using var scope = NewDisposeScope();
        var (tensors, notes) = SafeTensors.Read(path);
        if (notes.GetValueOrDefault("method") != _method.Name || !tensors.TryGetValue("meta.optimizer", out var optimizer))
            throw new RlLeapException($"{path} is a checkpoint of {notes.GetValueOrDefault("method") ?? "something else"}, not of {_method.Name}.");
        Initialization.Import(tensors, path);
        _optimizer.RestoreState(optimizer.data<byte>().ToArray());
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        Initialization.Dispose();
    }

    /// <summary>The mean of the directions, summed in float64 in the order given.</summary>
    internal static double[] Average(IReadOnlyList<Contribution> contributions)
    {
        var mean = new double[contributions[0].MetaGradient.Length];
        foreach (var contribution in contributions)
            for (var i = 0; i < mean.Length; i++) mean[i] += contribution.MetaGradient[i];
        for (var i = 0; i < mean.Length; i++) mean[i] /= contributions.Count;
        return mean;
    }

    private double Descend(double[] gradient)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Initialization.Shared.ZeroGradient();
        Initialization.Shared.SharedGradient.copy_(tensor(gradient));
        _optimizer.Update();
        double squares = 0;
        foreach (var value in gradient) squares += value * value;
        return Math.Sqrt(squares);
    }
}
