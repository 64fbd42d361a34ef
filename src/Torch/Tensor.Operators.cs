// The operators and conversions of Tensor. A primitive operand crosses as a scalar without an object of its own.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static Tensor Plus(Tensor left, Sc right) => New(rl_add_s(left.H, right), left);
        private static Tensor Plus(Sc left, Tensor right) => New(rl_add_s(right.H, left), right);
        private static Tensor Times(Tensor left, Sc right) => New(rl_mul_s(left.H, right), left);
        private static Tensor Times(Sc left, Tensor right) => New(rl_mul_s(right.H, left), right);
        private static Tensor Minus(Tensor left, Sc right) => New(rl_sub_s(left.H, right), left);
        private static Tensor Minus(Sc left, Tensor right) => New(rl_rsub(right.H, left), right);
        private static Tensor Over(Tensor left, Sc right) => New(rl_div_scalar(left.H, right, 0), left);
        private static Tensor Over(Sc left, Tensor right) => New(rl_rdiv(right.H, left), right);

        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);
        public static Tensor operator +(Tensor left, Scalar right) => left.add(right);
        public static Tensor operator +(Scalar left, Tensor right) => right.add(left);
        public static Tensor operator +(Tensor left, int right) => Plus(left, (long)right);
        public static Tensor operator +(int left, Tensor right) => Plus((long)left, right);
        public static Tensor operator +(Tensor left, long right) => Plus(left, right);
        public static Tensor operator +(long left, Tensor right) => Plus(left, right);
        public static Tensor operator +(Tensor left, float right) => Plus(left, (double)right);
        public static Tensor operator +(float left, Tensor right) => Plus((double)left, right);
        public static Tensor operator +(Tensor left, double right) => Plus(left, right);
        public static Tensor operator +(double left, Tensor right) => Plus(left, right);
        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);
        public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);
        public static Tensor operator *(Scalar left, Tensor right) => right.mul(left);
        public static Tensor operator *(Tensor left, int right) => Times(left, (long)right);
        public static Tensor operator *(int left, Tensor right) => Times((long)left, right);
        public static Tensor operator *(Tensor left, long right) => Times(left, right);
        public static Tensor operator *(long left, Tensor right) => Times(left, right);
        public static Tensor operator *(Tensor left, float right) => Times(left, (double)right);
        public static Tensor operator *(float left, Tensor right) => Times((double)left, right);
        public static Tensor operator *(Tensor left, double right) => Times(left, right);
        public static Tensor operator *(double left, Tensor right) => Times(left, right);
        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);
        public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);
        public static Tensor operator -(Scalar left, Tensor right) => Minus(left.Value, right);
        public static Tensor operator -(Tensor left, int right) => Minus(left, (long)right);
        public static Tensor operator -(int left, Tensor right) => Minus((long)left, right);
        public static Tensor operator -(Tensor left, long right) => Minus(left, right);
        public static Tensor operator -(long left, Tensor right) => Minus(left, right);
        public static Tensor operator -(Tensor left, float right) => Minus(left, (double)right);
        public static Tensor operator -(float left, Tensor right) => Minus((double)left, right);
        public static Tensor operator -(Tensor left, double right) => Minus(left, right);
        public static Tensor operator -(double left, Tensor right) => Minus(left, right);
        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);
        public static Tensor operator /(Tensor left, Scalar right) => left.div(right);
        public static Tensor operator /(Scalar left, Tensor right) => Over(left.Value, right);
        public static Tensor operator /(Tensor left, int right) => Over(left, (long)right);
        public static Tensor operator /(int left, Tensor right) => Over((long)left, right);
        public static Tensor operator /(Tensor left, long right) => Over(left, right);
        public static Tensor operator /(long left, Tensor right) => Over(left, right);
        public static Tensor operator /(Tensor left, float right) => Over(left, (double)right);
        public static Tensor operator /(float left, Tensor right) => Over((double)left, right);
        public static Tensor operator /(Tensor left, double right) => Over(left, right);
        public static Tensor operator /(double left, Tensor right) => Over(left, right);
        public static Tensor operator %(Tensor left, Tensor right) => left.remainder(right);
        public static Tensor operator %(Tensor left, Scalar right) => left.remainder(right);
        public static Tensor operator %(Tensor left, int right) => left.remainder((Scalar)right);
        public static Tensor operator %(Tensor left, long right) => left.remainder((Scalar)right);
        public static Tensor operator %(Tensor left, float right) => left.remainder((Scalar)right);
        public static Tensor operator %(Tensor left, double right) => left.remainder((Scalar)right);
        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);
        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);
        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);
        public static Tensor operator ~(Tensor left) => left.bitwise_not();
        public static Tensor operator -(Tensor tensor) => tensor.neg();
        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);
        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);
        public static Tensor operator ==(Scalar left, Tensor right) => right.eq(left);
        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);
        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);
        public static Tensor operator !=(Scalar left, Tensor right) => right.ne(left);
        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);
        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);
        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);
        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);
        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);
        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);
        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);
        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);
        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);
        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);
        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);
        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);

        public static implicit operator Tensor(byte value) => tensor(value);
        public static implicit operator Tensor(sbyte value) => tensor(value);
        public static implicit operator Tensor(short value) => tensor(value);
        public static implicit operator Tensor(int value) => tensor(value);
        public static implicit operator Tensor(long value) => tensor(value);
        public static implicit operator Tensor(float value) => tensor(value);
        public static implicit operator Tensor(double value) => tensor(value);
        public static implicit operator Tensor(bool value) => tensor(value);
        public static implicit operator Tensor(byte[] value) => tensor(value);
        public static implicit operator Tensor(sbyte[] value) => tensor(value);
        public static implicit operator Tensor(short[] value) => tensor(value);
        public static implicit operator Tensor(int[] value) => tensor(value);
        public static implicit operator Tensor(long[] value) => tensor(value);
        public static implicit operator Tensor(float[] value) => tensor(value);
        public static implicit operator Tensor(double[] value) => tensor(value);
        public static implicit operator Tensor(bool[] value) => tensor(value);
        public static implicit operator Tensor(Scalar scalar) => New(rl_scalar(scalar.Value, Pack(scalar.Type, null)));
        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
        public static explicit operator sbyte(Tensor value) => value.ToSByte();
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator bool(Tensor value) => value.ToBoolean();
    }
}
