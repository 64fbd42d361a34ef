using System.ComponentModel.DataAnnotations;

namespace RlLeap;

/// <summary>Ends a learning process when its validation score no longer falls.</summary>
/// <remarks>
/// An evaluation moves nothing: scores draw from no stream that training draws from. When a process ends depends on the
/// process alone, so it ends at the same step after any number of resumes.
/// </remarks>
public sealed record EarlyStopping
{
    /// <summary>Gradient steps between two evaluations; there is one more at the last step.</summary>
    [Range(1, int.MaxValue)]
    public int Every { get; init; } = 10;

    /// <summary>Evaluations in a row without a new lowest score that end it.</summary>
    [Range(1, int.MaxValue)]
    public int Patience { get; init; } = 10;

    /// <summary>Which of the scores on the validation split counts; lower is better.</summary>
    public string Of { get; init; } = "error";

    /// <summary>The name under which the last score is recorded: "validation.error".</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Metric => "validation." + Of;

    /// <summary>The score that counts, of the model as it is.</summary>
    /// <exception cref="RlLeapException">The task has no such score.</exception>
    public double Evaluate(ITaskStream stream, Model model, string task) =>
        stream.Score(model, Split.Validation).TryGetValue(Of, out var score) ? score
        : throw new RlLeapException($"{task} has no validation score \"{Of}\", so its learning cannot be stopped by "
            + "it. Leave early stopping out.");
}

/// <summary>Counts how often in a row a value failed to fall below its lowest so far.</summary>
public sealed class Patience
{
    private readonly int _limit;
    private long _since;

    /// <summary>Over after <paramref name="limit"/> values in a row without a new lowest one.</summary>
    public Patience(int limit) => _limit = limit > 0 ? limit
        : throw new RlLeapException($"The patience of early stopping must be at least one evaluation; it is {limit}.");

    /// <summary>The lowest value; infinity before the first.</summary>
    public double Best { get; private set; } = double.PositiveInfinity;

    /// <summary>The last value; NaN before the first.</summary>
    public double Last { get; private set; } = double.NaN;

    /// <summary>Whether it has run out.</summary>
    public bool IsOver => _since >= _limit;

    /// <summary>Takes a value in; one that is not a number is a failure to improve.</summary>
    public void Add(double value)
    {
        (Last, _since) = (value, value < Best ? 0 : _since + 1);
        if (value < Best) Best = value;
    }

    /// <summary>All of its state as a text.</summary>
    public string ToText() => string.Join(' ', Save());

    /// <summary>Goes on where <see cref="ToText"/> was called.</summary>
    public static Patience Of(int limit, string text)
    {
        var patience = new Patience(limit);
        patience.Restore([.. text.Split(' ').Select(part =>
            long.Parse(part, System.Globalization.CultureInfo.InvariantCulture))]);
        return patience;
    }

    internal long[] Save() => [BitConverter.DoubleToInt64Bits(Best), BitConverter.DoubleToInt64Bits(Last), _since];

    internal void Restore(long[] state) => (Best, Last, _since) =
        (BitConverter.Int64BitsToDouble(state[0]), BitConverter.Int64BitsToDouble(state[1]), state[2]);
}
