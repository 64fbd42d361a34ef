using System.Numerics;
using System.Runtime.CompilerServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>Asterix: collect gold and avoid enemies.</summary>
/// <remarks>
/// The player moves in rows 1 to 8. Each of these rows holds at most one object. It is gold (one in three) or an enemy,
/// enters at one side and crosses to the other. Gold gives a reward of 1 on contact. Contact with an enemy ends the
/// episode. With ramping, objects appear more often and move faster every 102 steps, until both happen in every step.
/// </remarks>
internal struct Asterix : IGame<Asterix>
{
    private const int Slots = 8, FirstSpawnInterval = 10, FirstMoveInterval = 5, RampInterval = 100;

    public static GameInfo Info { get; } = new("Asterix", "collect gold, avoid enemies, ever faster", [0, 1, 2, 3, 4],
        ["player", "enemy", "trail", "gold"], [0xFFFFFF, 0xE03C31, 0x5A5A78, 0xFFC72C]);

    // Slot i is row i+1. A slot is one bit of these two masks.
    private byte _occupied, _gold;
    private sbyte _x, _y;
    private Row _columns, _directions;
    private int _spawnInterval, _spawnCountdown, _moveInterval, _moveCountdown, _rampCountdown, _ramp;

    public void Reset(ref Mt19937 random)
    {
        (_x, _y) = (5, 5);
        (_occupied, _gold) = (0, 0);
        _spawnInterval = _spawnCountdown = FirstSpawnInterval;
        _moveInterval = _moveCountdown = FirstMoveInterval;
        (_rampCountdown, _ramp) = (RampInterval, 0);
    }

    public int Step(int action, bool ramping, ref Mt19937 random, ref bool ended)
    {
        if (_spawnCountdown == 0) Spawn(ref random);
        // Both tables are 0 for every action that is not a move.
        _x = (sbyte)Math.Clamp(_x + Movement.Horizontal[action], 0, 9);
        _y = (sbyte)Math.Clamp(_y + Movement.Vertical[action], 1, 8);
        // The only object that can be in contact with the player is the one in its row.
        var reward = Contact(ref ended);
        if (_moveCountdown == 0)
        {
            _moveCountdown = _moveInterval;
            MoveObjects();
            reward += Contact(ref ended);
        }
        _spawnCountdown--;
        _moveCountdown--;
        if (ramping && (_spawnInterval > 1 || _moveInterval > 1)) Ramp();
        return reward;
    }

    private void Spawn(ref Mt19937 random)
    {
        _spawnCountdown = _spawnInterval;
        var right = random.NextDouble() < 0.5;
        var gold = random.NextDouble() < 1.0 / 3.0;
        var free = (uint)(byte)~_occupied;
        if (free == 0) return;
        for (var skip = random.NextInt(BitOperations.PopCount(free)); skip > 0; skip--) free &= free - 1;
        var slot = BitOperations.TrailingZeroCount(free);
        _occupied |= (byte)(1 << slot);
        _gold = (byte)(gold ? _gold | 1 << slot : _gold & ~(1 << slot));
        _columns[slot] = (sbyte)(right ? 0 : 9);
        _directions[slot] = (sbyte)(right ? 1 : -1);
    }

    private int Contact(ref bool ended)
    {
        var slot = _y - 1;
        if ((_occupied >> slot & 1) == 0 || _columns[slot] != _x) return 0;
        if ((_gold >> slot & 1) == 0)
        {
            ended = true;
            return 0;
        }
        _occupied &= (byte)~(1 << slot);
        return 1;
    }

    private void MoveObjects()
    {
        for (var left = (uint)_occupied; left != 0; left &= left - 1)
        {
            var slot = BitOperations.TrailingZeroCount(left);
            var column = _columns[slot] + _directions[slot];
            _columns[slot] = (sbyte)column;
            if ((uint)column > 9) _occupied &= (byte)~(1 << slot);
        }
    }

    private void Ramp()
    {
        if (_rampCountdown >= 0)
        {
            _rampCountdown--;
            return;
        }
        if (_moveInterval > 1 && (_ramp & 1) == 1) _moveInterval--;
        if (_spawnInterval > 1) _spawnInterval--;
        _ramp++;
        _rampCountdown = RampInterval;
    }

    public readonly void Draw(Span<byte> planes)
    {
        planes[10 * _y + _x] = 1;
        for (var left = (uint)_occupied; left != 0; left &= left - 1)
        {
            var slot = BitOperations.TrailingZeroCount(left);
            var cell = 10 * (slot + 1) + _columns[slot];
            planes[100 + 200 * (_gold >> slot & 1) + cell] = 1;
            var behind = _columns[slot] - _directions[slot];
            if ((uint)behind <= 9) planes[200 + 10 * (slot + 1) + behind] = 1;
        }
    }

    [InlineArray(Slots)]
    private struct Row
    {
        private sbyte _first;
    }
}
