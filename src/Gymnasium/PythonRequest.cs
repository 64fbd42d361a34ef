using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>What a <see cref="PythonVector"/> is made from.</summary>
/// <param name="Id">The id, options included.</param>
/// <param name="Count">N.</param>
/// <param name="Make">Calls the bridge (the argument) for a Vector; runs under the GIL.</param>
internal sealed record PythonRequest(string Id, int Count, Func<PyObject, PyObject> Make)
{
    /// <summary>The random stream of copy i; its Python seed is drawn from it.</summary>
    public required Func<int, Rng> Stream { get; init; }

    /// <summary>The longest a call may take; zero: no limit.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Bound of the rewards' absolute value; zero: none. Recorded returns stay raw.</summary>
    public float Clip { get; init; }

    /// <summary>Whether images become planes, [C, H, W]; see <see cref="ObservationReader"/>.</summary>
    public bool Planes { get; init; } = true;

    /// <summary>Emulated frames per agent step.</summary>
    public int FramesPerStep { get; init; } = 1;

    /// <summary>The longest episode in agent steps, where Python does not say.</summary>
    public int? MaxEpisodeSteps { get; init; }

    /// <summary>Options for the run's record.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}
