// Reductions, sorting and comparison of Tensor.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        public Tensor all() => New(rl_all(H), this);
        public Tensor all(long dim, bool keepdim = false) => New(rl_all_ib(H, dim, keepdim), this);
        public Tensor any() => New(rl_any(H), this);
        public Tensor any(long dim, bool keepdim = false) => New(rl_any_ib(H, dim, keepdim), this);
        public Tensor argmax() => New(rl_argmax(H), this);
        public Tensor argmax(long dim, bool keepdim = false) => New(rl_argmax_ib(H, dim, keepdim), this);
        public Tensor argmin() => New(rl_argmin(H), this);
        public Tensor argmin(long dim, bool keepdim = false) => New(rl_argmin_ib(H, dim, keepdim), this);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) { fixed (long* p0 = dims) return New(rl_amax(H, new(p0, dims), keepdim, Opt(@out)), this, @out); }
        public Tensor amax(params long[] dims) { fixed (long* p0 = dims) return New(rl_amax_l(H, new(p0, dims)), this); }
        public Tensor amin(long[] dims, bool keepdim = false, Tensor? @out = null) { fixed (long* p0 = dims) return New(rl_amin(H, new(p0, dims), keepdim, Opt(@out)), this, @out); }
        public Tensor amin(params long[] dims) { fixed (long* p0 = dims) return New(rl_amin_l(H, new(p0, dims)), this); }
        public Tensor argsort(long dim = -1, bool descending = false) => New(rl_argsort(H, dim, descending), this);
        public Tensor count_nonzero(long[]? dims = null) { fixed (long* p0 = dims) return New(rl_count_nonzero(H, new(p0, dims)), this); }
        public (Tensor values, Tensor indexes) cummax(long dim) { nint* list; return Pair(rl_cummax(H, dim, (nint*)&list), list, this); }
        public (Tensor values, Tensor indexes) cummin(long dim) { nint* list; return Pair(rl_cummin(H, dim, (nint*)&list), list, this); }
        public Tensor cumsum(long dim, ScalarType? type = null) => New(rl_cumsum(H, dim, Dt(type)), this);
        public Tensor cumprod(long dim, ScalarType? type = null) => New(rl_cumprod(H, dim, Dt(type)), this);
        public Tensor logsumexp(long dim, bool keepdim = false) => New(rl_logsumexp(H, dim, keepdim), this);
        public Tensor logcumsumexp(long dim) => New(rl_logcumsumexp(H, dim), this);
        public Tensor max() => New(rl_max(H), this);
        public Tensor max(Tensor other) => New(rl_max_t(H, other.H), this, other);
        public Tensor maximum(Tensor other) => New(rl_maximum(H, other.H), this, other);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) { nint* list; return Pair(rl_max_ib(H, dim, keepdim, (nint*)&list), list, this); }
        public Tensor min() => New(rl_min(H), this);
        public Tensor min(Tensor other) => New(rl_min_t(H, other.H), this, other);
        public Tensor minimum(Tensor other) => New(rl_minimum(H, other.H), this, other);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) { nint* list; return Pair(rl_min_ib(H, dim, keepdim, (nint*)&list), list, this); }
        public Tensor median() => New(rl_median(H), this);
        public Tensor mean() => New(rl_mean(H), this);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) { fixed (long* p0 = dimensions) return New(rl_mean_lbd(H, new(p0, dimensions), keepdim, Dt(type)), this); }
        public Tensor norm(float p = 2.0f) => New(rl_norm(H, p), this);
        public Tensor norm(int dim, bool keepdim = false, float p = 2.0f) => New(rl_norm_ibf(H, dim, keepdim, p), this);
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) { nint* list; return Pair(rl_sort(H, dim, descending, stable, (nint*)&list), list, this); }
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) { nint* list; return Pair(rl_topk(H, k, dim, largest, sorted, (nint*)&list), list, this); }
        public Tensor sum(ScalarType? type = null) => New(rl_sum(H, Dt(type)), this);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) { fixed (long* p0 = dim) return New(rl_sum_lbd(H, new(p0, dim), keepdim, Dt(type)), this); }
        public Tensor prod(ScalarType? type = null) => New(rl_prod(H, Dt(type)), this);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => New(rl_prod_ibd(H, dim, keepdim, Dt(type)), this);
        public Tensor trace() => New(rl_trace(H), this);
        public Tensor std(bool unbiased = true) => New(rl_std(H, unbiased), this);
        public Tensor var(bool unbiased = true) => New(rl_var(H, unbiased), this);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) { fixed (long* p0 = dimensions) return New(rl_std_lbbd(H, new(p0, dimensions), unbiased, keepdim, Dt(type)), this); }
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) { fixed (long* p0 = dimensions) return New(rl_var_lbbd(H, new(p0, dimensions), unbiased, keepdim, Dt(type)), this); }

        // comparison
        public Tensor eq(Tensor target) => New(rl_eq(H, target.H), this, target);
        public Tensor eq(Scalar target) => New(rl_eq_s(H, Sc.Of(target)), this);
        public Tensor ne(Tensor target) => New(rl_ne(H, target.H), this, target);
        public Tensor ne(Scalar target) => New(rl_ne_s(H, Sc.Of(target)), this);
        public Tensor lt(Tensor target) => New(rl_lt(H, target.H), this, target);
        public Tensor lt(Scalar target) => New(rl_lt_s(H, Sc.Of(target)), this);
        public Tensor le(Tensor target) => New(rl_le(H, target.H), this, target);
        public Tensor le(Scalar target) => New(rl_le_s(H, Sc.Of(target)), this);
        public Tensor gt(Tensor target) => New(rl_gt(H, target.H), this, target);
        public Tensor gt(Scalar target) => New(rl_gt_s(H, Sc.Of(target)), this);
        public Tensor ge(Tensor target) => New(rl_ge(H, target.H), this, target);
        public Tensor ge(Scalar target) => New(rl_ge_s(H, Sc.Of(target)), this);
        public Tensor eq_(Tensor target) => Self(rl_eq_(H, target.H), target);
        public Tensor eq_(Scalar target) => Self(rl_eq_s_(H, Sc.Of(target)));
        public Tensor ne_(Tensor target) => Self(rl_ne_(H, target.H), target);
        public Tensor ne_(Scalar target) => Self(rl_ne_s_(H, Sc.Of(target)));
        public Tensor lt_(Tensor target) => Self(rl_lt_(H, target.H), target);
        public Tensor lt_(Scalar target) => Self(rl_lt_s_(H, Sc.Of(target)));
        public Tensor le_(Tensor target) => Self(rl_le_(H, target.H), target);
        public Tensor le_(Scalar target) => Self(rl_le_s_(H, Sc.Of(target)));
        public Tensor gt_(Tensor target) => Self(rl_gt_(H, target.H), target);
        public Tensor gt_(Scalar target) => Self(rl_gt_s_(H, Sc.Of(target)));
        public Tensor ge_(Tensor target) => Self(rl_ge_(H, target.H), target);
        public Tensor ge_(Scalar target) => Self(rl_ge_s_(H, Sc.Of(target)));
        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) => New(rl_isclose(H, other.H, rtol, atol, nanEqual), this, other);
        public Tensor isfinite() => New(rl_isfinite(H), this);
        public Tensor isinf() => New(rl_isinf(H), this);
        public Tensor isnan() => New(rl_isnan(H), this);
        public Tensor isposinf() => New(rl_isposinf(H), this);
        public Tensor isneginf() => New(rl_isneginf(H), this);
        public bool Equals(Tensor target) => True(rl_equal(H, target.H), this, target);
        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) => True(rl_allclose(H, target.H, rtol, atol, equal_nan), this, target);
        public bool is_nonzero() => True(rl_is_nonzero(H), this);

        // ---- in other words of the above
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => sum([dim], keepdim, type);
        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1], keepdim, type);
        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1, dim2], keepdim, type);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim], unbiased, keepdim, type);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim], unbiased, keepdim, type);
        public Tensor std((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim.Item1, dim.Item2], unbiased, keepdim, type);
        public Tensor var((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim.Item1, dim.Item2], unbiased, keepdim, type);
        public Tensor equal(Tensor target) => eq(target);
        public Tensor not_equal(Tensor target) => ne(target);
        public Tensor greater(Tensor target) => gt(target);
        public Tensor greater_equal(Tensor target) => ge(target);
        public Tensor less(Tensor target) => lt(target);
        public Tensor less_equal(Tensor target) => le(target);
    }
}
