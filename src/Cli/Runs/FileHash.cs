using System.Security.Cryptography;

namespace RlLeap.Cli.Runs;

/// <summary>What tells the content of files apart.</summary>
internal static class FileHash
{
    /// <summary>The SHA-256 of a file, in hexadecimal digits. Others may write the file meanwhile.</summary>
    public static string Of(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
