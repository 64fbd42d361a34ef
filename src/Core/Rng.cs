using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace RlLeap;

/// <summary>The only source of randomness: a named tree of independent streams that grows from one seed.</summary>
/// <remarks>
/// <para>Every node has a 256-bit key. The root's key is SHA-256("RlLeap.Rng" || seed); a child's is SHA-256(parent key
/// || name as UTF-8 || 0xFF || index). A split depends on the key alone, never on how many numbers were drawn or in
/// which order splits were made, so adding a consumer of randomness somewhere does not move the numbers anywhere
/// else.</para>
/// <para>A node's own stream is xoshiro256** (Blackman and Vigna 2018, doi:10.1145/3460772), its state being the key
/// itself. All arithmetic is integer or correctly rounded IEEE, normal deviates included, so the numbers are the same
/// on every machine.</para>
/// <para>Not thread safe: give every thread a split of its own.</para>
/// </remarks>
public sealed class Rng
{
    private const int KeyBytes = 32;
    private readonly byte[] _key;
    private ulong _s0, _s1, _s2, _s3;

    /// <summary>The root of a run's randomness.</summary>
    public Rng(long seed) : this(RootKey(seed)) { }

    private Rng(byte[] key)
    {
        _key = key;
        _s0 = BinaryPrimitives.ReadUInt64LittleEndian(key);
        _s1 = BinaryPrimitives.ReadUInt64LittleEndian(key.AsSpan(8));
        _s2 = BinaryPrimitives.ReadUInt64LittleEndian(key.AsSpan(16));
        _s3 = BinaryPrimitives.ReadUInt64LittleEndian(key.AsSpan(24));
    }

    /// <summary>The child stream of a name and a number; the same call gives the same stream.</summary>
    public Rng Split(string name, long index = 0)
    {
        ArgumentNullException.ThrowIfNull(name);
        var bytes = new byte[KeyBytes + Encoding.UTF8.GetByteCount(name) + 1 + 8];
        _key.CopyTo(bytes, 0);
        var end = KeyBytes + Encoding.UTF8.GetBytes(name, bytes.AsSpan(KeyBytes));
        bytes[end] = 0xFF; // never part of UTF-8: ("a", 1) cannot meet ("a\u0001...", 0)
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(end + 1), index);
        return new Rng(SHA256.HashData(bytes));
    }

    /// <summary>64 uniform bits.</summary>
    public ulong NextUInt64()
    {
        var result = ulong.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = ulong.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>32 uniform bits (the upper half of one 64-bit output).</summary>
    public uint NextUInt32() => (uint)(NextUInt64() >> 32);

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, 1), 24 bits.</summary>
    public float NextSingle() => (NextUInt64() >> 40) * (1.0f / (1 << 24));

    /// <summary>Uniform in 0 .. <paramref name="n"/>-1, without bias (multiply and reject, Lemire 2019).</summary>
    public int NextInt(int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        var product = (ulong)NextUInt32() * (uint)n;
        if ((uint)product < (uint)n)
        {
            var threshold = unchecked((uint)-n) % (uint)n;
            while ((uint)product < threshold) product = (ulong)NextUInt32() * (uint)n;
        }
        return (int)(product >> 32);
    }

    /// <summary>True with probability <paramref name="p"/>.</summary>
    public bool NextBool(double p = 0.5) => NextDouble() < p;

    /// <summary>A seed for another generator (an environment, torch), in 0 .. 2^31-1.</summary>
    public int NextSeed() => (int)(NextUInt64() >> 33);

    /// <summary>Standard normal (Marsaglia's polar method; a pair's second deviate is not kept).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // first values are drawn before the runtime warms up
    public double NextNormal()
    {
        while (true)
        {
            var x = 2 * NextDouble() - 1;
            var y = 2 * NextDouble() - 1;
            var s = x * x + y * y;
            if (s is > 0 and < 1) return x * Math.Sqrt(-2 * Log(s) / s);
        }
    }

    /// <summary>A uniformly random order of 0 .. n-1.</summary>
    public int[] Permutation(int n)
    {
        var order = new int[n];
        for (var i = 0; i < n; i++) order[i] = i;
        Shuffle<int>(order);
        return order;
    }

    /// <summary>Shuffles in place (Fisher and Yates, from the end).</summary>
    public void Shuffle<T>(Span<T> values)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    /// <summary>Fills with uniform numbers in [0, 1).</summary>
    public void FillUniform(Span<float> values)
    {
        foreach (ref var value in values) value = NextSingle();
    }

    /// <summary>Fills with standard normal deviates.</summary>
    public void FillNormal(Span<float> values)
    {
        foreach (ref var value in values) value = (float)NextNormal();
    }

    /// <summary>Key and stream position, 64 bytes.</summary>
    public byte[] SaveState()
    {
        var bytes = new byte[2 * KeyBytes];
        _key.CopyTo(bytes, 0);
        ReadOnlySpan<ulong> state = [_s0, _s1, _s2, _s3];
        for (var i = 0; i < 4; i++) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(KeyBytes + 8 * i), state[i]);
        return bytes;
    }

    /// <summary>The stream that <see cref="SaveState"/> saved, at the position where it was.</summary>
    /// <exception cref="RlLeapException">Not 64 bytes, or an all-zero state, which no stream has.</exception>
    public static Rng FromState(ReadOnlySpan<byte> state)
    {
        if (state.Length != 2 * KeyBytes || state[KeyBytes..].IndexOfAnyExcept((byte)0) < 0)
            throw new RlLeapException($"A saved random stream has {2 * KeyBytes} bytes and is not all zero; got "
                + $"{state.Length} bytes. The file it came from is damaged.");
        var rng = new Rng(state[..KeyBytes].ToArray());
        var words = MemoryMarshal.Cast<byte, ulong>(state[KeyBytes..]);
        (rng._s0, rng._s1, rng._s2, rng._s3) = (words[0], words[1], words[2], words[3]);
        return rng;
    }

    private static byte[] RootKey(long seed)
    {
        Span<byte> bytes = stackalloc byte[18];
        "RlLeap.Rng"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[10..], seed);
        return SHA256.HashData(bytes);
    }

    // The natural logarithm from IEEE arithmetic alone: the C library's differs in the last bit between machines.
    // x = m 2^e with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m-1)/(m+1)), |argument| < 0.1716, so 12 terms reach
    // 1e-19.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Log(double x)
    {
        var bits = BitConverter.DoubleToInt64Bits(x);
        // S in (0,1) is never subnormal here: it is a sum of squares of multiples of 2^-52
        var exponent = (int)(bits >> 52) - 1022;
        var m = BitConverter.Int64BitsToDouble((bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000);
        if (m < 0.7071067811865476) { m *= 2; exponent--; }
        var z = (m - 1) / (m + 1);
        var z2 = z * z;
        var sum = 1.0 / 23; // written out: the quotients are constants
        sum = sum * z2 + 1.0 / 21;
        sum = sum * z2 + 1.0 / 19;
        sum = sum * z2 + 1.0 / 17;
        sum = sum * z2 + 1.0 / 15;
        sum = sum * z2 + 1.0 / 13;
        sum = sum * z2 + 1.0 / 11;
        sum = sum * z2 + 1.0 / 9;
        sum = sum * z2 + 1.0 / 7;
        sum = sum * z2 + 1.0 / 5;
        sum = sum * z2 + 1.0 / 3;
        sum = sum * z2 + 1.0;
        return 2 * z * sum + exponent * 0.6931471805599453;
    }
}
