// Standard output and error of a run that outlives the terminal it was started in.
using System.Text;

namespace RlLeap.Cli;

/// <summary>
/// A console's writer that falls silent when its terminal is gone (a closed window, a lost connection), so that a run
/// which ignores SIGHUP (nohup, disown) goes on.
/// </summary>
/// <remarks>Other errors are the caller's as before, and so are all of a redirected output.</remarks>
internal sealed class HangupSafeWriter(TextWriter inner) : TextWriter
{
    private const int NoTerminal = 5; // EIO: what a terminal without a window answers
    private volatile bool _gone;

    /// <summary>Puts one before each of the program's two outputs that is a terminal.</summary>
    public static void Install()
    {
        if (!Console.IsOutputRedirected) Console.SetOut(new HangupSafeWriter(Console.Out));
        if (!Console.IsErrorRedirected) Console.SetError(new HangupSafeWriter(Console.Error));
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
        catch (IOException e) when ((e.HResult & 0xffff) == NoTerminal) { _gone = true; }
    }
}
