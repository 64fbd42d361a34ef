using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace RlLeap.Environments.MinAtar;

/// <summary>The Mersenne Twister (Matsumoto, Nishimura 1998); the order of draws is part of MinAtar's rules.</summary>
/// <remarks>
/// The usual code computes 624 words at a time. This one computes each word when it is drawn, which gives the same
/// stream and makes all steps equally fast. It is a plain value, so that a game with its stream is one block of memory.
/// The seed comes from <see cref="Rng"/>.
/// </remarks>
internal struct Mt19937
{
    private const int Length = 624;
    private const int Middle = 397;

    private Words _words;
    private int _position;

    /// <summary>Seeds with one number (init_genrand), as numpy's RandomState does.</summary>
    public void Seed(uint seed)
    {
        _words[0] = seed;
        for (var i = 1; i < Length; i++) _words[i] = 1812433253u * (_words[i - 1] ^ (_words[i - 1] >> 30)) + (uint)i;
        _position = 0;
    }

    /// <summary>32 uniform bits.</summary>
    public uint NextUInt32()
    {
        var i = _position;
        var next = i + 1 == Length ? 0 : i + 1;
        var y = (At(i) & 0x80000000u) | (At(next) & 0x7FFFFFFFu);
        var other = At(i >= Length - Middle ? i - (Length - Middle) : i + Middle);
        y = other ^ (y >> 1) ^ ((uint)-(int)(y & 1) & 0x9908B0DFu);
        At(i) = y;
        _position = next;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C5680u;
        y ^= (y << 15) & 0xEFC60000u;
        return y ^ (y >> 18);
    }

    /// <summary>Uniform in [0, 1) with 53 bits. Takes two words.</summary>
    public double NextDouble()
    {
        var high = NextUInt32() >> 5;
        var low = NextUInt32() >> 6;
        return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
    }

    /// <summary>Uniform in 0 .. n-1, by rejection. Takes no word if n is 1.</summary>
    public int NextInt(int n)
    {
        if (n == 1) return 0;
        var mask = uint.MaxValue >> System.Numerics.BitOperations.LeadingZeroCount((uint)(n - 1));
        uint value;
        do value = NextUInt32() & mask;
        while (value >= (uint)n);
        return (int)value;
    }

    // No bounds check: the index is 0 .. 623 by construction, and a checksum protects a saved state.
    [UnscopedRef]
    private ref uint At(int index) => ref Unsafe.Add(ref Unsafe.As<Words, uint>(ref _words), index);

    [InlineArray(Length)]
    private struct Words
    {
        private uint _first;
    }
}

/// <summary>An environment whose random stream can be read, for tests.</summary>
internal interface IDrawsFromMt19937
{
    /// <summary>A copy of the stream in its current state.</summary>
    Mt19937 Stream { get; }
}
