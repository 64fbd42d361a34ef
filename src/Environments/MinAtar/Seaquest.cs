using System.Runtime.CompilerServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>Seaquest: shoot fish and submarines (a reward of 1 each), collect divers, and surface for air.</summary>
/// <remarks>
/// <para>Enemies and divers cross rows 1 to 8. Enemy submarines fire. The episode ends when the player touches an enemy
/// or its bullet, when the oxygen is used up (200 steps under water), or when it surfaces without a diver. Only the
/// front cell of the player's submarine collides.</para>
/// <para>Surfacing refills the oxygen and removes one diver. With six divers aboard it also pays up to 10 for the
/// oxygen left, and removes all six before the one. The number of divers is then -1. Surfacing is allowed with -1, but
/// not with 0. With ramping, enemies appear more often and move faster after every surfacing.</para>
/// </remarks>
internal struct Seaquest : IGame<Seaquest>
{
    private const int FullOxygen = 200, FullLoad = 6, FirstSpawnInterval = 20, DiverInterval = 30;
    private const int FirstMoveInterval = 5, LastMoveInterval = 2, DiverMoveInterval = 5;
    private const int GunCooldown = 5, EnemyGunInterval = 10;

    public static GameInfo Info { get; } = new(
        "Seaquest", "shoot, rescue divers and come up for air", [0, 1, 2, 3, 4, 5],
        ["submarine front", "submarine back", "friendly bullet", "trail", "enemy bullet", "enemy fish",
            "enemy submarine", "oxygen gauge", "diver gauge", "diver"],
        [0xFFFFFF, 0xA8A8A8, 0xFFC72C, 0x3A3A5A, 0xFF7F11, 0xE03C31, 0xB23AEE, 0x2E86AB, 0x3DBE8B, 0xA1C349]);

    private School _friendlyBullets, _enemyBullets, _fish, _submarines, _divers;
    private sbyte _x, _y, _facing;
    private bool _atSurface;
    private int _oxygen, _aboard, _spawnInterval, _spawnCountdown, _diverCountdown, _moveInterval, _gunCountdown, _ramp;

    public void Reset(ref Mt19937 random)
    {
        _friendlyBullets.Count = _enemyBullets.Count = _fish.Count = _submarines.Count = _divers.Count = 0;
        (_x, _y, _facing, _atSurface) = (5, 0, -1, true);
        (_oxygen, _aboard) = (FullOxygen, 0);
        _spawnInterval = _spawnCountdown = FirstSpawnInterval;
        (_diverCountdown, _moveInterval, _gunCountdown, _ramp) = (DiverInterval, FirstMoveInterval, 0, 0);
    }

    public int Step(int action, bool ramping, ref Mt19937 random, ref bool ended)
    {
        if (_spawnCountdown == 0) SpawnEnemy(ref random);
        if (_diverCountdown == 0) SpawnDiver(ref random);
        MovePlayer(action);
        var reward = MoveFriendlyBullets();
        MoveDivers();
        reward += MoveEnemies(ref _submarines, true, ref ended);
        MoveEnemyBullets(ref ended);
        reward += MoveEnemies(ref _fish, false, ref ended);
        if (_spawnCountdown > 0) _spawnCountdown--;
        if (_diverCountdown > 0) _diverCountdown--;
        if (_gunCountdown > 0) _gunCountdown--;
        return reward + Breathe(ramping, ref ended);
    }

    private void SpawnEnemy(ref Mt19937 random)
    {
        _spawnCountdown = _spawnInterval;
        var right = random.NextDouble() < 0.5;
        var submarine = random.NextDouble() < 1.0 / 3.0;
        var row = 1 + random.NextInt(8);
        var direction = right ? 1 : -1;
        if (_submarines.Opposes(row, direction) || _fish.Opposes(row, direction)) return;
        var enemy = new Thing(row, right ? 0 : 9, direction, _moveInterval, EnemyGunInterval);
        if (submarine) _submarines.Add(enemy);
        else _fish.Add(enemy);
    }

