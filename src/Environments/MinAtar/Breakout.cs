using System.Runtime.InteropServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>Breakout: keep the ball in play. Each brick it removes gives a reward of 1.</summary>
/// <remarks>
/// The ball moves one cell diagonally per step and leaves a trail of one cell. It bounces off walls, bricks (rows 1 to
/// 3) and the paddle (row 9). When it bounces off a brick or the paddle, it stays in its row for that step. After it
/// has removed a brick it passes through bricks until it is outside them. Once all bricks are gone, they come back when
/// the ball next reaches the paddle's row. Missing the ball ends the episode.
/// </remarks>
internal struct Breakout : IGame<Breakout>
{
    private const uint FullWall = (1u << 30) - 1;
    private const int FirstBrick = 10; // bit 0 of the wall is the cell in row 1, column 0

    public static GameInfo Info { get; } = new("Breakout", "keep the ball in play and clear the wall", [0, 1, 3],
        ["paddle", "ball", "trail", "brick"], [0xFFFFFF, 0xFFC72C, 0x5A5A78, 0xC8553D]);

    private uint _wall;
    private sbyte _paddle, _x, _y, _trailX, _trailY, _dx, _dy;
    private bool _struck; // the ball was inside a brick in the step before, so it removes none in this step

    public void Reset(ref Mt19937 random)
    {
        var right = random.NextInt(2) == 1;
        (_x, _y) = ((sbyte)(right ? 9 : 0), 3);
        (_dx, _dy) = ((sbyte)(right ? -1 : 1), 1);
        (_trailX, _trailY) = (_x, _y);
        (_paddle, _wall, _struck) = (4, FullWall, false);
    }

    public int Step(int action, bool ramping, ref Mt19937 random, ref bool ended)
    {
        _paddle = (sbyte)Math.Clamp(_paddle + Movement.Horizontal[action], 0, 9);
        (_trailX, _trailY) = (_x, _y);
        var x = _x + _dx;
        var y = _y + _dy;
        if ((uint)x > 9)
        {
            x = x < 0 ? 0 : 9;
            _dx = (sbyte)-_dx;
        }
        var reward = 0;
        var brick = BrickAt(x, y);
        if (y < 0)
        {
            y = 0;
            _dy = (sbyte)-_dy;
        }
        else if ((_wall & brick) != 0)
        {
            if (!_struck)
            {
                _wall &= ~brick;
                reward = 1;
                y = _y;
                _dy = (sbyte)-_dy;
            }
            _struck = true;
            (_x, _y) = ((sbyte)x, (sbyte)y);
            return reward;
        }
        else if (y == 9)
        {
            if (_wall == 0) _wall = FullWall;
            if (_x == _paddle || x == _paddle)
            {
                // A ball right above the paddle goes up. A ball that meets the paddle diagonally goes back where it
                // came from.
                if (_x != _paddle) _dx = (sbyte)-_dx;
                _dy = (sbyte)-_dy;
                y = _y;
            }
            else ended = true;
        }
        _struck = false;
        (_x, _y) = ((sbyte)x, (sbyte)y);
        return reward;
    }

    private static uint BrickAt(int x, int y)
    {
        var bit = 10 * y + x - FirstBrick;
        return (uint)bit < 30 ? 1u << bit : 0;
    }

    public readonly void Draw(Span<byte> planes)
    {
        planes[90 + _paddle] = 1;
        planes[100 + 10 * _y + _x] = 1;
        planes[200 + 10 * _trailY + _trailX] = 1;
        // The wall is 30 bits, written as four times eight cells. The two extra cells are in row 4 and stay 0.
        var wall = planes.Slice(300 + FirstBrick, 32);
        for (var i = 0; i < 4; i++) MemoryMarshal.Write(wall[(8 * i)..], BitBoard.Spread((byte)(_wall >> 8 * i)));
    }
}
