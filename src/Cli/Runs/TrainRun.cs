using System.Diagnostics;
using RlLeap.Agents;
using TorchSharp;

namespace RlLeap.Cli.Runs;

/// <summary>Trains an agent in a run's folder: metrics, evaluations, checkpoints, model and result.</summary>
/// <remarks>
/// All that it writes but run.log and events/ is a function of the config on one kind of machine, however often it was
/// stopped and resumed; except where the environment cannot be saved (an emulator): then a resume starts fresh episodes
/// and the result's record says so.
/// </remarks>
public sealed class TrainRun : IDisposable
{
    private const string LearnerFile = "learner.safetensors", EvaluateFirst = "evaluate-first";
    public const string ModelFile = "model.safetensors";

    private readonly TrainConfig _config;
    private readonly RunDirectory _run;
    private readonly ActorCriticTask _task;
    private readonly Learner _learner;
    private readonly Rng _rng;
    private bool _evaluateFirst, _toldOfOutside;

    /// <summary>A run at its beginning, or where its newest whole checkpoint is.</summary>
    public TrainRun(TrainConfig config, RunDirectory run)
    {
        (_config, _run) = (config, run);
        _rng = new Rng(config.Run.Seed);
        (_task, _learner) = Open(config);
        if (run.Restored is { } checkpoint) Restore(checkpoint);
        else if (config.From is { } from) StartFrom(from);
        if (run.HasAcceptedChanges) Save(_evaluateFirst);
    }

    private static ActorCriticTask TaskOf(TrainConfig config) =>
        new(config.Environment, config.Agent.Checked(), config.EnvironmentThreads, config.Workers ?? 1);

    /// <summary>What a config trains, at its beginning. No environment is stepped yet.</summary>
    /// <exception cref="RlLeapException">The environment, network, optimizer or device cannot be had, or do not fit one
    /// another.</exception>
    public static (ActorCriticTask Task, Learner Learner) Open(TrainConfig config)
    {
        var task = TaskOf(config);
        return (task, new Learner(task, task.CreateNetwork(), task.LearnerOptions(config.AgentSteps),
            new Rng(config.Run.Seed).Split("learner"), Devices.Open(config.Run.Device)));
    }

    /// <summary>The same as a new run begins: from the parameters of another run where the config says so.</summary>
    /// <exception cref="RlLeapException">As <see cref="Open"/>; or the other run is not finished or does not fit.
    /// </exception>
    public static (ActorCriticTask Task, Learner Learner) OpenNew(TrainConfig config)
    {
        var opened = Open(config);
        opened.Learner.DisposeOnError(learner =>
        {
            if (config.From is not { } from) return;
            using var start = new WarmStart(from);
            start.ApplyTo(learner.Model, config.Environment);
        });
        return opened;
    }

    /// <summary>Trains to the end, or until <paramref name="stop"/>: then a checkpoint is saved first.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <exception cref="DivergenceException">A loss or gradient is not finite; the checkpoints are kept.</exception>
    public Result Execute(CancellationToken stop)
    {
        var total = _learner.Options.GradientSteps * _task.Options.BatchSize / _task.Options.UpdatesPerRollout;
        var stream = (IAgentStream)_learner.Stream;
        var metrics = new TrainMetrics(_learner, _run.Metrics);
        Log.Information("{Task}: {Network}, {Count} parameters, {Steps} agent steps", _task.Info.Id,
            _learner.Model.Network.Name, _learner.Model.Parameters.Layout.Count, total);
        foreach (var (name, value) in _task.Spec.Options)
            Log.Information("{Task}: {Option} = {Value}", _task.Info.Id, name, value);

        using (var progress = new Progress(_task.Info.Id, total, "agent steps", _learner.Count))
        {
            var (clock, reported, last) = (Stopwatch.StartNew(), _learner.Count, TimeSpan.Zero);
            if (_evaluateFirst && !_learner.IsDone && !Evaluate(_learner.Count, progress, stop))
                Leave(stop, evaluationPending: true);
            while (!_learner.IsDone)
            {
                if (stop.IsCancellationRequested) Leave(stop);
                var before = _learner.Count;
                // A rollout's agent steps count with its last batch, so only that batch can cross a distance.
                var isLast = _task.Options.UpdatesPerRollout == 1 || stream.BatchesLeft == 1;
                var next = isLast ? before + _task.Options.BatchSize : before;
                _learner.DiagnoseNext = next / _config.Record.Every != before / _config.Record.Every
                    || _learner.Step == _learner.Options.GradientSteps - 1;
                var step = TrainStep();
                TellOfOutside(stream);
                var now = _learner.Count;
                if (_config.Record.Episodes) metrics.WriteEpisodes(before, step);
                if (Crosses(_config.Record.Every) || _learner.IsDone)
                {
                    metrics.Write(now, step);
                    _run.Times.Write(new Row("train", now,
                        ("charts/SPS", (now - reported) / Math.Max(1e-9, (clock.Elapsed - last).TotalSeconds))));
                    (reported, last) = (now, clock.Elapsed);
                    progress.Report(now, metrics.Note(step));
                    metrics.WriteDiagnosis(now, step);
                }
                if (!_learner.IsDone && _config.Record.EvaluateEvery > 0 && Crosses(_config.Record.EvaluateEvery)
                    && !Evaluate(now, progress, stop)) Leave(stop, evaluationPending: true);
                if (!_learner.IsDone && Crosses(_config.Record.CheckpointEvery)) Save();

                bool Crosses(long every) => now / every != before / every;
            }
            // Saved before the last evaluation: if the run is stopped from here on, a resume repeats no training.
            Save();
            if (!Evaluate(_learner.Count, progress, stop)) stop.ThrowIfCancellationRequested();
        }
        if (LastEvaluation is not null) Console.WriteLine(LastEvaluation);
        return Finish(stream);
    }

