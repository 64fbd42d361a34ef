namespace RlLeap.MetaLearning;

/// <summary>Several tasks in one network: one trunk, or a column for each.</summary>
/// <remarks>
/// Batch norms, their parameters and their statistics, are each task's own, as in HAT: images of different sets differ
/// in both. A head reads the features of its task (<see cref="HeadOf"/>); a pass for all heads is not what it is for.
/// </remarks>
internal sealed class MultiTaskNetwork : Network
{
    private readonly Network _inner;
    private readonly string[] _tasks;
    private readonly Sharing _sharing;
    private readonly int _columns, _stitches, _uncertainties, _weights; // where the entries beside columns begin
    private readonly int[,][] _parameters, _buffers; // by task and column: where the inner network's entries are

    /// <summary>A network of tasks.</summary>
    /// <exception cref="RlLeapException">The network's layers cannot be told.</exception>
    public MultiTaskNetwork(Network inner, string[] tasks, Sharing sharing)
    {
        (_inner, _tasks, _sharing) = (inner, tasks, sharing);
        _columns = sharing == Sharing.Hard ? 1 : tasks.Length;
        var isNorm = inner.Buffers.Count == 0 ? [.. inner.Parameters.Select(_ => false)]
            : HatNetwork.RolesOf(inner).Select(role => role.IsTasksOwn).ToArray();
        var (entries, statistics) = (new List<ParameterInfo>(), new List<ParameterInfo>());
        (_parameters, _buffers) = (new int[tasks.Length, _columns][], new int[tasks.Length, _columns][]);
        // What tasks have in common first, then what is their own.
        var common = Enumerable.Range(0, _columns).Select(c => inner.Parameters.Select((entry, i) =>
            isNorm[i] ? -1 : Add(entries, entry, sharing == Sharing.Hard ? "" : tasks[c] + ":")).ToArray()).ToArray();
        for (var t = 0; t < tasks.Length; t++)
            for (var c = 0; c < _columns; c++)
            {
                var own = sharing is Sharing.CrossStitch ? $"{tasks[t]}:{tasks[c]}:" : tasks[t] + ":";
                var isRead = sharing is Sharing.Hard or Sharing.CrossStitch || t == c;
                _parameters[t, c] = !isRead ? [] : [.. inner.Parameters.Select((entry, i) =>
                    isNorm[i] ? Add(entries, entry, own) : common[c][i])];
                _buffers[t, c] = !isRead ? [] : [.. inner.Buffers.Select(entry => Add(statistics, entry, own))];
            }
        _stitches = entries.Count;
        if (sharing == Sharing.CrossStitch)
            for (var l = 0; l < inner.HiddenUnits.Count; l++)
                entries.Add(new ParameterInfo($"stitch.{l}", [_columns, _columns]));
        _uncertainties = entries.Count;
        entries.Add(new ParameterInfo("log-variance", [tasks.Length]));
        _weights = entries.Count;
        entries.Add(new ParameterInfo("weights", [tasks.Length]));
        (Parameters, Buffers) = (entries, statistics);

        static int Add(List<ParameterInfo> list, ParameterInfo entry, string prefix)
        {
            list.Add(entry with { Name = prefix + entry.Name, Shared = true });
            return list.Count - 1;
        }
    }

    public override string Name => $"{Names.Kebab(_sharing.ToString())}-sharing({_inner.Name} x {_tasks.Length})";
    public override long[] InputShape => _inner.InputShape;
    public override long Features => _inner.Features;
    public override IReadOnlyList<ParameterInfo> Parameters { get; }
    public override IReadOnlyList<ParameterInfo> Buffers { get; }

    /// <summary>The name of a task's head.</summary>
    public static string HeadOf(string task) => "head:" + task;

    /// <summary>The logarithm of each task's variance [tasks], for weights by uncertainty.</summary>
    public Tensor LogVariance(Model model) => model.Parameters.Views[_uncertainties];

