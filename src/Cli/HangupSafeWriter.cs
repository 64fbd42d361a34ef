using System.Text;

namespace RlLeap.Cli;

/// <summary>
/// A console's writer that falls silent when nobody reads it any more, so that a run goes on: a terminal that is gone
/// (a closed window, a lost connection, under nohup or disown), a pipe whose reader has left (rlleap ... | head), an
/// output that was closed.
/// </summary>
/// <remarks>Other errors are the caller's as before: of a full disk, for one.</remarks>
internal sealed class HangupSafeWriter(TextWriter inner) : TextWriter
{
    private const int Closed = 9; // EBADF
    private volatile bool _gone;

    /// <summary>Puts one before each of the program's two outputs.</summary>
    public static void Install()
    {
        Console.SetOut(new HangupSafeWriter(Console.Out));
        Console.SetError(new HangupSafeWriter(Console.Error));
    }

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(() => inner.Write(value));
    public override void Write(char[] buffer, int index, int count) => Try(() => inner.Write(buffer, index, count));
    public override void Write(string? value) => Try(() => inner.Write(value));
    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value)); // in one piece
    public override void Flush() => Try(inner.Flush);

    private void Try(Action write)
    {
        if (_gone) return;
        try { write(); }
        catch (IOException e) when (SystemErrors.IsReaderGone(e) || (e.HResult & 0xffff) == Closed) { _gone = true; }
        // What was closed before the program began has the number of a file that the runtime only reads.
        catch (UnauthorizedAccessException) { _gone = true; }
    }
}
