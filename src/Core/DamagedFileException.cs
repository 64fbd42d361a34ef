namespace RlLeap;

/// <summary>A file that RlLeap wrote is not what was written: it is cut off, or its checksum is another one.</summary>
/// <remarks>Callers that can do without the file set it aside (<see cref="SetAside"/>) and say so.</remarks>
public sealed class DamagedFileException(string path, string message, Exception? inner = null)
    : RlLeapException(message, inner)
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;

    /// <summary>Renames a damaged file to NAME.damaged, in the place of an earlier one; returns the new name.</summary>
    /// <exception cref="RlLeapException">It cannot be renamed.</exception>
    public static string SetAside(string path)
    {
        var aside = path + ".damaged";
        try { File.Move(path, aside, overwrite: true); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RlLeapException($"{path} is damaged and cannot be renamed: {SystemErrors.Explain(e)}", e);
        }
        return aside;
    }
}
