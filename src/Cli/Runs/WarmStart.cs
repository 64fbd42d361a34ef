using RlLeap.Cli.MetaTraining;
using TorchSharp;
using static TorchSharp.torch;

namespace RlLeap.Cli.Runs;

/// <summary>The parameters of a finished run, of train or meta-train, for a run that starts from them.</summary>
/// <remarks>
/// Parameters and buffers alone: the optimizer, its schedule and all counters of the new run start afresh. Heads that
/// each task has of its own are drawn anew, but from one training to another they are taken over.
/// </remarks>
internal sealed class WarmStart : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly string _folder;
    private readonly string _network;
    private readonly bool _isAgent;
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;
    private readonly IReadOnlyList<string> _learned;

    /// <summary>Reads what a finished run learned.</summary>
    /// <exception cref="RlLeapException">There is no run, it is not finished, or it is damaged.</exception>
    public WarmStart(string folder)
    {
        _folder = folder;
        _isAgent = !ConfigFile.IsMetaTrain(folder);
        if (_isAgent) RunDirectory.RequireComplete(folder, "nothing can start from it");
        else TrainedInitialization.RequireFinished(folder);
        RunChanges.RequireOwnConfig(folder);
        var path = Path.Combine(folder, _isAgent ? TrainRun.ModelFile : TrainedInitialization.FileName);
        if (!File.Exists(path))
            throw new RlLeapException($"{path} is gone: bring it back, or run the training again in another folder.");
        (_tensors, var notes) = SafeTensors.Read(path);
        _network = notes.GetValueOrDefault("network") ?? "its network";
        _learned = _isAgent ? [ConfigFile.LoadRun<TrainConfig>(folder).Environment]
            : [.. ConfigFile.LoadRun<MetaTrainConfig>(folder).Games?.Pretraining ?? []];
        var count = notes.GetValueOrDefault(_isAgent ? "agent-steps" : "meta-steps") ?? "?";
        Text = $"{folder}, {(_isAgent ? "train" : "meta-train")}: {Path.GetFileName(path)} after {count} "
            + $"{(_isAgent ? "agent steps" : "meta-steps")} (SHA-256 {FileHash.Of(path)[..12]})";
    }

    /// <summary>What was started from, for the run's record.</summary>
    public string Text { get; }

    /// <summary>What the name of a folder says of it: "-from-first"; nothing where a run starts afresh.</summary>
    public static string Tail(string? folder) => folder is null ? ""
        : "-from-" + Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    /// <summary>Puts an agent at what was learned; from a meta-training, own heads stay as drawn.</summary>
    /// <exception cref="RlLeapException">They do not fit; names the first difference.</exception>
    public void ApplyTo(Model model, string environment)
    {
        var heads = model.Heads.Where(head => !head.Shared).Select(head => head.Name).ToHashSet();
        Require(model.Network, model.Parameters.Layout, model.Buffers.Layout, heads, environment);
        model.Import(_tensors);
    }

    /// <summary>Puts an initialization at what was learned, of which it takes what tasks share.</summary>
    /// <exception cref="RlLeapException">They do not fit, or the method cannot start so.</exception>
    public void ApplyTo(IMetaLearner learner, IReadOnlyList<ITask> pool)
    {
        var heads = pool.SelectMany(task => task.Info.Heads).Select(head => head.Name).ToHashSet();
        var to = learner.Initialization;
        Require(to.Network, to.Shared.Layout, to.Buffers.Layout, heads, $"the method {learner.Method.Name}");
        learner.StartFrom(_tensors);
    }

    /// <summary>Words for the record where a held-out task is none, since this run learned it; else nothing.</summary>
    public string Warning(IReadOnlyList<string> heldOut)
    {
        if (heldOut.Intersect(_learned).FirstOrDefault() is not { } seen) return "";
        Serilog.Log.Warning("{Run} learned {Task}, which is held out here: what starts from it has seen that task",
            _folder, seen);
        return $"; it learned {seen}, which is held out here";
    }

    public void Dispose() => _scope.Dispose();

    // The same names and shapes: an agent's heads too, if an agent is what starts.
    private void Require(Network network, ParameterLayout parameters, ParameterLayout buffers,
        IReadOnlySet<string> heads, string what)
    {
        var known = new HashSet<string>();
        foreach (var (name, shape, role) in parameters.Entries.Select(entry => (entry.Name, entry.Shape, entry.Role))
            .Concat(buffers.Entries.Select(entry => (Model.BufferPrefix + entry.Name, entry.Shape, entry.Role))))
        {
            known.Add(name);
            if (!_tensors.TryGetValue(name, out var value))
            {
                // What is meta-learned on top of a network starts as it is drawn.
                if (!_isAgent && (IsOfHead(name) || role == ParameterRole.Meta)) continue;
                throw Misfit($"{name} {Shape.Text(shape)} is not there");
            }
            if (!value.shape.AsSpan().SequenceEqual(shape))
                throw Misfit($"{name} is {Shape.Text(value.shape)} there and {Shape.Text(shape)} here");
        }
        foreach (var name in _tensors.Keys.Where(name => !known.Contains(name)))
            if (!IsOfHead(name) && !name.Contains(':') && !name.StartsWith("meta.", StringComparison.Ordinal)
                && !name.StartsWith("learner.", StringComparison.Ordinal))
                throw Misfit($"{name} {Shape.Text(_tensors[name].shape)} is only there");
        if (_tensors.Keys.FirstOrDefault(name => name.StartsWith("task:", StringComparison.Ordinal)) is not null)
            throw new RlLeapException($"{_folder} holds what its method keeps task by task, which no other run can "
                + "start from. Start from a run of leap, reptile, fomaml, maml or finetuning.");

        bool IsOfHead(string name) => heads.Contains(name[..Math.Max(0, name.LastIndexOf('.'))]);

        RlLeapException Misfit(string difference) => new($"{what} cannot start from {_folder}: {difference}. Both must "
            + $"have the same network (there {_network}, here {network.Name}) and the same observations"
            + $"{(_isAgent ? "; an agent's actions must be the same too" : "")}.");
    }
}
