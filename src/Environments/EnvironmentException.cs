namespace RlLeap.Environments;

/// <summary>Something is wrong with an environment, or a request for one: which, at which step, what to do.</summary>
public class EnvironmentException(string message, Exception? inner = null) : RlLeapException(message, inner)
{
    /// <summary>What is too long for a message: the traceback of Python's exception; null for nothing more.</summary>
    public string? Details { get => field ?? (InnerException as EnvironmentException)?.Details; init; }

    /// <summary>The error for an environment whose actions are of a kind that RlLeap does not know.</summary>
    /// <param name="id">The environment.</param>
    /// <param name="space">Its action space, in its own notation.</param>
    public static EnvironmentException UnknownActions(string id, string space) => new(
        $"{id}: its actions are {space}, but RlLeap takes Discrete, MultiDiscrete, MultiBinary, Box, Dict and Tuple "
        + "ones. Wrap the environment so that its actions are of these.");
}
