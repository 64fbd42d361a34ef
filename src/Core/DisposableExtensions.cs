namespace RlLeap;

/// <summary>Helpers for what has to be disposed.</summary>
public static class DisposableExtensions
{
    /// <summary>Does more with what was just made, and disposes it if that fails.</summary>
    /// <param name="made">What was made.</param>
    /// <param name="prepare">What is done with it.</param>
    /// <returns>What was made.</returns>
    public static T DisposeOnError<T>(this T made, Action<T> prepare) where T : IDisposable
    {
        try
        {
            prepare(made);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }
}