    /// <summary>A training's name among methods: its agent's preset. Leap's preset is not the method.</summary>
    internal static string MethodOf(TrainConfig config) =>
        config.Agent.Preset == "leap" ? "leap-preset" : config.Agent.Preset;

    /// <summary>Frees the learner; the folder stays the caller's.</summary>
    public void Dispose() => _learner.Dispose();

    // Said once: an environment that leaves its space once does so often.
    private void TellOfOutside(IAgentStream stream)
    {
        if (_toldOfOutside || stream.BatchesLeft > 0 || stream.OutOfSpace.First is not { } first) return;
        _toldOfOutside = true;
        Log.Warning("{Task}: {First}. Observations outside their space are counted; training goes on", _task.Info.Id,
            first);
    }

    private StepRecord TrainStep()
    {
        try { return _learner.TrainStep(() => SaveAfterFailure(evaluationPending: false)); }
        catch (DivergenceException e)
        {
            Log.Error("{Message} (agent step {Step})", e.Message, _learner.Count);
            throw;
        }
    }

    private void SaveAfterFailure(bool evaluationPending)
    {
        Save(evaluationPending);
        Log.Error("an environment failed; saved at agent step {Step}, go on with --resume {Run}",
            _learner.Count, _run.Root);
    }

    /// <summary>What the last evaluation came to, in words; null before the first.</summary>
    public string? LastEvaluation { get; private set; }

    // False when it was cut short.
    private bool Evaluate(long now, Progress progress, CancellationToken stop)
    {
        if (_config.Record.EvaluationEpisodes == 0) return true;
        TrainEvaluation evaluation;
        try
        {
            evaluation = TrainEvaluation.Play(_config, _task, _learner, _rng.Split("evaluation", now), progress, stop);
        }
        catch (EnvironmentException) when (!_learner.IsDone)
        {
            SaveAfterFailure(evaluationPending: true);
            throw;
        }
        if (stop.IsCancellationRequested) return false;
        LastEvaluation = evaluation.ToString();
        Log.Information("{Evaluation}", LastEvaluation);
        _run.Metrics.Write(evaluation.Row(now));
        return true;
    }

    private void Save(bool evaluationPending = false) => _run.SaveCheckpoint(_learner.Count, folder =>
    {
        _learner.Save(Path.Combine(folder, LearnerFile));
        SaveModel(Path.Combine(folder, ModelFile));
        if (evaluationPending)
            File.WriteAllText(Path.Combine(folder, EvaluateFirst), "an evaluation was cut short here\n");
    });

    private void SaveModel(string path)
    {
        using var scope = torch.NewDisposeScope();
        SafeTensors.Write(path, _learner.Model.Export().Select(p => KeyValuePair.Create(p.Name, p.Value)),
            new Dictionary<string, string>
            {
                ["task"] = _task.Info.Id, ["network"] = _learner.Model.Network.Name,
                ["agent-steps"] = $"{_learner.Count}",
            });
    }

    // A checkpoint is saved at once, so that the run no longer depends on the other one.
    private void StartFrom(string folder)
    {
        using var start = new WarmStart(folder);
        start.ApplyTo(_learner.Model, _config.Environment);
        _run.History.Add(RunHistory.StartedFrom, 0, start.Text);
        Save();
    }

    private void Restore(Checkpoint checkpoint)
    {
        _evaluateFirst = File.Exists(checkpoint.PathOf(EvaluateFirst));
        _learner.Load(checkpoint.PathOf(LearnerFile));
        if (_learner.CanResumeExactly) return;
        var note = $"resumed at agent step {_learner.Count} with fresh episodes: {_task.Info.Id} cannot be saved, so "
            + "the run is not bit-identical to an uninterrupted one";
        Log.Warning("{Note}", note);
        _run.History.Add(RunHistory.Resumed, _learner.Count, note);
    }

    private void Leave(CancellationToken stop, bool evaluationPending = false)
    {
        Save(evaluationPending);
        Log.Warning("stopped at agent step {Step}", _learner.Count);
        stop.ThrowIfCancellationRequested();
    }

    private Result Finish(IAgentStream stream)
    {
        SaveModel(_run.PathOf(ModelFile));
        var curve = RecordedCurve.Read(_run.PathOf(RunDirectory.MetricsName), _config.Record, EpisodeWindow.Size,
            bad => Log.Warning("{Line}", bad));
        var record = new Dictionary<string, string>
        {
            ["network"] = _learner.Model.Network.Name,
            ["agent-steps"] = $"{_learner.Count}",
            ["gradient-steps"] = $"{_learner.Step}",
            ["episodes"] = $"{stream.Episodes.Count}",
            ["mean-return-last-100"] = $"{stream.Episodes.MeanReturn}",
        };
        if (stream.OutOfSpace.Count > 0)
        {
            record["observations-outside-their-space"] = $"{stream.OutOfSpace.Count}";
            record["first-observation-outside"] = stream.OutOfSpace.First!;
            Log.Warning("{Count} observations were outside their space", stream.OutOfSpace.Count);
        }
        foreach (var (name, value) in _task.Spec.Options) record["environment." + name] = value;
        var result = _run.Complete(curve.ResultOf(_config, Path.GetFileName(_run.Root), record));
        Log.Information("done: {Return} (mean of the last 100 episodes)", TrainMetrics.ReturnOf(stream.Episodes));
        return result;
    }
}
