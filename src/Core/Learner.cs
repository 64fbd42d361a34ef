namespace RlLeap;

/// <summary>One task being learned by one model: batch, loss, backward, observers, update. Resumes exactly.</summary>
/// <remarks>
/// Training a single agent or classifier is this class and nothing else. A meta-learner adds where it starts and who
/// observes.
/// </remarks>
public sealed class Learner : IDisposable
{
    private readonly ITaskStream _stream;
    private long _saved; // gradient steps that a checkpoint has

    /// <summary>A learner from fresh parameters; it draws from <paramref name="rng"/>'s "model" and "stream".</summary>
    public Learner(ITask task, Network network, LearnerOptions options, Rng rng, Device? device = null,
        IPathObserver? observer = null, ScalarType dtype = ScalarType.Float32)
    {
        options = options.For(task.Info);
        (Task, Options, Observer) = (task, options, observer);
        if (!network.InputShape.AsSpan().SequenceEqual(task.Info.InputShape))
            throw new RlLeapException(
                $"{network.Name} takes inputs of {Shape.Text(network.InputShape)}, but {task.Info.Id} gives "
                    + $"{Shape.Text(task.Info.InputShape)}. Choose another network or another observation.");
        options.ParameterRoles?.RequireMatches(network, task.Info.Heads);
        Model = new Model(network, task.Info.Heads, dtype, device, options.ParameterRoles);
        if (Model.Parameters.Layout is { Count: > 0 } layout && layout.Groups().Count == 0)
            throw new RlLeapException($"{task.Info.Id} cannot be learned: the roles leave no parameter of "
                + $"{network.Name} and its heads adapted.");
        Model.Parameters.Differentiate(ParameterRole.Meta, wanted: false);
        Model.Initialize(rng.Split("model"));
        Optimizer = new VectorOptimizer(Model.Parameters, options.Optimizer, options.GradientSteps);
        _stream = task.Open(rng.Split("stream"), Model.Device);
        if (options.Stopping is { } stopping) Patience = new Patience(stopping.Patience);
    }

    /// <summary>The task.</summary>
    public ITask Task { get; }

    /// <summary>The task's stream, for scores.</summary>
    public ITaskStream Stream => _stream;

    /// <summary>How it learns.</summary>
    public LearnerOptions Options { get; }

    /// <summary>The model as it is now.</summary>
    public Model Model { get; }

    /// <summary>The update rule at work.</summary>
    public VectorOptimizer Optimizer { get; private set; }

    /// <summary>What is done to the gradient after it was observed, before the update, without grad; or null.</summary>
    public Action<Model>? GradientTransform { get; set; }

    /// <summary>Multiplies the rates of adapted parameters; before the first step and <see cref="Load"/>.</summary>
    /// <param name="factor">What the rate of an entry is multiplied with; 0 for an entry that stands still.</param>
    public void ScaleRates(Func<ParameterInfo, double> factor)
    {
        if (Step > 0) throw new InvalidOperationException("Rates are scaled before the first step.");
        Optimizer.Dispose();
        Optimizer = new VectorOptimizer(Model.Parameters, Options.Optimizer, Options.GradientSteps,
            Model.Parameters.Layout.Groups(entry =>
                entry.Role == ParameterRole.Adapted ? entry.Rate * factor(entry) : 0));
    }

    /// <summary>Gradient steps made.</summary>
    public long Step => Optimizer.Step;

    /// <summary>Units of experience seen (images, agent steps).</summary>
    public long Count { get; internal set; }

    internal IPathObserver? Observer { get; }

    internal Patience? Patience { get; }

    internal TrainingSummary Summary { get; } = new();

    /// <summary>Whether all steps are made, or <see cref="LearnerOptions.Stopping"/> has ended it before.</summary>
    public bool IsDone => Step >= Options.GradientSteps || Patience is { IsOver: true };

    /// <summary>The score that early stopping saw last, at the end that of the model as it is; NaN for none.</summary>
    public double LastValidation => Patience?.Last ?? double.NaN;

    /// <summary>
    /// Measures the network where learning starts and where it ends; null for not. Set it before the first step and
    /// before <see cref="Load"/>; the learner disposes it.
    /// </summary>
    public TrainingDiagnosis? Diagnosis { get; set; }

    /// <summary>Whether the next step has a <see cref="StepRecord.Diagnosis"/>; the step sets it back.</summary>
    public bool DiagnoseNext { get; set; }

    /// <summary>Makes one gradient step: batch, loss, backward, observer, update.</summary>
    /// <exception cref="DivergenceException">The loss is not finite and nothing was updated; or the gradient's norm is
    /// not.</exception>
    public StepRecord TrainStep()
    {
        using var scope = NewDisposeScope();
        using var batch = NextBatch();
        var loss = _stream.Loss(Model, batch);
        var value = loss.detach().to_type(ScalarType.Float64).item<double>();
        if (!double.IsFinite(value)) throw new DivergenceException(Task.Info.Id, Step, "loss", value);

        Model.Parameters.ZeroGradient();
        loss.backward();
        Observer?.Observe(Model.Parameters.Shared, Model.Parameters.SharedGradient, value);
        // After backward, because measuring changes the parameters for a moment. Before the update, so that the
        // parameters are those that the loss was computed with.
        var diagnosis = Diagnose(batch);
        var step = Step;
        if (GradientTransform is not null) using (no_grad()) GradientTransform(Model);
        Optimizer.Update();
        RequireFiniteGradient();
        if (batch.StepsSkipped > 0) Optimizer.Skip(batch.StepsSkipped);

        Count += batch.Count;
        Summary.Add(batch.Metrics, batch.Episodes);
        if (Patience is not null && (Step % Options.Stopping!.Every == 0 || Step == Options.GradientSteps))
            Patience.Add(Options.Stopping.Evaluate(_stream, Model, Task.Info.Id));
        return new StepRecord(step, value, batch.Count, batch.Metrics)
        {
            Episodes = batch.Episodes,
            Diagnosis = diagnosis,
        };
    }

