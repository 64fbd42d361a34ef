// Elementwise mathematics and activations of Tensor.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        // arithmetic
        public Tensor abs() => New(rl_abs(H), this);
        public Tensor abs_() => Self(rl_abs_(H));
        public Tensor add(Tensor target) => New(rl_add(H, target.H), this, target);
        public Tensor add(Tensor target, Scalar alpha) => New(rl_add_ts(H, target.H, Sc.Of(alpha)), this, target);
        public Tensor add(Scalar scalar) => New(rl_add_s(H, Sc.Of(scalar)), this);
        public Tensor add(Scalar scalar, Scalar alpha) => New(rl_add_ss(H, Sc.Of(scalar), Sc.Of(alpha)), this);
        public Tensor add_(Tensor target) => Self(rl_add_(H, target.H), target);
        public Tensor add_(Tensor target, Scalar alpha) => Self(rl_add_ts_(H, target.H, Sc.Of(alpha)), target);
        public Tensor add_(Scalar scalar) => Self(rl_add_s_(H, Sc.Of(scalar)));
        public Tensor add_(Scalar scalar, Scalar alpha) => Self(rl_add_ss_(H, Sc.Of(scalar), Sc.Of(alpha)));
        public Tensor sub(Tensor target) => New(rl_sub(H, target.H), this, target);
        public Tensor sub(Scalar target) => New(rl_sub_s(H, Sc.Of(target)), this);
        public Tensor sub_(Tensor target) => Self(rl_sub_(H, target.H), target);
        public Tensor sub_(Scalar target) => Self(rl_sub_s_(H, Sc.Of(target)));
        public Tensor mul(Tensor target) => New(rl_mul(H, target.H), this, target);
        public Tensor mul(Scalar target) => New(rl_mul_s(H, Sc.Of(target)), this);
        public Tensor mul_(Tensor target) => Self(rl_mul_(H, target.H), target);
        public Tensor mul_(Scalar target) => Self(rl_mul_s_(H, Sc.Of(target)));
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => New(rl_addcdiv(H, tensor1.H, tensor2.H, Sc.Of(value)), this, tensor1, tensor2);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Self(rl_addcdiv_(H, tensor1.H, tensor2.H, Sc.Of(value)), tensor1, tensor2);
        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => New(rl_addcmul(H, tensor1.H, tensor2.H, Sc.Of(value)), this, tensor1, tensor2);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Self(rl_addcmul_(H, tensor1.H, tensor2.H, Sc.Of(value)), tensor1, tensor2);
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => New(rl_addmm(H, mat1.H, mat2.H, beta, alpha), this, mat1, mat2);
        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Self(rl_addmm_(H, mat1.H, mat2.H, beta, alpha), mat1, mat2);
        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1.0f, float alpha = 1.0f) => New(rl_addmv(H, mat.H, vec.H, beta, alpha), this, mat, vec);
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => New(rl_baddbmm(H, batch1.H, batch2.H, beta, alpha), this, batch1, batch2);
        public Tensor addr(Tensor vec1, Tensor vec2, float beta = 1.0f, float alpha = 1.0f) => New(rl_addr(H, vec1.H, vec2.H, beta, alpha), this, vec1, vec2);
        public Tensor ceil() => New(rl_ceil(H), this);
        public Tensor ceil_() => Self(rl_ceil_(H));
        public Tensor exp() => New(rl_exp(H), this);
        public Tensor exp_() => Self(rl_exp_(H));
        public Tensor exp2() => New(rl_exp2(H), this);
        public Tensor expm1() => New(rl_expm1(H), this);
        public Tensor expm1_() => Self(rl_expm1_(H));
        public Tensor floor() => New(rl_floor(H), this);
        public Tensor floor_() => Self(rl_floor_(H));
        public Tensor floor_divide(Tensor other) => New(rl_floor_divide(H, other.H), this, other);
        public Tensor floor_divide(Scalar other) => New(rl_floor_divide_s(H, Sc.Of(other)), this);
        public Tensor fmod(Tensor target) => New(rl_fmod(H, target.H), this, target);
        public Tensor fmod(Scalar scalar) => New(rl_fmod_s(H, Sc.Of(scalar)), this);
        public Tensor frac() => New(rl_frac(H), this);
        public Tensor log() => New(rl_log(H), this);
        public Tensor log_() => Self(rl_log_(H));
        public Tensor log10() => New(rl_log10(H), this);
        public Tensor log1p() => New(rl_log1p(H), this);
        public Tensor log1p_() => Self(rl_log1p_(H));
        public Tensor log2() => New(rl_log2(H), this);
        public Tensor logaddexp(Tensor other) => New(rl_logaddexp(H, other.H), this, other);
        public Tensor logical_and(Tensor other) => New(rl_logical_and(H, other.H), this, other);
        public Tensor logical_not() => New(rl_logical_not(H), this);
        public Tensor logical_or(Tensor other) => New(rl_logical_or(H, other.H), this, other);
        public Tensor logical_xor(Tensor other) => New(rl_logical_xor(H, other.H), this, other);
        public Tensor logical_and_(Tensor other) => Self(rl_logical_and_(H, other.H), other);
        public Tensor logical_not_() => Self(rl_logical_not_(H));
        public Tensor logical_or_(Tensor other) => Self(rl_logical_or_(H, other.H), other);
        public Tensor bitwise_and(Tensor other) => New(rl_bitwise_and(H, other.H), this, other);
        public Tensor bitwise_or(Tensor other) => New(rl_bitwise_or(H, other.H), this, other);
        public Tensor bitwise_xor(Tensor other) => New(rl_bitwise_xor(H, other.H), this, other);
        public Tensor bitwise_not() => New(rl_bitwise_not(H), this);
        public Tensor bitwise_left_shift(Tensor other) => New(rl_bitwise_left_shift(H, other.H), this, other);
        public Tensor bitwise_right_shift(Tensor other) => New(rl_bitwise_right_shift(H, other.H), this, other);
        public Tensor neg() => New(rl_neg(H), this);
        public Tensor neg_() => Self(rl_neg_(H));
        public Tensor pow(Tensor exponent) => New(rl_pow(H, exponent.H), this, exponent);
        public Tensor pow(Scalar exponent) => New(rl_pow_s(H, Sc.Of(exponent)), this);
        public Tensor pow_(Tensor exponent) => Self(rl_pow_(H, exponent.H), exponent);
        public Tensor pow_(Scalar exponent) => Self(rl_pow_s_(H, Sc.Of(exponent)));
        public Tensor reciprocal() => New(rl_reciprocal(H), this);
        public Tensor reciprocal_() => Self(rl_reciprocal_(H));
        public Tensor remainder(Tensor target) => New(rl_remainder(H, target.H), this, target);
        public Tensor remainder(Scalar scalar) => New(rl_remainder_s(H, Sc.Of(scalar)), this);
        public Tensor round(long decimals = 0L) => New(rl_round(H, decimals), this);
        public Tensor round_(long decimals = 0L) => Self(rl_round_(H, decimals));
        public Tensor rsqrt() => New(rl_rsqrt(H), this);
        public Tensor rsqrt_() => Self(rl_rsqrt_(H));
        public Tensor square() => New(rl_square(H), this);
        public Tensor sqrt() => New(rl_sqrt(H), this);
        public Tensor sqrt_() => Self(rl_sqrt_(H));
        public Tensor sign() => New(rl_sign(H), this);
        public Tensor sign_() => Self(rl_sign_(H));
        public Tensor trunc() => New(rl_trunc(H), this);
        public Tensor trunc_() => Self(rl_trunc_(H));
        public Tensor xlogy(Tensor y) => New(rl_xlogy(H, y.H), this, y);
        public Tensor erf() => New(rl_erf(H), this);
        public Tensor erfc() => New(rl_erfc(H), this);
        public Tensor erfinv() => New(rl_erfinv(H), this);
        public Tensor lgamma() => New(rl_lgamma(H), this);
        public Tensor digamma() => New(rl_digamma(H), this);

        // trigonometry
        public Tensor acos() => New(rl_acos(H), this);
        public Tensor asin() => New(rl_asin(H), this);
        public Tensor atan() => New(rl_atan(H), this);
        public Tensor atan2(Tensor other) => New(rl_atan2(H, other.H), this, other);
        public Tensor cos() => New(rl_cos(H), this);
        public Tensor cos_() => Self(rl_cos_(H));
        public Tensor sin() => New(rl_sin(H), this);
        public Tensor sin_() => Self(rl_sin_(H));
        public Tensor tan() => New(rl_tan(H), this);
        public Tensor cosh() => New(rl_cosh(H), this);
        public Tensor cosh_() => Self(rl_cosh_(H));
        public Tensor sinh() => New(rl_sinh(H), this);
        public Tensor sinh_() => Self(rl_sinh_(H));
        public Tensor tanh() => New(rl_tanh(H), this);
        public Tensor tanh_() => Self(rl_tanh_(H));
        public Tensor asinh() => New(rl_asinh(H), this);
        public Tensor acosh() => New(rl_acosh(H), this);
        public Tensor atanh() => New(rl_atanh(H), this);

        // clamping, interpolation
        public Tensor clamp(Scalar? min = null, Scalar? max = null) => New(rl_clamp(H, Sc.Of(min), Sc.Of(max)), this);
        public Tensor clamp(Tensor? min = null, Tensor? max = null) => New(rl_clamp_tt(H, Opt(min), Opt(max)), this, min, max);
        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Self(rl_clamp_(H, Sc.Of(min), Sc.Of(max)));
        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => Self(rl_clamp_tt_(H, Opt(min), Opt(max)), min, max);
        public Tensor clamp_max(Scalar max) => New(rl_clamp_max(H, Sc.Of(max)), this);
        public Tensor clamp_max_(Scalar max) => Self(rl_clamp_max_(H, Sc.Of(max)));
        public Tensor clamp_min(Scalar min) => New(rl_clamp_min(H, Sc.Of(min)), this);
        public Tensor clamp_min_(Scalar min) => Self(rl_clamp_min_(H, Sc.Of(min)));
        public Tensor lerp(Tensor end, Tensor weight) => New(rl_lerp(H, end.H, weight.H), this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => Self(rl_lerp_(H, end.H, weight.H), end, weight);
        public Tensor nan_to_num(double nan = 0d, double? posinf = null, double? neginf = null) => New(rl_nan_to_num(H, nan, Sc.Of(posinf), Sc.Of(neginf)), this);

        // activations
        public Tensor relu() => New(rl_relu(H), this);
        public Tensor relu_() => Self(rl_relu_(H));
        public Tensor sigmoid() => New(rl_sigmoid(H), this);
        public Tensor sigmoid_() => Self(rl_sigmoid_(H));
        public Tensor silu() => New(rl_silu(H), this);
        public Tensor silu_() => Self(rl_silu_(H));
        public Tensor gelu() => New(rl_gelu(H), this);
        public Tensor elu(Scalar alpha, Scalar scale, Scalar input_scale) => New(rl_elu(H, Sc.Of(alpha), Sc.Of(scale), Sc.Of(input_scale)), this);
        public Tensor elu_(Scalar alpha, Scalar scale, Scalar input_scale) => Self(rl_elu_(H, Sc.Of(alpha), Sc.Of(scale), Sc.Of(input_scale)));
        public Tensor leaky_relu(Scalar negative_slope) => New(rl_leaky_relu(H, Sc.Of(negative_slope)), this);
        public Tensor leaky_relu_(Scalar negative_slope) => Self(rl_leaky_relu_(H, Sc.Of(negative_slope)));
        public Tensor log_sigmoid() => New(rl_log_sigmoid(H), this);
        public Tensor softplus(double beta = 1, double threshold = 20) => New(rl_softplus(H, beta, threshold), this);
        public Tensor softmax(long dim, ScalarType? dtype = null) => New(rl_softmax(H, dim, Dt(dtype)), this);
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => New(rl_log_softmax(H, dim, Dt(dtype)), this);

        // ---- in other words of the above
        public Tensor absolute() => abs();
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => addcdiv(tensor1, tensor2, 1);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => addcdiv_(tensor1, tensor2, 1);
        public Tensor clip(Scalar? min = null, Scalar? max = null) => clamp(min, max);
        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => New(rl_div(H, target.H, (long)rounding_mode), this, target);
        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => New(rl_div_scalar(H, target.Value, (long)rounding_mode), this);
        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Self(rl_div_(H, target.H, (long)rounding_mode), target);
        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Self(rl_div_scalar_(H, target.Value, (long)rounding_mode));
        public Tensor divide(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);
        public Tensor divide(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);
        public Tensor elu(double alpha = 1) => elu(alpha, 1.0, 1.0);
        public Tensor elu_(double alpha = 1) => elu_(alpha, 1.0, 1.0);
        public Tensor multiply(Tensor target) => mul(target);
        public Tensor multiply(Scalar target) => mul(target);
        public Tensor negative() => neg();
        public Tensor subtract(Tensor target) => sub(target);
        public Tensor subtract(Scalar target) => sub(target);
        public Tensor true_divide(Tensor other) => div(other);
        public Tensor true_divide(Scalar other) => div(other);
    }
}
