using System.Numerics;

namespace RlLeap.Environments.MinAtar;

/// <summary>Space Invaders: shoot the aliens before they shoot you or land. Each gives a reward of 1.</summary>
/// <remarks>
/// The cannon moves along row 9 and fires at most every fifth step. 24 aliens march sideways. At the edges they turn
/// and come down one row. They move every min(aliens left, interval) steps, so they get faster as they get fewer. Every
/// tenth step, the lowest alien in the column nearest to the cannon fires. The episode ends if a bullet or an alien is
/// in the cannon's cell, or if aliens turn while one is in row 9. When all aliens are gone, the next wave comes. With
/// ramping, the interval gets shorter with each wave, from 12 down to 6.
/// </remarks>
internal struct SpaceInvaders : IGame<SpaceInvaders>
{
    private const int FirstInterval = 12, LastInterval = 6, AlienShotInterval = 10, GunCooldown = 5;

    public static GameInfo Info { get; } = new("SpaceInvaders", "shoot the aliens before they land", [0, 1, 3, 5],
        ["cannon", "alien", "aliens moving left", "aliens moving right", "friendly bullet", "enemy bullet"],
        [0xFFFFFF, null, 0x3DBE8B, 0x2E86AB, 0xFFC72C, 0xE03C31]);

    private Board _aliens, _friendly, _enemy;
    private sbyte _cannon, _direction;
    private int _interval, _moveCountdown, _shotCountdown, _gunCountdown, _ramp;

    public void Reset(ref Mt19937 random)
    {
        (_aliens, _friendly, _enemy) = (Board.Wave, default, default);
        (_cannon, _direction) = (5, -1);
        (_interval, _moveCountdown) = (FirstInterval, FirstInterval);
        (_shotCountdown, _gunCountdown, _ramp) = (AlienShotInterval, 0, 0);
    }

    public int Step(int action, bool ramping, ref Mt19937 random, ref bool ended)
    {
        if (action == Actions.Fire && _gunCountdown == 0)
        {
            _friendly = _friendly.With(9, _cannon);
            _gunCountdown = GunCooldown;
        }
        _cannon = (sbyte)Math.Clamp(_cannon + Movement.Horizontal[action], 0, 9);
        _friendly = _friendly.Up();
        _enemy = _enemy.Down();
        if (_enemy.Has(9, _cannon) || _aliens.Has(9, _cannon)) ended = true;
        if (_moveCountdown == 0) March(ref ended);
        if (_shotCountdown == 0)
        {
            _shotCountdown = AlienShotInterval;
            Shoot();
        }
        var hits = _aliens & _friendly;
        var reward = hits.Count;
        if (reward > 0)
        {
            _aliens = _aliens.Without(hits);
            _friendly = _friendly.Without(hits);
        }
        if (_gunCountdown > 0) _gunCountdown--;
        _moveCountdown--;
        _shotCountdown--;
        if (_aliens.IsEmpty)
        {
            if (ramping && _interval > LastInterval)
            {
                _interval--;
                _ramp++;
            }
            _aliens = Board.Wave;
        }
        return reward;
    }

    private void March(ref bool ended)
    {
        _moveCountdown = Math.Min(_aliens.Count, _interval);
        if (_aliens.TouchesColumn(_direction < 0 ? 0 : 9))
        {
            _direction = (sbyte)-_direction;
            if (_aliens.TouchesRow(9)) ended = true;
            _aliens = _aliens.DownAround();
        }
        else _aliens = _direction < 0 ? _aliens.Left() : _aliens.Right();
        if (_aliens.Has(9, _cannon)) ended = true;
    }

    private void Shoot()
    {
        var columns = _aliens.Columns;
        for (var distance = 0; distance < 10; distance++)
        {
            var column = _cannon - distance;
            if (column < 0 || (columns >> column & 1) == 0) column = _cannon + distance;
            if (column > 9 || (columns >> column & 1) == 0) continue;
            var row = 9;
            while (!_aliens.Has(row, column)) row--;
            _enemy = _enemy.With(row, column);
            return;
        }
    }