    private NetworkDiagnosis? Diagnose(IBatch batch)
    {
        Diagnosis?.Observe(Model, batch, isLast: Step + 1 + batch.StepsSkipped >= Options.GradientSteps);
        var wanted = DiagnoseNext;
        DiagnoseNext = false;
        return wanted && batch.Inputs is { } inputs
            ? NetworkDiagnostics.Of(Model, inputs, NetworkDiagnostics.FreshNorms(Model)) : null;
    }

    private void RequireFiniteGradient()
    {
        if (Options.Optimizer.MaxGradientNorm > 0 && !double.IsFinite(Optimizer.GradientNorm))
            throw new DivergenceException(Task.Info.Id, Step - 1, "gradient norm", Optimizer.GradientNorm);
    }

    /// <summary>
    /// What the process contributes to a meta-step, by its observer. The metrics include <see cref="TrainingSummary"/>
    /// where batches have them, and the last validation score ("validation.error") with early stopping.
    /// </summary>
    public Contribution Contribute()
    {
        var contribution = (Observer ?? throw new InvalidOperationException("Nothing observed this learner."))
            .Contribute(Model.Parameters.Shared);
        var metrics = new Dictionary<string, double>(contribution.Metrics);
        Record(metrics);
        return contribution with { Metrics = metrics };
    }

    /// <summary>Adds what the learner has to say to <paramref name="metrics"/>; see <see cref="Contribute"/>.</summary>
    public void Record(IDictionary<string, double> metrics)
    {
        Summary.Record(metrics);
        Diagnosis?.Complete(Model);
        foreach (var (name, value) in Diagnosis?.Metrics ?? new Dictionary<string, double>()) metrics[name] = value;
        if (Options.Stopping is { } stopping) metrics[stopping.Metric] = LastValidation;
    }

    /// <summary>
    /// Looks at every parameter. A gradient that is not finite shows in the next step's loss; after the last step, or
    /// before that loss, only here.
    /// </summary>
    /// <exception cref="DivergenceException">A parameter is not finite.</exception>
    public void RequireFinite()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var largest = Model.Parameters.Flat.detach().abs().max().to_type(ScalarType.Float64).item<double>();
        if (!double.IsFinite(largest))
            throw new DivergenceException(Task.Info.Id, Step - 1, "largest parameter", largest);
    }

    /// <summary>Whether it resumes bit-identically: not where a stream cannot save its state (an emulator).</summary>
    public bool CanResumeExactly => _stream.CanSave;

    // A policy whose outputs are NaN or infinite chooses no action: learning has diverged.
    private IBatch NextBatch()
    {
        try { return _stream.NextBatch(Model); }
        catch (NotFiniteNumberException e)
        {
            throw new DivergenceException(Task.Info.Id, Step, e.Message, e.OffendingNumber);
        }
    }

    /// <summary>
    /// As <see cref="TrainStep()"/>, but calls <paramref name="save"/> before an exception of an environment that
    /// failed or hung, which leaves the learner as it was after its last gradient step.
    /// </summary>
    /// <remarks>
    /// Not where nothing was learned since the last checkpoint, nor where that one resumes to the bit: half a rollout
    /// has moved the stream.
    /// </remarks>
    public StepRecord TrainStep(Action? save)
    {
        try { return TrainStep(); }
        catch (RlLeapException e) when (save is not null && e is not DivergenceException && Step > _saved
            && !CanResumeExactly)
        {
            save();
            throw;
        }
    }

    /// <summary>All that goes on, by name, and notes of the caller's, which <see cref="Load"/> returns.</summary>
    /// <exception cref="DivergenceException">A parameter is not finite; nothing was written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? notes = null)
    {
        RequireFinite(); // a checkpoint would replace a good one by one that is lost
        LearnerCheckpoint.Write(this, path, notes);
        _saved = Step;
    }

    /// <summary>Goes on where it was saved: to the bit if <see cref="CanResumeExactly"/>, else afresh.</summary>
    /// <exception cref="RlLeapException">The file is damaged, or was saved by another network, task, optimizer or
    /// version of RlLeap.</exception>
    public IReadOnlyDictionary<string, string> Load(string path)
    {
        var notes = LearnerCheckpoint.Read(this, path);
        _saved = Step;
        return notes;
    }

    /// <summary>Disposes model, optimizer, stream and observer.</summary>
    public void Dispose()
    {
        _stream.Dispose();
        Observer?.Dispose();
        Diagnosis?.Dispose();
        Optimizer.Dispose();
        Model.Dispose();
    }
}
