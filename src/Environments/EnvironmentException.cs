namespace RlLeap.Environments;

/// <summary>
/// Something is wrong with an environment or with a request for one. The message names the environment, the step and
/// what to do.
/// </summary>
public class EnvironmentException(string message, Exception? inner = null) : RlLeapException(message, inner)
{
    /// <summary>
    /// The error for an environment whose actions are not a finite set. RlLeap's agents cannot use it.
    /// </summary>
    /// <param name="id">The environment.</param>
    /// <param name="space">Its action space, in its own notation.</param>
    public static EnvironmentException ContinuousActions(string id, string space) => new(
        $"{id}: its actions are {space}, but RlLeap's agents choose from a finite set (Discrete). " +
        "Wrap it so that each of a few numbered actions stands for one value of that space.");
}
