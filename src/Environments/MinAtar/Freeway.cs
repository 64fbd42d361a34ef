using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RlLeap.Environments.MinAtar;

/// <summary>Freeway: cross eight lanes of cars as often as possible in 2,501 steps; 1 for each crossing.</summary>
/// <remarks>
/// The chicken stays in column 4 and moves up or down at most every third step. A car of class s moves every s+1 steps
/// and wraps around at the edges. A hit sends the chicken back to row 9. Reaching row 0 gives the reward and also sends
/// it back. All cars then get new classes and directions.
/// </remarks>
internal struct Freeway : IGame<Freeway>
{
    private const int Cars = 8, ChickenColumn = 4, MoveCooldown = 3, TimeLimit = 2500;

    public static GameInfo Info { get; } = new("Freeway", "cross eight lanes of cars, again and again", [0, 2, 4],
        ["chicken", "car", "speed 1", "speed 2", "speed 3", "speed 4", "speed 5"],
        [0xFFFFFF, 0xE03C31, 0x1D4E89, 0x2E86AB, 0x3DBE8B, 0xA1C349, 0xF2D16B]);

    // Car i is in row i+1. Directions are 1 or -1. Classes and countdowns are numbers of steps.
    private Row _columns, _classes, _directions, _countdowns;
    private int _row, _moveCountdown, _timeCountdown;

    public void Reset(ref Mt19937 random)
    {
        Randomise(ref random);
        _columns = default;
        (_row, _moveCountdown, _timeCountdown) = (9, MoveCooldown, TimeLimit);
    }

    private void Randomise(ref Mt19937 random)
    {
        for (var i = 0; i < Cars; i++) _classes[i] = (sbyte)(1 + random.NextInt(5));
        // The original fails for exactly 1/2 (probability 2^-53). Here such a car moves left.
        for (var i = 0; i < Cars; i++) _directions[i] = (sbyte)(random.NextDouble() > 0.5 ? 1 : -1);
        _countdowns = _classes;
    }

    public int Step(int action, bool ramping, ref Mt19937 random, ref bool ended)
    {
        var reward = 0;
        var move = Movement.Vertical[action];
        if (move != 0 && _moveCountdown == 0)
        {
            _moveCountdown = MoveCooldown;
            _row = Math.Clamp(_row + move, 0, 9);
        }
        if (_row == 0)
        {
            reward = 1;
            Randomise(ref random);
            _row = 9;
        }
        // Only the car in the chicken's lane can hit it, before or after the cars move. Rows 0 and 9 have no lane.
        var lane = _row - 1;
        var hit = (uint)lane < Cars && _columns[lane] == ChickenColumn;
        MoveCars();
        if (hit || ((uint)lane < Cars && _columns[lane] == ChickenColumn)) _row = 9;
        if (_moveCountdown > 0) _moveCountdown--;
        if (--_timeCountdown < 0) ended = true;
        return reward;
    }

    /// <summary>Moves the cars of all eight lanes: a countdown of 0 is reset and its car moves.</summary>
    private void MoveCars()
    {
        var columns = Load(ref _columns);
        var countdowns = Load(ref _countdowns);
        var moves = Vector128.Equals(countdowns, Vector128<sbyte>.Zero);
        columns += moves & Load(ref _directions);
        var leftEdge = Vector128.Equals(columns, Vector128.Create((sbyte)-1));
        columns = Vector128.ConditionalSelect(leftEdge, Vector128.Create((sbyte)9), columns);
        var rightEdge = Vector128.Equals(columns, Vector128.Create((sbyte)10));
        columns = Vector128.ConditionalSelect(rightEdge, Vector128<sbyte>.Zero, columns);
        Store(ref _columns, columns);
        var reduced = countdowns - Vector128<sbyte>.One;
        Store(ref _countdowns, Vector128.ConditionalSelect(moves, Load(ref _classes), reduced));
    }

    private static Vector128<sbyte> Load(ref Row row) =>
        Vector128.CreateScalar(Unsafe.As<Row, long>(ref row)).AsSByte();

    private static void Store(ref Row row, Vector128<sbyte> values) =>
        Unsafe.As<Row, long>(ref row) = values.AsInt64().ToScalar();

    public readonly void Draw(Span<byte> planes)
    {
        planes[10 * _row + ChickenColumn] = 1;
        for (var i = 0; i < Cars; i++)
        {
            var lane = 10 * (i + 1);
            var column = _columns[i];
            var behind = column - _directions[i];
            behind = behind < 0 ? 9 : behind > 9 ? 0 : behind;
            planes[100 + lane + column] = 1;
            planes[100 * (1 + _classes[i]) + lane + behind] = 1;
        }
    }

    [InlineArray(Cars)]
    private struct Row
    {
        private sbyte _first;
    }
}
