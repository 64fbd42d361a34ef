// Views, copies, joining and gathering of Tensor.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        public Tensor alias() => New(rl_alias(H), this);
        public Tensor clone() => New(rl_clone(H), this);
        public Tensor contiguous() => New(rl_contiguous(H), this);
        public Tensor detach() => New(rl_detach(H), this);
        public Tensor detach_() => Self(rl_detach_(H));
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Self(rl_copy_(H, source.H, nonBlocking), source);
        public Tensor fill_(Scalar value) => Self(rl_fill_(H, Sc.Of(value)));
        public Tensor zero_() => Self(rl_zero_(H));
        public Tensor set_(Tensor source) => Self(rl_set_(H, source.H), source);
        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0L) { fixed (long* p0 = size) fixed (long* p1 = strides) return New(rl_as_strided(H, new(p0, size), new(p1, strides), storageOffset), this); }
        public Tensor broadcast_to(params long[] shape) { fixed (long* p0 = shape) return New(rl_broadcast_to(H, new(p0, shape)), this); }
        public Tensor diag(long diagonal = 0) => New(rl_diag(H, diagonal), this);
        public Tensor diag_embed(long offset = 0L, long dim1 = -2L, long dim2 = -1L) => New(rl_diag_embed(H, offset, dim1, dim2), this);
        public Tensor diagonal(long offset = 0L, long dim1 = 0L, long dim2 = 1L) => New(rl_diagonal(H, offset, dim1, dim2), this);
        public Tensor expand(long[] sizes, bool isImplicit = false) { fixed (long* p0 = sizes) return New(rl_expand(H, new(p0, sizes), isImplicit), this); }
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => New(rl_flatten(H, start_dim, end_dim), this);
        public Tensor flip(params long[] dims) { fixed (long* p0 = dims) return New(rl_flip(H, new(p0, dims)), this); }
        public Tensor movedim(long[] source, long[] destination) { fixed (long* p0 = source) fixed (long* p1 = destination) return New(rl_movedim_ll(H, new(p0, source), new(p1, destination)), this); }
        public Tensor narrow(long dim, long start, long length) => New(rl_narrow(H, dim, start, length), this);
        public Tensor permute(params long[] permutation) { fixed (long* p0 = permutation) return New(rl_permute(H, new(p0, permutation)), this); }
        public Tensor repeat(params long[] sizes) { fixed (long* p0 = sizes) return New(rl_repeat(H, new(p0, sizes)), this); }
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => New(rl_repeat_interleave(H, repeats, dim ?? long.MinValue, output_size ?? long.MinValue), this);
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) => New(rl_repeat_interleave_tjj(H, repeats.H, dim ?? long.MinValue, output_size ?? long.MinValue), this, repeats);
        public Tensor reshape(params long[] shape) { fixed (long* p0 = shape) return New(rl_reshape(H, new(p0, shape)), this); }
        public Tensor roll(long[] shifts, long[] dims) { fixed (long* p0 = shifts) fixed (long* p1 = dims) return New(rl_roll(H, new(p0, shifts), new(p1, dims)), this); }
        public Tensor select(long dim, long index) => New(rl_select(H, dim, index), this);
        public Tensor slice(long dim, long start, long finish, long step) => New(rl_slice(H, dim, start, finish, step), this);
        public Tensor squeeze(long? dim = null) => New(rl_squeeze(H, dim ?? long.MinValue), this);
        public Tensor squeeze_(long? dim = null) => Self(rl_squeeze_(H, dim ?? long.MinValue));
        public Tensor t() => New(rl_t(H), this);
        public Tensor tile(long[] reps) { fixed (long* p0 = reps) return New(rl_tile(H, new(p0, reps)), this); }
        public Tensor transpose(long dim0, long dim1) => New(rl_transpose(H, dim0, dim1), this);
        public Tensor transpose_(long dim0, long dim1) => Self(rl_transpose_(H, dim0, dim1));
        public Tensor tril(long diagonal = 0) => New(rl_tril(H, diagonal), this);
        public Tensor triu(long diagonal = 0) => New(rl_triu(H, diagonal), this);
        public Tensor unfold(long dimension, long size, long step) => New(rl_unfold(H, dimension, size, step), this);
        public Tensor unsqueeze(long dim) => New(rl_unsqueeze(H, dim), this);
        public Tensor unsqueeze_(long dim) => Self(rl_unsqueeze_(H, dim));
        public Tensor view(params long[] shape) { fixed (long* p0 = shape) return New(rl_view(H, new(p0, shape)), this); }
        public Tensor[] chunk(long chunks, long dim = 0L) { nint* list; return Many(rl_chunk(H, chunks, dim, (nint*)&list), list, this); }
        public Tensor[] split(long size, int dim = 0) { nint* list; return Many(rl_split(H, size, dim, (nint*)&list), list, this); }
        public Tensor[] split(long[] sizes, long dim = 0) { nint* list; fixed (long* p0 = sizes) return Many(rl_split_li(H, new(p0, sizes), dim, (nint*)&list), list, this); }
        public Tensor[] unbind(long dimension = 0L) { nint* list; return Many(rl_unbind(H, dimension, (nint*)&list), list, this); }

        // indexing
        public Tensor gather(long dim, Tensor index) => New(rl_gather(H, dim, index.H), this, index);
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => New(rl_index_add(H, dim, index.H, source.H, Sc.Of(alpha)), this, index, source);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Self(rl_index_add_(H, dim, index.H, source.H, Sc.Of(alpha)), index, source);
        public Tensor index_copy(long dim, Tensor index, Tensor source) => New(rl_index_copy(H, dim, index.H, source.H), this, index, source);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Self(rl_index_copy_(H, dim, index.H, source.H), index, source);
        public Tensor index_fill(long dim, Tensor index, Scalar value) => New(rl_index_fill(H, dim, index.H, Sc.Of(value)), this, index);
        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Self(rl_index_fill_(H, dim, index.H, Sc.Of(value)), index);
        public Tensor index_select(long dim, Tensor index) => New(rl_index_select(H, dim, index.H), this, index);
        public Tensor masked_fill(Tensor mask, Scalar value) => New(rl_masked_fill(H, mask.H, Sc.Of(value)), this, mask);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Self(rl_masked_fill_(H, mask.H, Sc.Of(value)), mask);
        public Tensor masked_select(Tensor mask) => New(rl_masked_select(H, mask.H), this, mask);
        public Tensor masked_scatter(Tensor mask, Tensor value) => New(rl_masked_scatter(H, mask.H, value.H), this, mask, value);
        public Tensor masked_scatter_(Tensor mask, Tensor value) => Self(rl_masked_scatter_(H, mask.H, value.H), mask, value);
        public Tensor nonzero() => New(rl_nonzero(H), this);
        public Tensor scatter(long dim, Tensor index, Tensor src) => New(rl_scatter(H, dim, index.H, src.H), this, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Self(rl_scatter_(H, dim, index.H, src.H), index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => New(rl_scatter_add(H, dim, index.H, src.H), this, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Self(rl_scatter_add_(H, dim, index.H, src.H), index, src);
        public Tensor take(Tensor index) => New(rl_take(H, index.H), this, index);
        public Tensor bincount(Tensor? weights, long minlength = 0) => New(rl_bincount(H, Opt(weights), minlength), this, weights);
        public Tensor where(Tensor condition, Tensor y) => New(rl_where(H, condition.H, y.H), this, condition, y);

        // ---- in other words of the above
        public Tensor T => t();
        public Tensor mT => transpose(-2, -1);
        public Tensor expand(params long[] sizes) => expand(sizes, false);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => expand(sizes.ToArray(), isImplicit);
        public Tensor expand(Size sizes, bool isImplicit = false) => expand(sizes.Shape, isImplicit);
        public Tensor expand_as(Tensor other) => expand(other.shape);
        public Tensor fliplr() => flip(1);
        public Tensor flipud() => flip(0);
        public Tensor permute(IEnumerable<long> permutation) => permute(permutation.ToArray());
        public Tensor ravel() => reshape(-1);
        public Tensor roll(long shifts, long? dims = null) => roll([shifts], dims is long d ? [d] : []);
        public Tensor roll((long, long) shifts, (long, long) dims) => roll([shifts.Item1, shifts.Item2], [dims.Item1, dims.Item2]);
        public Tensor roll(long[] shifts) => roll(shifts, []);
        public Tensor[] split(params long[] sizes) => split(sizes, 0);
        public Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0) => split(sizes.ToArray(), dim);
        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor swapdims(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor view_as(Tensor other) => view(other.shape);
        public Tensor ones_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.ones_like(this, dtype, device, requires_grad);
        public Tensor zeros_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.zeros_like(this, dtype, device, requires_grad);
        public Tensor empty_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.empty_like(this, dtype, device, requires_grad);
        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.full_like(this, value, dtype, device, requires_grad);
        public Tensor rand_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.rand_like(this, dtype, device, requires_grad);
        public Tensor randn_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => torch.randn_like(this, dtype, device, requires_grad);
    }
}
