namespace RlLeap.Data;

/// <summary>The characters of one Omniglot task, with drawings that train and validate; fixed for a run.</summary>
public sealed class OmniglotClasses
{
    private readonly OmniglotAlphabet _alphabet;
    private readonly (int Character, int Drawing, int Label)[] _train, _validation;

    /// <summary>
    /// Draws the characters and each character's training drawings. The result depends only on <paramref name="rng"/>'s
    /// key and the alphabet's name.
    /// </summary>
    /// <exception cref="RlLeapException">The alphabet has too few characters, or a part would have no
    /// drawings.</exception>
    public OmniglotClasses(OmniglotAlphabet alphabet, Rng rng, int classes = 20, int trainDrawings = 15)
    {
        if (alphabet.Characters < classes)
            throw new RlLeapException(
                $"The alphabet {alphabet.Name} has {alphabet.Characters} characters; a task needs {classes}.");
        if (classes < 1 || trainDrawings is < 1 or >= OmniglotData.DrawingsPerCharacter)
            throw new RlLeapException(
                $"An Omniglot task needs at least one class and 1..{OmniglotData.DrawingsPerCharacter - 1} training " +
                $"drawings; got {classes} and {trainDrawings}.");
        _alphabet = alphabet;
        var own = rng.Split("omniglot/" + alphabet.Name);
        Characters = own.Split("characters").Permutation(alphabet.Characters)[..classes];
        var (train, validation) = (new List<(int, int, int)>(), new List<(int, int, int)>());
        for (var label = 0; label < classes; label++)
        {
            var order = own.Split("drawings", Characters[label]).Permutation(OmniglotData.DrawingsPerCharacter);
            for (var i = 0; i < order.Length; i++)
                (i < trainDrawings ? train : validation).Add((Characters[label], order[i], label));
        }
        (_train, _validation) = ([.. train], [.. validation]);
    }

    /// <summary>The alphabet's name.</summary>
    public string Name => _alphabet.Name;

    /// <summary>[classes]: each label's character in the alphabet. Recorded with the run.</summary>
    public IReadOnlyList<int> Characters { get; }

    /// <summary>Training drawings: classes x 15.</summary>
    public int TrainCount => _train.Length;

    /// <summary>Validation drawings: classes x 5.</summary>
    public int ValidationCount => _validation.Length;

    /// <summary>One drawing of the training or the validation part, [28, 28], and its label.</summary>
    public ReadOnlySpan<byte> Drawing(bool validation, int index, out int label)
    {
        var (character, drawing, l) = (validation ? _validation : _train)[index];
        label = l;
        return _alphabet.Drawing(character, drawing);
    }
}
