using System.ComponentModel.DataAnnotations;

namespace RlLeap.Data;

/// <summary>Which classes are for training, validation and test.</summary>
/// <remarks>A part is drawn by the run's seed, or its classes are named. No class is ever in two parts.</remarks>
public sealed record ClassSplitOptions
{
    /// <summary>Classes to validate on; left out: in Omniglot's proportion, 172 of 1,623.</summary>
    [Range(0, int.MaxValue)]
    public int? Validation { get; init; }

    /// <summary>Classes to test on; left out: in Omniglot's proportion, 423 of 1,623.</summary>
    [Range(0, int.MaxValue)]
    public int? Test { get; init; }

    /// <summary>Names of the classes to train on; left out: all that are in no other part.</summary>
    public IReadOnlyList<string> TrainNames { get; init; } = [];

    /// <summary>Names of the classes to validate on, instead of a number of them.</summary>
    public IReadOnlyList<string> ValidationNames { get; init; } = [];

    /// <summary>Names of the classes to test on, instead of a number of them.</summary>
    public IReadOnlyList<string> TestNames { get; init; } = [];

    /// <summary>Whether anything is said about the split.</summary>
    internal bool IsGiven => Validation is not null || Test is not null
        || TrainNames.Count + ValidationNames.Count + TestNames.Count > 0;
}

/// <summary>Classes by their numbers in a set, in three parts without a common class.</summary>
/// <param name="Train">Classes to learn from.</param>
/// <param name="Validation">Classes to choose settings by.</param>
/// <param name="Test">Classes to report.</param>
public sealed record ClassSplit(IReadOnlyList<int> Train, IReadOnlyList<int> Validation, IReadOnlyList<int> Test)
{
    // Vinyals et al. 2016 train on 1,200 of Omniglot's 1,623 characters and test on 423. Snell et al. 2017 take 172 of
    // the 1,200 to validate.
    private const double OmniglotClasses = 1623, OmniglotValidation = 172, OmniglotTest = 423;

    /// <summary>The classes of a part.</summary>
    public IReadOnlyList<int> this[Split split] =>
        split switch { Split.Train => Train, Split.Validation => Validation, _ => Test };

    /// <summary>Draws a split, or takes the one that is named.</summary>
    /// <param name="set">The set's name, for messages.</param>
    /// <param name="names">All classes.</param>
    /// <param name="rng">The split depends on this alone, where it is drawn.</param>
    /// <param name="options">How many, or which.</param>
    /// <exception cref="RlLeapException">
    /// A class is named in two parts or does not exist, or there are too few classes.
    /// </exception>
    public static ClassSplit Of(string set, IReadOnlyList<string> names, Rng rng, ClassSplitOptions? options = null)
    {
        options ??= new ClassSplitOptions();
        var numbers = names.Index().ToDictionary(pair => pair.Item, pair => pair.Index, StringComparer.Ordinal);
        var taken = new Dictionary<int, string>();
        var (train, validation, test) = (Named("train", options.TrainNames),
            Named("validation", options.ValidationNames), Named("test", options.TestNames));

        int[] free = [.. Enumerable.Range(0, names.Count).Where(i => !taken.ContainsKey(i))];
        rng.Split("classes").Shuffle<int>(free);
        var wantedTest = test.Count > 0 ? 0 : options.Test ?? Share(names.Count, OmniglotTest);
        var wantedValidation = validation.Count > 0 ? 0 : options.Validation ?? Share(names.Count, OmniglotValidation);
        if (wantedTest + wantedValidation > free.Length)
            throw new RlLeapException($"{set} has {names.Count} classes, of which {free.Length} are free: they are too "
                + $"few for {wantedTest} to test on and {wantedValidation} to validate on.");
        return new ClassSplit(
            train.Count > 0 ? train : free[(wantedTest + wantedValidation)..],
            validation.Count > 0 ? validation : free[wantedTest..(wantedTest + wantedValidation)],
            test.Count > 0 ? test : free[..wantedTest]);

        List<int> Named(string part, IReadOnlyList<string> wanted)
        {
            var found = new List<int>();
            foreach (var name in wanted)
            {
                if (!numbers.TryGetValue(name, out var number))
                    throw new RlLeapException($"{set} has no class {name}, which is named as one to {Verb(part)} on."
                        + Names.Suggest(name, names));
                if (!taken.TryAdd(number, part))
                    throw new RlLeapException($"The splits of {set} overlap: the class {name} is named to "
                        + $"{Verb(taken[number])} on and to {Verb(part)} on. A class belongs to one part, once.");
                found.Add(number);
            }
            return found;
        }
    }

    private static int Share(int classes, double of) => (int)Math.Round(classes * of / OmniglotClasses);

    private static string Verb(string part) => part == "validation" ? "validate" : part;
}
