namespace RlLeap.Environments;

/// <summary>An environment, or a request for one, is wrong. The message names the environment, the step and what to do.</summary>
public class EnvironmentException(string message, Exception? inner = null) : RlLeapException(message, inner)
{
    /// <summary>The error for an environment whose actions are not a finite set, which RlLeap's agents cannot take.</summary>
    /// <param name="id">The environment.</param>
    /// <param name="space">Its action space as its authors write it.</param>
    public static EnvironmentException ContinuousActions(string id, string space) => new(
        $"{id}: its actions are {space}, but RlLeap's agents choose from a finite set (Discrete). " +
        "Wrap it so that each of a few numbered actions stands for one value of that space.");
}
