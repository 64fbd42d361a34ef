namespace RlLeap.MetaLearning;

/// <summary>The steps that warps make at stored points of one task, or of several, in a drawn order.</summary>
/// <remarks>
/// Every point takes new batches from a stream that its task's seed opens. So the result depends on points and seeds
/// alone, and one task has the same result here as in a pass over all tasks that it is alone in.
/// </remarks>
internal sealed class WarpPass(WarpOptions options, TaskJob first, int round = 0)
{
    private readonly List<(Work Work, float[] Point, long Step)> _points = [];
    private readonly OptimizerOptions _sgd = new() { LearningRate = options.Rate };

    private sealed record Work(ITask Task, Model Model, TaskJob Job);

    /// <summary>A model of a task where a meta-step starts. The caller disposes it.</summary>
    public static Model ModelOf(MetaInitialization start, ITask task, TaskJob job)
    {
        var (dtype, device) = (start.Shared.Flat.dtype, start.Shared.Flat.device);
        var model = new Model(start.Network, task.Info.Heads, dtype, device, job.Learner.ParameterRoles);
        start.ApplyTo(model);
        return model;
    }

    /// <summary>Moves a model's warps by a displacement, as <see cref="Run"/> gives it.</summary>
    public static void Move(Model model, double[] displacement)
    {
        using var scope = NewDisposeScope();
        var groups = Moved(model.Parameters.Layout);
        if (groups.Count > 0) Write(model, groups, Read(model, groups) - tensor(displacement));
    }

    /// <summary>Adds the points of a task.</summary>
    /// <param name="model">A model of it, at the warps to start from; the pass writes to it.</param>
    /// <param name="points">Adapted numbers at the stored points, first to last.</param>
    /// <param name="job">The task's job; null for that of the first.</param>
    public void Add(ITask task, Model model, IReadOnlyList<float[]> points, TaskJob? job = null)
    {
        var work = new Work(task, model, job ?? first);
        _points.AddRange(points.Select((point, i) => (work, point, (long)i * options.KeepEvery)));
    }

    /// <summary>Makes the steps. All models end at the same warps.</summary>
    /// <returns>The warps at the start minus those at the end, in float64.</returns>
    public double[] Run(CancellationToken cancellation)
    {
        if (Moved(_points[0].Work.Model.Parameters.Layout).Count == 0) return [];
        using var scope = NewDisposeScope();
        var works = _points.Select(point => point.Work).Distinct().ToList();
        var streams = works.ToDictionary(work => work, work =>
            work.Task.Open(Draws(work.Job).Split("stream"), work.Model.Device));
        var meta = Moved(works[0].Model.Parameters.Layout);
        var start = Read(works[0].Model, meta);
        var at = works[0];
        var isFirst = true;
        try
        {
            foreach (var work in works) work.Model.Parameters.Differentiate(ParameterRole.Meta, wanted: true);
            foreach (var i in Draws(first).Split("order").Permutation(_points.Count))
            {
                cancellation.ThrowIfCancellationRequested();
                var (work, point, step) = _points[i];
                if (work != at) Write(work.Model, meta, Read(at.Model, meta));
                at = work;
                Write(work.Model, work.Model.Parameters.Layout.Groups(), tensor(point));
                Gradient(work, streams[work], step, isFirst);
                isFirst = false;
                using var optimizer = new VectorOptimizer(work.Model.Parameters, _sgd, groups: meta);
                optimizer.Update();
            }
            using var _ = no_grad();
            return (start - Read(at.Model, meta)).cpu().data<double>().ToArray();
        }
        finally
        {
            foreach (var stream in streams.Values) stream.Dispose();
        }
    }

    /// <summary>A contribution with a displacement in the place of its meta parameters.</summary>
    public Contribution Displace(Contribution contribution, double[] displacement) =>
        Displace(_points[0].Work.Model.Parameters.Layout, contribution, displacement);

