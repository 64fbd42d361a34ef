// Scalar: one number with its kind. A class, as TorchSharp's, so that an absent one is null; it holds nothing native.
namespace TorchSharp;

public sealed class Scalar : IDisposable
{
    internal readonly Sc Value;

    private Scalar(Sc value, torch.ScalarType type) => (Value, Type) = (value, type);

    public torch.ScalarType Type { get; }

    public static implicit operator Scalar(byte value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(sbyte value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(short value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(int value) => new((long)value, torch.ScalarType.Int64);
    public static implicit operator Scalar(long value) => new(value, torch.ScalarType.Int64);
    public static implicit operator Scalar(Half value) => new((double)value, torch.ScalarType.Float64);
    public static implicit operator Scalar(float value) => new((double)value, torch.ScalarType.Float64);
    public static implicit operator Scalar(double value) => new(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(bool value) => new(new Sc(2, value ? 1 : 0), torch.ScalarType.Bool);

    internal double AsDouble => Value.Kind == 1 ? BitConverter.Int64BitsToDouble(Value.Bits) : Value.Bits;
    internal long AsLong => Value.Kind == 1 ? (long)BitConverter.Int64BitsToDouble(Value.Bits) : Value.Bits;

    internal static Scalar Of(Sc value) => new(value, value.Kind switch { 1 => torch.ScalarType.Float64, 2 => torch.ScalarType.Bool, _ => torch.ScalarType.Int64 });

    public void Dispose() { }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static float ToSingle(this Scalar value) => (float)value.AsDouble;
    public static double ToDouble(this Scalar value) => value.AsDouble;
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.AsLong;
    public static byte ToByte(this Scalar value) => (byte)value.AsLong;
    public static short ToInt16(this Scalar value) => (short)value.AsLong;
    public static int ToInt32(this Scalar value) => (int)value.AsLong;
    public static long ToInt64(this Scalar value) => value.AsLong;
    public static bool ToBoolean(this Scalar value) => value.AsDouble != 0;
    public static Half ToHalf(this Scalar value) => (Half)value.AsDouble;
}
