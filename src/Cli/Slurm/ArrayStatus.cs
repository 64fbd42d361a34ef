namespace RlLeap.Cli.Slurm;

/// <summary>A task specified by a folder's NNNN.task; its result will be NNNN.outcome there.</summary>
internal sealed record TaskUnit(int Index, string Label, string Input)
{
    public static string SpecName(int index) => $"{index:D4}.task";

    public static string ResultName(int index) => $"{index:D4}.outcome";
}

/// <summary>How far an array is.</summary>
/// <param name="Running">Tasks that run, with their nodes and the number of the job that each is in.</param>
internal sealed record ArrayStatus(int Queued, string Reason,
    IReadOnlyList<(TaskUnit Task, string Node, int Job)> Running, int Done, int Retried)
{
    public override string ToString()
    {
        var nodes = string.Join(' ', Running.Select(r => r.Node).Distinct().Order(StringComparer.Ordinal));
        return $"{Queued} queued{(Queued > 0 && Reason is not ("" or "None") ? $" ({Reason})" : "")}, "
            + $"{Running.Count} running{(nodes.Length > 0 ? $" on {nodes}" : "")}, {Done} done"
            + $"{(Retried > 0 ? $", {Retried} retried" : "")}";
    }
}
