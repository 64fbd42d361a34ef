namespace RlLeap.Environments.Classic;

/// <summary>One problem of classic control: a plain value that holds the whole state of the system.</summary>
/// <remarks>
/// The state's numbers are doubles and come first. The equations are those of the publications named at each system.
/// Constants, time steps and the order of integration were checked against recorded transitions (tests:
/// ClassicControlConformance).
/// </remarks>
internal interface IClassicSystem<TSelf> where TSelf : unmanaged, IClassicSystem<TSelf>
{
    /// <summary>Name, spaces and limits.</summary>
    static abstract ClassicInfo Info { get; }

    /// <summary>Draws the first state of an episode.</summary>
    void Reset(Rng random);

    /// <summary>Takes an action: the number of a Discrete one, or a continuous value, clipped to its bounds.</summary>
    /// <returns>Whether the episode has reached an end of its own.</returns>
    bool Step(double action, out double reward);

    /// <summary>Writes the observation.</summary>
    void Observe(Span<float> row);

    /// <summary>Draws the state.</summary>
    void Draw(Canvas canvas);
}

/// <summary>What is constant in a problem.</summary>
/// <param name="Name">The name in its id, with the version.</param>
/// <param name="Summary">One line for lists.</param>
/// <param name="Observation">The space of observations.</param>
/// <param name="ActionNames">One name for each action, or empty if actions are continuous.</param>
/// <param name="ActionBound">The largest absolute value of a continuous action, or 0 if actions are Discrete.</param>
/// <param name="TimeLimit">Steps after which an episode is truncated.</param>
internal sealed record ClassicInfo(
    string Name, string Summary, Box Observation, string[] ActionNames, double ActionBound, int TimeLimit);
