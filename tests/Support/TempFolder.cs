// A folder for one test.
namespace RlLeap.Tests;

/// <summary>A fresh folder under the system's temporary one, deleted with everything in it by Dispose.</summary>
public sealed class TempFolder : IDisposable
{
    /// <summary>Full path of the folder.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("rlleap-test-").FullName;

    /// <summary>Full path of a file or folder in it; nothing is created.</summary>
    public string this[string relative] => Path.Combine(Root, relative);

    /// <summary>Writes a text file in it and gives its full path.</summary>
    public string Write(string relative, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[relative])!);
        File.WriteAllText(this[relative], text);
        return this[relative];
    }

    /// <summary>Writes a file of bytes in it and gives its full path.</summary>
    public string WriteBytes(string relative, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[relative])!);
        File.WriteAllBytes(this[relative], bytes);
        return this[relative];
    }

    public void Dispose()
    {
        try { Directory.Delete(Root, recursive: true); }
        catch (DirectoryNotFoundException) { } // the test removed it itself
    }
}