    /// <summary>A contribution of a layout with a displacement in the place of its meta parameters.</summary>
    public static Contribution Displace(ParameterLayout layout, Contribution contribution, double[] displacement)
    {
        var (gradient, at) = (contribution.MetaGradient.ToArray(), 0L);
        foreach (var group in Moved(layout))
        {
            Array.Copy(displacement, at, gradient, group.Start, group.Count);
            at += group.Count;
        }
        return contribution with { MetaGradient = gradient };
    }

    private Rng Draws(TaskJob job)
    {
        var own = new Rng(job.Seed).Split("warp");
        return round == 0 ? own : own.Split("round", round);
    }

    /// <summary>The displacement in a contribution.</summary>
    public static double[] DisplacementOf(ParameterLayout layout, Contribution contribution) =>
        [.. Moved(layout).SelectMany(group =>
            contribution.MetaGradient.AsSpan((int)group.Start, (int)group.Count).ToArray())];

    // Step sizes are learned from the path.
    private static IReadOnlyList<ParameterGroup> Moved(ParameterLayout layout) => layout.Groups(entry =>
        entry is { Role: ParameterRole.Meta, Shared: true } && !PathRates.Is(entry) ? 1 : 0);

    /// <summary>Leaves the gradient of the objective at a model's point in its gradient buffer.</summary>
    private void Gradient(Work work, ITaskStream stream, long step, bool isFirst)
    {
        using var scope = NewDisposeScope();
        var model = work.Model;
        using var batch = stream.NextBatch(model);
        if (!options.Exact)
        {
            var loss = stream.Loss(model, batch);
            Require(loss, work.Job.TaskId, step);
            model.Parameters.ZeroGradient();
            loss.backward();
            return;
        }
        var here = model.At(model.Parameters.Views);
        var inner = stream.Loss(here, batch);
        Require(inner, work.Job.TaskId, step);
        if (isFirst) InnerUpdateMethod.RequireDifferentiable(inner, work.Job.TaskId, step: 0);
        var next = InnerStep(model, inner, work.Job.Learner.Optimizer.RateAt(step, work.Job.Learner.GradientSteps));
        var after = model.At(next);
        using var other = stream.NextBatch(after);
        var outer = stream.Loss(after, other);
        Require(outer, work.Job.TaskId, step);
        model.Parameters.ZeroGradient();
        outer.backward();
    }

    // One step of SGD on the adapted entries, with its graph.
    private static Tensor[] InnerStep(Model model, Tensor loss, double rate)
    {
        var entries = model.Parameters.Layout.Entries;
        var factor = PathRates.Factors(model.Parameters);
        Tensor[] next = [.. model.Parameters.Views];
        int[] adapted = [.. Enumerable.Range(0, next.Length)
            .Where(i => entries[i] is { Role: ParameterRole.Adapted, Rate: > 0 })];
        var gradients = autograd.grad([loss], [.. adapted.Select(i => next[i])], retain_graph: true, create_graph: true,
            allow_unused: true);
        for (var k = 0; k < adapted.Length; k++)
            if (gradients[k] is { IsInvalid: false } gradient)
                next[adapted[k]] = next[adapted[k]] - gradient
                    * (rate * entries[adapted[k]].Rate * factor(entries[adapted[k]]));
        return next;
    }

    private static void Require(Tensor loss, string task, long step)
    {
        var value = loss.detach().to_type(ScalarType.Float64).item<double>();
        if (!double.IsFinite(value)) throw new DivergenceException(task, step, "loss at a stored point", value);
    }

    private static Tensor Read(Model model, IReadOnlyList<ParameterGroup> groups)
    {
        using var _ = no_grad();
        var flat = model.Parameters.Flat.detach();
        // The cat of one tensor is that tensor.
        return cat([.. groups.Select(group => flat.narrow(0, group.Start, group.Count))])
            .to(ScalarType.Float64, copy: true);
    }

    private static void Write(Model model, IReadOnlyList<ParameterGroup> groups, Tensor values)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (flat, at) = (model.Parameters.Flat.detach(), 0L);
        foreach (var group in groups)
        {
            flat.narrow(0, group.Start, group.Count).copy_(values.narrow(0, at, group.Count));
            at += group.Count;
        }
    }
}
