namespace RlLeap.MetaLearning;

/// <summary>More rounds of local passes: tasks go over their points from the averaged warps, again averaged.</summary>
internal static class WarpRounds
{
    /// <summary>The contributions, each with the displacement of all rounds together.</summary>
    /// <remarks>Averages are taken in float64 in the order of the batch: no bit depends on the threads.</remarks>
    public static IReadOnlyList<Contribution> Run(
        WarpOptions options, MetaInitialization start, IReadOnlyList<TrainedTask> trained,
        CancellationToken cancellation)
    {
        var layout = start.Shared.Layout;
        var total = Mean([.. trained.Select(task => WarpPass.DisplacementOf(layout, task.Contribution))]);
        var displacements = new double[trained.Count][];
        using var pool = new WorkerPool(Environment.ProcessorCount, "warp", maxCount: trained.Count);
        for (var round = 1; round < options.Rounds; round++)
        {
            var (from, number) = (total, round);
            pool.ForEach([.. Enumerable.Range(0, trained.Count)], (i, stop) =>
            {
                var (task, job, contribution) = trained[i];
                using var model = WarpPass.ModelOf(start, task, job);
                WarpPass.Move(model, from);
                var pass = new WarpPass(options, job, number);
                pass.Add(task, model, contribution.Points!);
                displacements[i] = pass.Run(stop);
            }, cancellation);
            total = [.. total.Zip(Mean(displacements), (sum, more) => sum + more)];
        }
        return [.. trained.Select(task =>
            WarpPass.Displace(layout, task.Contribution with { Points = null }, total))];
    }

    private static double[] Mean(IReadOnlyList<double[]> displacements)
    {
        var mean = new double[displacements[0].Length];
        foreach (var displacement in displacements)
            for (var i = 0; i < mean.Length; i++) mean[i] += displacement[i] / displacements.Count;
        return mean;
    }
}
