using System.ComponentModel.DataAnnotations;

namespace RlLeap.MetaLearning;

/// <summary>Distillation: a small network learns what a large one says about the images, beside their labels.</summary>
/// <remarks>
/// <para>Hinton, Vinyals and Dean 2015, arXiv 1503.02531. With the teacher's logits v and the student's z:</para>
/// <code>
/// loss = (1 - weight) * cross-entropy(z, labels)  +  weight * T^2 * KL(softmax(v / T) | softmax(z / T))
/// </code>
/// <para>
/// A meta-step trains the teachers of its tasks, as large as <see cref="MetaLearnerContext.Teacher"/>. Learning a task
/// of the pool from what was learned is training its student, which starts from random parameters. So against
/// <c>none</c> it is the same student, with and without its teacher.
/// </para>
/// </remarks>
public sealed record DistillationOptions : MetaLearningMethod
{
    /// <summary>T: divides both networks' logits. The higher, the softer what the teacher says.</summary>
    [Range(0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double Temperature { get; init; } = 4;

    /// <summary>Weight of what the teacher says; the labels have the rest. With 0 the student learns plainly.</summary>
    [Range(0, 1)]
    public double Weight { get; init; } = 0.7;

    public override string Name => "distillation";

    protected override void Check(MetaLearnerContext context) =>
        context.RequireDistinctTasks("distillation keeps one teacher for each task");

    protected override IMetaLearner Open(MetaLearnerContext context) => new Distillation(this, context);

    /// <summary>The loss of a student's logits [N, classes].</summary>
    /// <param name="student">The student's logits.</param>
    /// <param name="teacher">The teacher's logits; no gradient goes to them.</param>
    /// <param name="labels">[N] class numbers.</param>
    public Tensor Loss(Tensor student, Tensor teacher, Tensor labels)
    {
        var plain = F.cross_entropy(student, labels);
        if (Weight == 0) return plain;
        using Scalar temperature = Temperature, hard = 1 - Weight, soft = Weight * Temperature * Temperature;
        var (said, log) = (softmax(teacher.detach() / temperature, 1), F.log_softmax(student / temperature, 1));
        var divergence = F.kl_div(log, said, log_target: false, reduction: nn.Reduction.Sum) / student.size(0);
        return plain * hard + divergence * soft;
    }
}

/// <summary>Trains a teacher for each task, and students by them.</summary>
internal sealed class Distillation : MetaLearner
{
    private readonly DistillationOptions _options;
    private readonly Dictionary<string, Learner> _teachers = [];

    public Distillation(DistillationOptions options, MetaLearnerContext context) : base(options, context, null)
    {
        _options = options;
        foreach (var task in context.Pool)
        {
            var learning = context.Learner.For(task.Info);
            _teachers[task.Info.Id] = new Learner(
                new PrivateHeadsTask(task), context.Teacher ?? context.Network,
                learning with { GradientSteps = Math.Max(1, context.MetaSteps) * learning.GradientSteps },
                context.Rng.Split("teacher." + task.Info.Id), context.Device, dtype: context.DType);
        }
    }

    /// <summary>The teacher of a task of the pool.</summary>
    public Model TeacherOf(string task) => _teachers[task].Model;

    /// <summary>A student of a task's teacher; a task without a teacher is learned plainly.</summary>
    public override Learner Begin(ITask task, LearnerOptions options, Rng rng) => new(
        _teachers.TryGetValue(task.Info.Id, out var teacher) && _options.Weight > 0
            ? new DistillationTask(task, teacher.Model, _options) : task,
        Context.Network, options, rng, Context.Device, dtype: Context.DType);

    public override void Dispose()
    {
        foreach (var teacher in _teachers.Values) teacher.Dispose();
        base.Dispose();
    }

    protected override MetaStepRecord Step(
        IReadOnlyList<ITask> batch, IReadOnlyList<TaskJob> jobs, IExecutor executor, CancellationToken cancellation)
    {
        if (batch.FirstOrDefault(task => !_teachers.ContainsKey(task.Info.Id)) is { } unknown)
            throw new RlLeapException(
                $"{unknown.Info.Id} is not in the pool that distillation was set up with, so it has no teacher.");
        using var scope = NewDisposeScope();
        var before = State();
        try
        {
            return new MetaStepRecord(MetaSteps, [.. jobs.Select(job => Train(job, cancellation))], [], 0);
        }
        catch
        {
            Restore(name => before[name]);
            throw;
        }
    }

    protected override Dictionary<string, Tensor> Export(Dictionary<string, string> notes) => State();

    protected override void Import(MetaCheckpoint checkpoint) =>
        Restore(name => checkpoint[name]);

    private TaskRecord Train(TaskJob job, CancellationToken cancellation)
    {
        var teacher = _teachers[job.TaskId];
        var before = teacher.Step;
        var metrics = LearnerState.Train(teacher, job.Learner.GradientSteps, cancellation, untilDone: true);
        return new TaskRecord(job.TaskId, job.Seed, teacher.Step - before, metrics);
    }

    private Dictionary<string, Tensor> State() => new(
        _teachers.SelectMany(teacher => LearnerState.Of(teacher.Value, PrefixOf(teacher.Key))));

    private void Restore(Func<string, Tensor> state)
    {
        foreach (var (id, teacher) in _teachers) LearnerState.Restore(teacher, state, PrefixOf(id));
    }

    private static string PrefixOf(string task) => $"teacher:{task}:";
}

/// <summary>A classification task whose labels are joined by what a teacher says.</summary>
/// <param name="inner">The task.</param>
/// <param name="teacher">A model with the task's head. A stream copies it as it is.</param>
/// <param name="options">Temperature and weight.</param>
public sealed class DistillationTask(ITask inner, Model teacher, DistillationOptions options) : ITask
{
    public TaskInfo Info => inner.Info;

    public ITaskStream Open(Rng rng, Device device)
    {
        // A copy: learners on other threads ask the same teacher.
        return new Stream(inner.Open(rng, device), teacher.ForEvaluation(device), options);
    }

    private sealed class Stream(ITaskStream inner, Model teacher, DistillationOptions options)
        : StreamWrapper(inner)
    {
        public override Tensor Loss(Model model, IBatch batch)
        {
            var images = LabelledBatch.Require(batch, "distillation");
            var logits = model.Output(images.Inputs);
            images.RecordError(logits);
            Tensor said;
            using (no_grad()) said = teacher.Output(images.Inputs);
            return options.Loss(logits, said, images.Labels);
        }

        public override void Dispose()
        {
            base.Dispose();
            teacher.Dispose();
        }
    }
}
