// Products and random filling of Tensor.
using static TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        public Tensor bmm(Tensor batch2) => New(rl_bmm(H, batch2.H), this, batch2);
        public Tensor dot(Tensor target) => New(rl_dot(H, target.H), this, target);
        public Tensor inner(Tensor vec2) => New(rl_inner(H, vec2.H), this, vec2);
        public Tensor inverse() => New(rl_inverse(H), this);
        public Tensor det() => New(rl_det(H), this);
        public Tensor matmul(Tensor target) => New(rl_matmul(H, target.H), this, target);
        public Tensor mm(Tensor target) => New(rl_mm(H, target.H), this, target);
        public Tensor mv(Tensor target) => New(rl_mv(H, target.H), this, target);
        public Tensor outer(Tensor vec2) => New(rl_outer(H, vec2.H), this, vec2);
        public Tensor tensordot(Tensor b, long[] dims1, long[] dims2) { fixed (long* p0 = dims1) fixed (long* p1 = dims2) return New(rl_tensordot(H, b.H, new(p0, dims1), new(p1, dims2)), this, b); }

        // random
        public Tensor bernoulli(Generator? generator = null) => New(rl_bernoulli(H, Gen(generator)), this, generator);
        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Self(rl_bernoulli_(H, p, Gen(generator)), generator);
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) => New(rl_multinomial(H, num_samples, replacement, Gen(generator)), this, generator);
        public Tensor normal_(double mean = 0.0, double std = 1.0, Generator? generator = null) => Self(rl_normal_(H, mean, std, Gen(generator)), generator);
        public Tensor uniform_(double from, double to, Generator? generator = null) => Self(rl_uniform_(H, from, to, Gen(generator)), generator);
        public Tensor exponential_(double lambda = 1.0, Generator? generator = null) => Self(rl_exponential_(H, lambda, Gen(generator)), generator);
        public Tensor random_(double from, double to, Generator? generator = null) => Self(rl_random_(H, from, to, Gen(generator)), generator);
    }
}
