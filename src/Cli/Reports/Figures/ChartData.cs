// A figure as plain data: what the scripts of a page draw (Web/chart.js says what they expect).
using System.Text.Json;
using System.Text.Json.Serialization;
using ScottPlot;
using RlLeap.Cli.Statistics;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A figure: its panels, and the names that stand in its legend.</summary>
internal sealed record ChartFigure(IReadOnlyList<string>? Legend, IReadOnlyList<ChartPanel> Panels)
{
    /// <summary>As text that can stand inside a script element: the default encoder escapes what ends one.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new Shortened() },
    };

    // Five figures are more than a screen shows; what is missing is null.
    private sealed class Shortened : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            throw new NotSupportedException("pages are not read back");

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (!double.IsFinite(value)) writer.WriteNullValue();
            else if (Math.Abs(value) is >= 1e15 or 0) writer.WriteNumberValue(value);
            else writer.WriteNumberValue(ToFive(value));
        }

        private static double ToFive(double value)
        {
            var decimals = 4 - (int)Math.Floor(Math.Log10(Math.Abs(value)));
            if (decimals > 15) return value;
            var unit = Math.Pow(10, Math.Abs(decimals));
            return decimals >= 0 ? Math.Round(value * unit) / unit : Math.Round(value);
        }
    }
}

/// <summary>One plot; see <see cref="Panel"/>. <c>Task</c> is the task that it is about; null for none.</summary>
internal sealed record ChartPanel(
    string Title, string XLabel, string YLabel, bool WholeSteps, IReadOnlyList<double>? XLimits,
    IReadOnlyList<double>? XValues, IReadOnlyList<string>? Rows, string? Task, IReadOnlyList<ChartMark> Marks)
{
    /// <summary>What is written at each of <c>XValues</c>; null for the numbers.</summary>
    public IReadOnlyList<string>? XTexts { get; init; }
}

/// <summary>One seed's line of a curve, or its value in a row. Lines of one <c>Group</c> are shown together.</summary>
internal sealed record ChartSeed(string Name, string Group)
{
    /// <summary>The curves of several seeds; null of one, which is the mean itself.</summary>
    public static IReadOnlyList<ChartSeed>? LinesOf(IReadOnlyList<SeedLine> each) => each.Count < 2 ? null
        : [.. each.Select(seed => new ChartSeed(seed.Name, seed.Group) { Y = seed.Values })];

    /// <summary>The names of seeds, for their areas.</summary>
    public static IReadOnlyList<ChartSeed> NamesOf(IReadOnlyList<SeedLine> each) =>
        [.. each.Select(seed => new ChartSeed(seed.Name, seed.Group))];

    /// <summary>[points] its line, over the curve's steps.</summary>
    public IReadOnlyList<double>? Y { get; init; }

    /// <summary>Its value in a row.</summary>
    public double? X { get; init; }
}

/// <summary>Something drawn under a name, in its colour.</summary>
internal sealed record ChartMark(string Kind, string Name, string Color)
{
    /// <summary>Dashes of its line, as SVG writes them; null for none.</summary>
    public string? Dash { get; init; }

    /// <summary>Width of its line; null for the usual one.</summary>
    public double? Width { get; init; }

    /// <summary>[points] where it is.</summary>
    public IReadOnlyList<double>? X { get; init; }

    /// <summary>[points] its height.</summary>
    public IReadOnlyList<double>? Y { get; init; }

    /// <summary>[points] where its band begins (a number for a row).</summary>
    public object? Low { get; init; }

    /// <summary>[points] where its band ends (a number for a row).</summary>
    public object? High { get; init; }

    /// <summary>The lines of single seeds.</summary>
    public IReadOnlyList<ChartSeed>? Each { get; init; }

    /// <summary>Whether points are dots with bars instead of a line with a band.</summary>
    public bool? Dots { get; init; }

    /// <summary>Single values: of each point, or of a row.</summary>
    public object? Values { get; init; }

    /// <summary>Which row, from the top.</summary>
    public int? Row { get; init; }

    /// <summary>A row's value.</summary>
    public double? Value { get; init; }

    /// <summary>What a paper reports, beside a row's value.</summary>
    public double? Published { get; init; }

    /// <summary>Size of dots.</summary>
    public double? Size { get; init; }

    /// <summary>Whether dots are diamonds.</summary>
    public bool? Diamond { get; init; }

    /// <summary>What each dot is called.</summary>
    public IReadOnlyList<string>? Names { get; init; }

    /// <summary>Where each dot is across, in words.</summary>
    public IReadOnlyList<string>? Texts { get; init; }

    /// <summary>A line with its band; none where low and high are the line itself.</summary>
    public static ChartMark Curve(string name, Look look, IReadOnlyList<double> x, IReadOnlyList<double> y,
        IReadOnlyList<double>? low = null, IReadOnlyList<double>? high = null) =>
        new("curve", name, look.Color.ToStringRGB())
        {
            X = x, Y = y, Low = low, High = high,
            Dash = look.Pattern.Equals(LinePattern.Solid) ? null
                : look.Pattern.Equals(LinePattern.Dotted) ? "2 3" : look.Pattern.Equals(LinePattern.Dashed) ? "9 5"
                : "5 3",
        };

    /// <summary>A row: a value with its interval, and the seeds that it is the mean of.</summary>
    public static ChartMark OfRow(string name, Look look, int row, Interval interval,
        IReadOnlyList<ChartSeed>? values = null) => new("row", name, look.Color.ToStringRGB())
        { Row = row, Value = interval.Value, Low = interval.Low, High = interval.High, Values = values };
}