    private void SpawnDiver(ref Mt19937 random)
    {
        _diverCountdown = DiverInterval;
        var right = random.NextDouble() < 0.5;
        _divers.Add(new Thing(1 + random.NextInt(8), right ? 0 : 9, right ? 1 : -1, DiverMoveInterval));
    }

    private void MovePlayer(int action)
    {
        if (action == Actions.Fire)
        {
            if (_gunCountdown > 0) return;
            _friendlyBullets.Add(new Thing(_y, _x, _facing));
            _gunCountdown = GunCooldown;
            return;
        }
        var move = Movement.Horizontal[action];
        if (move != 0) _facing = move;
        _x = (sbyte)Math.Clamp(_x + move, 0, 9);
        _y = (sbyte)Math.Clamp(_y + Movement.Vertical[action], 0, 8);
    }

    private int MoveFriendlyBullets()
    {
        var reward = 0;
        for (var i = _friendlyBullets.Count - 1; i >= 0; i--)
        {
            ref var bullet = ref _friendlyBullets.At(i);
            if (!bullet.Move()) _friendlyBullets.RemoveAt(i);
            else if (_fish.RemoveOldestAt(bullet) || _submarines.RemoveOldestAt(bullet))
            {
                _friendlyBullets.RemoveAt(i);
                reward++;
            }
        }
        return reward;
    }

    private void MoveDivers()
    {
        for (var i = _divers.Count - 1; i >= 0; i--)
        {
            ref var diver = ref _divers.At(i);
            if (_aboard < FullLoad && IsPlayerAt(diver)) PickUp(i);
            else if (diver.Countdown > 0) diver.Countdown--;
            else
            {
                diver.Countdown = DiverMoveInterval;
                if (!diver.Move()) _divers.RemoveAt(i);
                else if (_aboard < FullLoad && IsPlayerAt(diver)) PickUp(i);
            }
        }
    }

    private void PickUp(int diver)
    {
        _divers.RemoveAt(diver);
        _aboard++;
    }

    private int MoveEnemies(ref School enemies, bool armed, ref bool ended)
    {
        var reward = 0;
        for (var i = enemies.Count - 1; i >= 0; i--)
        {
            ref var enemy = ref enemies.At(i);
            if (IsPlayerAt(enemy)) ended = true;
            var gone = false;
            if (enemy.Countdown > 0) enemy.Countdown--;
            else
            {
                enemy.Countdown = (sbyte)_moveInterval;
                if (!enemy.Move()) gone = true;
                else if (IsPlayerAt(enemy)) ended = true;
                else if (_friendlyBullets.RemoveOldestAt(enemy))
                {
                    gone = true;
                    reward++;
                }
            }
            // A submarine that leaves the board or is shot in this step can still fire its last bullet.
            if (armed) Aim(ref enemy);
            if (gone) enemies.RemoveAt(i);
        }
        return reward;
    }

    private void Aim(ref Thing submarine)
    {
        if (submarine.Gun-- > 0) return;
        submarine.Gun = EnemyGunInterval;
        _enemyBullets.Add(new Thing(submarine.Row, submarine.Column, submarine.Direction));
    }

    private void MoveEnemyBullets(ref bool ended)
    {
        for (var i = _enemyBullets.Count - 1; i >= 0; i--)
        {
            ref var bullet = ref _enemyBullets.At(i);
            if (IsPlayerAt(bullet)) ended = true;
            if (!bullet.Move()) _enemyBullets.RemoveAt(i);
            else if (IsPlayerAt(bullet)) ended = true;
        }
    }