    /// <summary>Each task's weight [tasks], for GradNorm.</summary>
    public Tensor Weights(Model model) => model.Parameters.Views[_weights];

    /// <summary>The last weight that all tasks' losses reach; null where they share none.</summary>
    public Tensor? LastShared(Model model) => _sharing is not (Sharing.Hard or Sharing.CrossStitch) ? null
        : _sharing == Sharing.CrossStitch ? model.Parameters.Views[_uncertainties - 1]
        : model.Parameters.Views[_parameters[0, 0].Where((_, i) => _inner.Parameters[i].Shape.Length > 1).Last()];

    /// <summary>How far apart the columns are: the mean over weights of their variance over columns.</summary>
    public Tensor Distance(Model model)
    {
        Tensor? sum = null;
        for (var i = 0; i < _inner.Parameters.Count; i++)
        {
            if (_inner.Parameters[i].Shape.Length < 2) continue;
            var all = stack([.. Enumerable.Range(0, _columns)
                .Select(c => model.Parameters.Views[_parameters[c, c][i]])]);
            var one = (all - all.mean([0], keepdim: true)).square().sum();
            sum = sum is null ? one : sum + one;
        }
        return sum!;
    }

    public override Tensor Forward(Pass pass, Tensor input) => FeaturesFor(0, pass, input);

    public override Tensor ForwardFor(Pass pass, Tensor input, Head head)
    {
        var task = Array.FindIndex(_tasks, id => HeadOf(id) == head.Name);
        return task >= 0 ? FeaturesFor(task, pass, input)
            : throw new RlLeapException($"{Name} has no features for the head {head.Name}.");
    }

    /// <summary>The features [N, F] of a task.</summary>
    public Tensor FeaturesFor(int task, Pass pass, Tensor input)
    {
        if (_sharing != Sharing.CrossStitch)
        {
            var column = _sharing == Sharing.Hard ? 0 : task;
            return _inner.Forward(PassOf(task, column, pass), input);
        }
        var units = Enumerable.Repeat(input, _columns).ToArray();
        for (var l = 0; l < _inner.HiddenUnits.Count; l++)
        {
            var (stitch, own) = (pass.Parameter(_stitches + l), new Tensor[_columns]);
            for (var c = 0; c < _columns; c++) own[c] = _inner.Layer(l, PassOf(task, c, pass), units[c]);
            for (var c = 0; c < _columns; c++)
                units[c] = Enumerable.Range(0, _columns).Select(from => own[from] * stitch[c, from])
                    .Aggregate((a, b) => a + b);
        }
        return units[task].flatten(1);
    }

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng)
    {
        for (var t = 0; t < _tasks.Length; t++)
            for (var c = 0; c < _columns; c++)
            {
                var (own, statistics) = (_parameters[t, c], _buffers[t, c]);
                // Every column starts where one network would: sharing is what differs.
                if (own.Length > 0) _inner.Initialize(i => parameter(own[i]), i => buffer(statistics[i]), rng);
            }
        for (var l = _stitches; l < _uncertainties; l++)
        {
            parameter(l).fill_(0.1 / Math.Max(1, _columns - 1));
            parameter(l).diagonal().fill_(0.9);
        }
        parameter(_weights).fill_(1);
    }

    private Pass PassOf(int task, int column, Pass pass) => new(
        [.. _parameters[task, column].Select(pass.Parameter)], [.. _buffers[task, column].Select(pass.Buffer)],
        pass.Training);
}

/// <summary>A multi-task network as one of its tasks sees it: the same entries, the task's features.</summary>
internal sealed class MultiTaskView(MultiTaskNetwork all, int task) : NetworkWrapper(all)
{
    public override string Name => all.Name;
    public override Tensor Forward(Pass pass, Tensor input) => all.FeaturesFor(task, pass, input);

    public override void Initialize(Func<int, Tensor> parameter, Func<int, Tensor> buffer, Rng rng) =>
        all.Initialize(parameter, buffer, rng);
}
