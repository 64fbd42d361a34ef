using System.Security.Cryptography;
using System.Text;

namespace RlLeap.Cli.Runs;

/// <summary>What tells the content of files, and texts, apart.</summary>
internal static class FileHash
{
    /// <summary>The SHA-256 of a file, in hexadecimal digits. Others may write the file meanwhile.</summary>
    public static string Of(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>The SHA-256 of a text as UTF-8, in hexadecimal digits.</summary>
    public static string OfText(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