    public readonly void Draw(Span<byte> planes)
    {
        planes[90 + _cannon] = 1;
        _aliens.Draw(planes[100..200]);
        planes[100..200].CopyTo(planes[(_direction < 0 ? 200 : 300)..]);
        _friendly.DrawFew(planes[400..500]);
        _enemy.DrawFew(planes[500..600]);
    }

    /// <summary>A set of cells. Each half of the board has 50 bits, ten for a row, with column 0 lowest.</summary>
    private readonly record struct Board(ulong Top, ulong Bottom)
    {
        private const int Half = 50;
        private const ulong HalfMask = (1UL << Half) - 1, RowMask = 0x3FF;
        private const ulong FirstColumn = 1UL | 1UL << 10 | 1UL << 20 | 1UL << 30 | 1UL << 40;
        private const ulong WaveRow = 0b0011111100;

        /// <summary>24 aliens in rows 0 to 3 and columns 2 to 7.</summary>
        public static readonly Board Wave = new(WaveRow | WaveRow << 10 | WaveRow << 20 | WaveRow << 30, 0);

        public int Count => BitOperations.PopCount(Top) + BitOperations.PopCount(Bottom);
        public bool IsEmpty => (Top | Bottom) == 0;

        public bool Has(int row, int column) =>
            ((row < 5 ? Top >> 10 * row : Bottom >> 10 * (row - 5)) >> column & 1) != 0;
        public bool TouchesColumn(int column) => ((Top | Bottom) & FirstColumn << column) != 0;
        public bool TouchesRow(int row) => ((row < 5 ? Top >> 10 * row : Bottom >> 10 * (row - 5)) & RowMask) != 0;

        /// <summary>The occupied columns as ten bits.</summary>
        public uint Columns
        {
            get
            {
                var all = Top | Bottom;
                return (uint)((all | all >> 10 | all >> 20 | all >> 30 | all >> 40) & RowMask);
            }
        }

        public static Board operator &(Board a, Board b) => new(a.Top & b.Top, a.Bottom & b.Bottom);
        public Board Without(Board other) => new(Top & ~other.Top, Bottom & ~other.Bottom);
        public Board With(int row, int column) => row < 5
            ? this with { Top = Top | 1UL << 10 * row + column }
            : this with { Bottom = Bottom | 1UL << 10 * (row - 5) + column };

        public Board Left() => new(Top >> 1, Bottom >> 1);
        public Board Right() => new(Top << 1, Bottom << 1);
        public Board Up() => new(Top >> 10 | (Bottom & RowMask) << 40, Bottom >> 10);
        public Board Down() => new(Top << 10 & HalfMask, (Bottom << 10 | Top >> 40) & HalfMask);

        /// <summary>All cells one row down. The last row becomes the first.</summary>
        public Board DownAround() => new((Top << 10 | Bottom >> 40) & HalfMask, (Bottom << 10 | Top >> 40) & HalfMask);

        /// <summary>Writes all 100 cells.</summary>
        public void Draw(Span<byte> plane)
        {
            DrawHalf(Top, plane[..Half]);
            DrawHalf(Bottom, plane[Half..]);
        }

        private static void DrawHalf(ulong bits, Span<byte> cells)
        {
            for (var i = 0; i < 48; i += 8)
                System.Runtime.InteropServices.MemoryMarshal.Write(cells[i..], BitBoard.Spread((byte)(bits >> i)));
            cells[48] = (byte)(bits >> 48 & 1);
            cells[49] = (byte)(bits >> 49 & 1);
        }

        /// <summary>Sets the cells of this set one by one. Faster than <see cref="Draw"/> for a few cells.</summary>
        public void DrawFew(Span<byte> plane)
        {
            for (var left = Top; left != 0; left &= left - 1) plane[BitOperations.TrailingZeroCount(left)] = 1;
            for (var left = Bottom; left != 0; left &= left - 1)
                plane[Half + BitOperations.TrailingZeroCount(left)] = 1;
        }
    }
}