    private int Breathe(bool ramping, ref bool ended)
    {
        if (_oxygen <= 0) ended = true;
        if (_y > 0)
        {
            _oxygen--;
            _atSurface = false;
            return 0;
        }
        if (_atSurface) return 0;
        if (_aboard == 0)
        {
            ended = true;
            return 0;
        }
        _atSurface = true;
        var isFull = _aboard == FullLoad;
        var reward = isFull ? _oxygen * 10 / FullOxygen : 0;
        (_oxygen, _aboard) = (FullOxygen, (isFull ? 0 : _aboard) - 1);
        if (ramping && (_spawnInterval > 1 || _moveInterval > LastMoveInterval))
        {
            if (_moveInterval > LastMoveInterval && (_ramp & 1) == 1) _moveInterval--;
            if (_spawnInterval > 1) _spawnInterval--;
            _ramp++;
        }
        return reward;
    }

    private readonly bool IsPlayerAt(in Thing thing) => thing.Row == _y && thing.Column == _x;

    public void Draw(Span<byte> planes)
    {
        planes[10 * _y + _x] = 1;
        // At an edge, the submarine can only turn by moving away from it. So its back is always on the board.
        planes[100 + 10 * _y + _x - _facing] = 1;
        planes.Slice(700 + 90, Math.Max(_oxygen, 0) * 10 / FullOxygen).Fill(1);
        if (_aboard > 0) planes.Slice(800 + 99 - _aboard, _aboard).Fill(1);
        foreach (ref readonly var bullet in _friendlyBullets.Items) planes[200 + bullet.Cell] = 1;
        foreach (ref readonly var bullet in _enemyBullets.Items) planes[400 + bullet.Cell] = 1;
        DrawWithTrail(_fish.Items, planes[500..600], planes[300..400]);
        DrawWithTrail(_submarines.Items, planes[600..700], planes[300..400]);
        DrawWithTrail(_divers.Items, planes[900..1000], planes[300..400]);
    }

    private static void DrawWithTrail(ReadOnlySpan<Thing> things, Span<byte> plane, Span<byte> trail)
    {
        foreach (ref readonly var thing in things)
        {
            plane[thing.Cell] = 1;
            var behind = thing.Column - thing.Direction;
            if ((uint)behind <= 9) trail[10 * thing.Row + behind] = 1;
        }
    }

    /// <summary>A fish, submarine, diver or bullet: cell, direction, steps until it moves and until it fires.</summary>
    private struct Thing(int row, int column, int direction, int countdown = 0, int gun = 0)
    {
        public sbyte Row = (sbyte)row, Column = (sbyte)column, Direction = (sbyte)direction,
            Countdown = (sbyte)countdown, Gun = (sbyte)gun;

        public readonly int Cell => 10 * Row + Column;

        /// <summary>Moves one column in its direction. Returns false if that is off the board.</summary>
        public bool Move()
        {
            Column += Direction;
            return (uint)Column <= 9;
        }
    }

    /// <summary>A list of things, the oldest first.</summary>
    /// <remarks>
    /// No list can need more than the capacity. At most one enemy comes per step, and it leaves the board within 60
    /// steps. A bullet leaves within 10 steps, and a submarine fires at most once in that time. At most 71 submarines
    /// exist during these 10 steps, so there are at most 71 bullets.
    /// </remarks>
    private struct School
    {
        private const int Capacity = 72;

        public int Count;
        private Array _things;

        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        public Span<Thing> Items => ((Span<Thing>)_things)[..Count];

        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        public ref Thing At(int index) => ref _things[index];

        public void Add(Thing thing) => _things[Count++] = thing;

        public void RemoveAt(int index)
        {
            Count--;
            for (var i = index; i < Count; i++) _things[i] = _things[i + 1];
        }

        public bool RemoveOldestAt(in Thing where)
        {
            for (var i = 0; i < Count; i++)
            {
                if (_things[i].Row != where.Row || _things[i].Column != where.Column) continue;
                RemoveAt(i);
                return true;
            }
            return false;
        }

        /// <summary>Whether something in that row moves in the other direction.</summary>
        public readonly bool Opposes(int row, int direction)
        {
            for (var i = 0; i < Count; i++)
                if (_things[i].Row == row && _things[i].Direction != direction) return true;
            return false;
        }

        [InlineArray(Capacity)]
        private struct Array
        {
            private Thing _first;
        }
    }
}
