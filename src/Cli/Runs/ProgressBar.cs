using System.Text;

namespace RlLeap.Cli.Runs;

/// <summary>How far something is, as a bar of letters.</summary>
/// <param name="Width">Its letters.</param>
/// <param name="Lines">Whether the terminal shows lines; else it is made of # and dots.</param>
/// <param name="Colour">Whether the terminal shows colours.</param>
internal sealed record ProgressBar(int Width, bool Lines, bool Colour)
{
    private const string Cyan = "\e[36m", Green = "\e[32m", Grey = "\e[90m", Plain = "\e[39m";

    /// <summary>The bar of a part: 0 nothing, 1 all.</summary>
    public string Of(double part)
    {
        var done = double.IsFinite(part) ? (int)Math.Floor(Math.Clamp(part, 0, 1) * Width) : 0;
        var (full, left) = Lines ? ('━', '─') : ('#', '.');
        if (!Colour) return new string(full, done) + new string(left, Width - done);
        var text = new StringBuilder();
        if (done > 0) text.Append(done == Width ? Green : Cyan).Append(full, done);
        if (done < Width) text.Append(Grey).Append(left, Width - done);
        return text.Append(Plain).ToString();
    }
}
