namespace RlLeap.Data;

/// <summary>A data set's file is missing, damaged or not what it should be; names the file and why.</summary>
public sealed class DataException(string file, string reason, Exception? inner = null)
    : RlLeapException($"{file}: {reason}", inner)
{
    /// <summary>The file, or the entry of an archive as "archive.zip!folder/entry.png".</summary>
    public string File { get; } = file;

    /// <summary>What is wrong with it.</summary>
    public string Reason { get; } = reason;
}
