namespace RlLeap.Environments;

/// <summary>Provides the environments of all ids with a prefix, such as "gym:" or "ALE/".</summary>
public interface IEnvironmentFamily
{
    /// <summary>The prefix of its ids.</summary>
    string Prefix { get; }

    /// <summary>One line for `rlleap envs list`.</summary>
    string Summary { get; }

    /// <summary>The ids that are known now. Empty if they cannot be known.</summary>
    IEnumerable<string> KnownIds();

    /// <summary>The entry of an id with the prefix and without options, or null if there is none.</summary>
    /// <exception cref="EnvironmentException">May say why there is none.</exception>
    EnvironmentEntry? Find(string id);
}
