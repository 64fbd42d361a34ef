// Where an axis begins and ends, and what is written along it.

namespace RlLeap.Cli.Reports.Figures;

/// <summary>An axis from <c>Low</c> to <c>High</c> with a text at each of <c>At</c>.</summary>
internal sealed record AxisTicks(double Low, double High, IReadOnlyList<double> At, IReadOnlyList<string> Texts)
{
    /// <summary>Width of the widest text, in points.</summary>
    public float TextWidth => Texts.Select(Width).DefaultIfEmpty(0).Max();

    /// <summary>Round numbers from low to high, as many as there is room for.</summary>
    /// <param name="integer">Only whole numbers.</param>
    public static AxisTicks Round(double low, double high, int most, bool integer = false)
    {
        // All but equal: as it is where they are equal.
        if (!(high - low > 1e-9 * Math.Max(Math.Abs(low), Math.Abs(high))))
            (low, high) = (low - 0.5 * Room(low), high + 0.5 * Room(high));
        for (var power = Math.Pow(10, Math.Floor(Math.Log10((high - low) / most)) - 1); ; power *= 10)
            foreach (var digit in (ReadOnlySpan<double>)[1, 2, 2.5, 5])
            {
                var step = digit * power;
                if (integer && (step < 1 || step != Math.Floor(step))) continue;
                var (first, last) = (Math.Ceiling(low / step - 1e-9), Math.Floor(high / step + 1e-9));
                if (last - first + 1 > most) continue;
                var count = Math.Max(0, (int)(last - first) + 1);
                double[] at = [.. Enumerable.Range(0, count).Select(i => (first + i) * step)];
                return new(low, high, at, Write(at, step));
            }
    }

    /// <summary>The same across, with as many texts as stand side by side in a width.</summary>
    public static AxisTicks Across(double low, double high, float width, bool integer = false)
    {
        for (var most = 6; ; most--)
        {
            var ticks = Round(low, high, most, integer);
            if (most == 1 || ticks.At.Count * (ticks.TextWidth + 8) <= width) return ticks;
        }
    }

    /// <summary>Given numbers, each written where the one before leaves room.</summary>
    public static AxisTicks Given(double low, double high, IReadOnlyList<double> values, float width)
    {
        List<double> at = [];
        List<string> texts = [];
        var end = double.NegativeInfinity;
        foreach (var value in values.Order())
        {
            var text = Number(value, "G6");
            var (centre, half) = ((value - low) / (high - low) * width, Width(text) / 2);
            at.Add(value);
            texts.Add(centre - half > end + 4 ? text : "");
            if (texts[^1].Length > 0) end = centre + half;
        }
        return new(low, high, at, texts);
    }

    /// <summary>Names from top to bottom, one a row.</summary>
    public static AxisTicks Names(IReadOnlyList<string> names, bool written) =>
        new(0.4 - names.Count, 0.6,
            [.. names.Select((_, i) => (double)-i)], [.. names.Select(name => written ? name : "")]);

    private static float Width(string text) => FigureStyle.WidthOf(text, FigureStyle.TickText);

    private static double Room(double value) => value == 0 ? 1 : Math.Abs(value) * 0.2;

    // Small numbers with the same number of decimals; from ten thousand on in short: 500k, 1M, 1.5M.
    private static string[] Write(double[] at, double step)
    {
        if (at.Select(Math.Abs).DefaultIfEmpty(0).Max() is >= 1e4 and < 1e15) return [.. at.Select(Short)];
        var decimals = Enumerable.Range(0, 12)
            .First(d => d == 11 || Math.Abs(Math.Round(step, d) - step) < 1e-9 * step);
        return [.. at.Select(value => Number(value, $"F{decimals}"))];
    }

    private static string Short(double value)
    {
        var (unit, suffix) = Math.Abs(value) switch
        {
            >= 1e12 => (1e12, "T"),
            >= 1e9 => (1e9, "G"),
            >= 1e6 => (1e6, "M"),
            >= 1e3 => (1e3, "k"),
            _ => (1.0, ""),
        };
        return Number(value / unit, "0.############") + suffix;
    }

    private static string Number(double value, string format) =>
        value.ToString(format).Replace('-', '−');
}
