// Which colour a method has, in every figure.
using ScottPlot;

namespace RlLeap.Cli.Reports.Figures;

/// <summary>A line's colour and dashes.</summary>
internal readonly record struct Look(Color Color, LinePattern Pattern);

/// <summary>
/// One look a name: equal names look alike in all figures, different ones never do. The first colours are those of
/// Okabe and Ito, told apart also by the colour-blind.
/// </summary>
internal sealed class Palette
{
    // These methods have their colours in all reports; learning from a random initialization is grey.
    private static readonly Dictionary<string, string> Reserved = new()
    {
        ["none"] = "#7f7f7f",
        ["leap"] = "#0072B2",
        ["finetuning"] = "#D55E00",
        ["reptile"] = "#009E73",
        ["fomaml"] = "#CC79A7",
        ["maml"] = "#E69F00",
        ["hat"] = "#56B4E9",
        ["progressive"] = "#882255",
    };

    private static readonly string[] Others =
    [
        "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
        "#882255", "#999933", "#332288", "#44AA99", "#AA3377", "#8B5A2B", "#C2A5CF",
    ];

    private static readonly LinePattern[] Dashes = [LinePattern.DenselyDashed, LinePattern.Dotted, LinePattern.Dashed];

    private readonly List<string> _names;
    private readonly Dictionary<string, Look> _looks = [];

    /// <summary>Looks for names, in their order.</summary>
    public Palette(IEnumerable<string> names)
    {
        _names = [.. names.Distinct()];
        var taken = _names.Where(Reserved.ContainsKey).Select(name => Reserved[name]).ToHashSet();
        var free = new Queue<string>(Others.Where(colour => !taken.Contains(colour)));
        var further = 0;
        foreach (var name in _names)
        {
            if (Reserved.TryGetValue(name, out var colour) || free.TryDequeue(out colour))
            {
                _looks[name] = new(Color.FromHex(colour), LinePattern.Solid);
                continue;
            }
            // Beyond those: hues at the golden angle, dashed.
            var hue = Color.FromHSL((0.1f + 0.618034f * further) % 1, 0.75f, further % 2 == 0 ? 0.32f : 0.55f);
            _looks[name] = new(hue, Dashes[further++ % Dashes.Length]);
        }
    }

    /// <summary>That of a name; where it is a run's and one method is called "method (run)", that method's.</summary>
    public Look this[string name] => _looks[Find(name) ?? throw new ArgumentException($"{name} has no colour")];

    /// <summary>Where a name stands among all.</summary>
    public int IndexOf(string name) => _names.IndexOf(Find(name) ?? name);

    /// <summary>Whether the indexer knows a name.</summary>
    public bool Knows(string name) => Find(name) is not null;

    private string? Find(string name) => _looks.ContainsKey(name) ? name
        : _names.FindAll(known => known.EndsWith($" ({name})", StringComparison.Ordinal)) is [var only] ? only : null;
}
