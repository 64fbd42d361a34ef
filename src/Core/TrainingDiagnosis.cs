using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RlLeap;

/// <summary>Measures one learning process's network twice: as learning started, and as it ended.</summary>
/// <remarks>
/// <para>Nothing is drawn or played for it. The start is measured on a few inputs of each of the first batches, which
/// are more varied than one batch (all episodes begin alike), at the parameters before the first update. The end is
/// measured on the last batch, at the parameters that its loss was computed at, where the batch has enough inputs to
/// say that a unit is active on less than 1 % of them.</para>
/// <para>It costs a copy of the parameters during the first batches, and two forward passes in all.</para>
/// </remarks>
public sealed class TrainingDiagnosis : IDisposable
{
    /// <summary>What stands before the names of the numbers about the start, and about the end.</summary>
    public const string Start = "start.", End = "end.";

    /// <summary>Whether a metric of a contribution is one of these numbers.</summary>
    public static bool Has(string metric) =>
        metric.StartsWith(Start, StringComparison.Ordinal) || metric.StartsWith(End, StringComparison.Ordinal);

    private const int Batches = 32, InputsOfEach = 4, Least = 100;

    private readonly List<Tensor> _inputs = [];
    private Dictionary<string, double> _metrics = [];
    private Tensor? _parameters, _buffers; // as they were before the first update
    private int _batches;
    private bool _measured;

    /// <summary>What was measured so far, by name: "start.dense.dormant", "end.rank" and so on (<see
    /// cref="NetworkDiagnosis.Metrics"/>).</summary>
    public IReadOnlyDictionary<string, double> Metrics => _metrics;

    /// <summary>Called for every batch after the backward pass and before the update.</summary>
    /// <param name="model">The model at the parameters of the loss.</param>
    /// <param name="batch">What the loss was computed from; one that keeps no inputs is passed over.</param>
    /// <param name="isLast">Whether no other batch will come.</param>
    public void Observe(Model model, IBatch batch, bool isLast)
    {
        if (_measured && !isLast || batch.Inputs is not { } inputs) return;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (!_measured)
        {
            _parameters ??= model.Parameters.Flat.detach().clone().DetachFromDisposeScope();
            _buffers ??= model.Buffers.Flat.detach().clone().DetachFromDisposeScope();
            var (rows, wanted) = (inputs.shape[0], Math.Min(inputs.shape[0], InputsOfEach));
            long[] chosen = [.. Enumerable.Range(0, (int)wanted).Select(i => (i * rows / wanted + _batches) % rows)];
            _inputs.Add(inputs.index_select(0, tensor(chosen, device: inputs.device)).DetachFromDisposeScope());
            if (++_batches == Batches || isLast) MeasureStart(model);
        }
        if (isLast && inputs.shape[0] >= Least)
            Note(End, NetworkDiagnostics.Of(model, inputs, NetworkDiagnostics.FreshNorms(model)));
    }

    /// <summary>Measures the start on what there is, where learning ended before enough batches had come.</summary>
    /// <param name="model">The model that was trained.</param>
    public void Complete(Model model)
    {
        if (_measured || _inputs.Count == 0) return;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        MeasureStart(model);
    }

    /// <summary>All that it remembers, by name; the caller's dispose scope owns what is made for it.</summary>
    internal IEnumerable<(string Name, Tensor Value)> Save()
    {
        yield return ("metrics", tensor(JsonSerializer.SerializeToUtf8Bytes(_metrics, Numbers)));
        yield return ("batches", tensor(new long[] { _batches, _measured ? 1 : 0 }));
        if (_inputs.Count > 0) yield return ("inputs", cat([.. _inputs], 0));
        if (_parameters is not null) yield return ("parameters", _parameters);
        if (_buffers is not null) yield return ("buffers", _buffers);
    }

    /// <summary>Goes on where <see cref="Save"/> was called.</summary>
    internal void Restore(IReadOnlyDictionary<string, Tensor> state, Device device)
    {
        Dispose();
        var metrics = Encoding.UTF8.GetString([.. state["metrics"].data<byte>()]);
        _metrics = JsonSerializer.Deserialize<Dictionary<string, double>>(metrics, Numbers)!;
        var counters = state["batches"].data<long>().ToArray();
        (_batches, _measured) = ((int)counters[0], counters[1] != 0);
        if (state.TryGetValue("inputs", out var inputs)) _inputs.Add(Own(inputs));
        if (state.TryGetValue("parameters", out var parameters)) _parameters = Own(parameters);
        if (state.TryGetValue("buffers", out var buffers)) _buffers = Own(buffers);

        Tensor Own(Tensor value) => value.to(device, copy: true).DetachFromDisposeScope();
    }

    /// <summary>Frees what was kept.</summary>
    public void Dispose()
    {
        foreach (var part in _inputs) part.Dispose();
        _inputs.Clear();
        _parameters?.Dispose();
        _buffers?.Dispose();
        (_parameters, _buffers) = (null, null);
    }

    // The model is moved to where it began and back: that works for modules too, which cannot be evaluated elsewhere.
    private void MeasureStart(Model model)
    {
        var (now, buffers) = (model.Parameters.Flat.detach().clone(), model.Buffers.Flat.detach().clone());
        model.Parameters.Flat.copy_(_parameters!);
        model.Buffers.Flat.copy_(_buffers!);
        try { Note(Start, NetworkDiagnostics.Of(model, cat([.. _inputs], 0), NetworkDiagnostics.FreshNorms(model))); }
        finally
        {
            model.Parameters.Flat.copy_(now);
            model.Buffers.Flat.copy_(buffers);
        }
        _measured = true;
        Dispose();
    }

    private void Note(string prefix, NetworkDiagnosis diagnosis)
    {
        foreach (var (name, value) in diagnosis.Metrics) _metrics[prefix + name] = value;
    }

    private static readonly JsonSerializerOptions Numbers =
        new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };
}
