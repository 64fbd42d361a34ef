#!/usr/bin/env python3
"""Writes ops.json beside itself: for every operation of the table below the inputs, the result in float64 and float32,
the gradient of a fixed weighting of it with respect to every float input, and in float64 the gradient of that gradient
(double backward). Run with Debian's python3-torch:  /usr/bin/python3 generate_ops.py
OpsGolden.cs holds the same table over TorchSharp."""
import json
import os

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
random = torch.Generator().manual_seed(20)


def make(code):
    """'a2,3' any sign, 'p2,3' positive, 'u2,3' inside (0, 1), 'i2,3:5' int64 below 5, 'b2,3' bool.

    's3' is symmetric positive definite.
    """
    kind, rest = code[0], code[1:]
    sizes, _, bound = rest.partition(":")
    shape = [int(s) for s in sizes.split(",")] if sizes else []
    if kind == "i":
        return torch.randint(0, int(bound), shape, generator=random)
    if kind == "b":
        return torch.rand(shape, generator=random) < 0.5
    if kind == "s":
        m = torch.rand(shape * 2, generator=random, dtype=torch.float64)
        return (m @ m.T + 2 * torch.eye(shape[0], dtype=torch.float64)).round(decimals=3)
    x = torch.rand(shape, generator=random, dtype=torch.float64)
    x = {"a": x * 4 - 2, "p": x * 2 + 0.25, "u": x * 0.9 + 0.05}[kind]
    return x.round(decimals=3) + (0.0005 if kind == "a" else 0)  # never on a kink


CASES = []


def case(name, inputs, fn):
    CASES.append((name, inputs, fn))


for n in "abs ceil exp floor neg round sign cos tanh cosh square sigmoid relu isfinite".split():
    case(n, ["a2,5"], lambda t, n=n: getattr(torch, n)(t[0]))
for n in "sqrt rsqrt".split():
    case(n, ["p2,5"], lambda t, n=n: getattr(torch, n)(t[0]))
case("atanh", ["u2,5"], lambda t: t[0].atanh())
for n in "add sub mul div maximum minimum remainder eq ne lt le gt ge".split():
    case(n, ["a3,4", "a4"], lambda t, n=n: getattr(torch, n)(t[0], t[1]))
case("add_alpha", ["a2,3", "a3"], lambda t: torch.add(t[0], t[1], alpha=0.5))
case("scalars_right", ["a2,3"], lambda t: ((t[0] + 1.5) * 3 - 2) / 4)
case("scalars_left", ["p2,3"], lambda t: 2 - (3 / t[0] + 1.5 * t[0]))
case("inplace_chain", ["a2,3", "a3", "p3"], lambda t: t[0].clone().add_(t[1]).mul_(t[1]).sub_(t[2]).div_(t[2]))
case("addcmul_", ["a2,3", "a2,3", "a2,3"], lambda t: t[0].clone().addcmul_(t[1], t[2], value=0.5))
case("addcdiv_", ["a2,3", "a2,3", "p2,3"], lambda t: t[0].clone().addcdiv_(t[1], t[2], value=0.5))
case("clamp", ["a2,5"], lambda t: t[0].clamp(-0.5, 1.0))
case("clamp_tensor", ["a2,5", "p5"], lambda t: t[0].clamp(max=t[1]))
case("clamp_", ["a2,5"], lambda t: t[0].clone().clamp_(-0.5, 1.0))
case("fill_zero_copy", ["a2,3", "a3"], lambda t: t[0].clone().fill_(2.0).copy_(t[1]))
case("softplus", ["a2,5"], lambda t: F.softplus(t[0], 2.0, 1.0))
case("softmax", ["a3,4"], lambda t: t[0].softmax(1))
case("log_softmax", ["a3,4"], lambda t: t[0].log_softmax(0))
# reductions
for n in "sum mean max min norm logsumexp all any argmax amax".split():
    args = {"logsumexp": (1,), "amax": ((0, 1),)}.get(n, ())
    case(
        n + "_all", ["a3,4"], lambda t, n=n, args=args: getattr(t[0] if n not in ("all", "any") else t[0] > 0, n)(*args)
    )
case("sum_dim", ["a3,4,2"], lambda t: t[0].sum(1))
case("sum_dims", ["a3,4,2"], lambda t: t[0].sum((0, 2), keepdim=True))
case("mean_dims", ["a3,4,2"], lambda t: t[0].mean((0, 2), keepdim=True))
case("norm_dim", ["a3,4"], lambda t: t[0].norm(dim=1, p=2))
case("norm_one", ["a3,4"], lambda t: t[0].norm(p=1))
case("max_dim", ["a3,4"], lambda t: t[0].max(1)[0])
case("max_dim_index", ["a3,4"], lambda t: t[0].max(1)[1])
case("min_dim", ["a3,4"], lambda t: t[0].min(0, keepdim=True)[0])
case("argmax_dim", ["a3,4"], lambda t: t[0].argmax(1))
# shape
case("view_permute", ["a2,6"], lambda t: t[0].view(2, 2, 3).permute(2, 0, 1).contiguous())
case("reshape_transpose", ["a2,6"], lambda t: t[0].reshape(3, 4).transpose(0, 1))
case("squeeze_unsqueeze", ["a2,1,3"], lambda t: t[0].squeeze(1).unsqueeze(-1))
case("expand", ["a2,1"], lambda t: t[0].expand(2, 3))
case("repeat_interleave", ["a2,3"], lambda t: t[0].repeat_interleave(2, 1))
case("narrow_select", ["a4,5"], lambda t: t[0].narrow(1, 1, 3).select(0, 2))
case("as_strided", ["a12"], lambda t: t[0].as_strided((3, 2), (2, 3), 1))
case("flatten", ["a2,3,2"], lambda t: t[0].flatten(1))
case("cat", ["a2,3", "a1,3"], lambda t: torch.cat([t[0], t[1]], 0))
case("split", ["a5,2"], lambda t: t[0].split(2)[2] * t[0].split([1, 4])[0])
case("chunk", ["a4,2"], lambda t: t[0].chunk(2)[1])
# indexing
case("gather", ["a3,4", "i3,2:4"], lambda t: t[0].gather(1, t[1]))
case("index_select", ["a3,4", "i5:3"], lambda t: t[0].index_select(0, t[1]))
case("slice_step", ["a6,4"], lambda t: t[0][1:5:2, -1])
case("ellipsis_none", ["a2,3,4"], lambda t: t[0][..., None, 1])
case("tensor_index", ["a5,3", "i4:5"], lambda t: t[0][t[1]])
case("bool_index", ["a4,3", "b4"], lambda t: t[0][t[1]])
case("assign", ["a4,3", "a3"], lambda t: assign(t[0].clone(), t[1]))
# linear algebra
case("matmul", ["a2,3,4", "a4,2"], lambda t: t[0].matmul(t[1]))
case("mm", ["a3,4", "a4,2"], lambda t: t[0].mm(t[1]))
case("dot", ["a4", "a4"], lambda t: t[0].dot(t[1]))
case("linalg_qr_r", ["a3,3"], lambda t: torch.linalg.qr(t[0])[1].abs())
case("linalg_norm", ["a3,4"], lambda t: torch.linalg.norm(t[0]))
case("linalg_norm_dim", ["a3,4"], lambda t: torch.linalg.norm(t[0], 3.0, (1,)))
case("linalg_svd_s", ["a3,2"], lambda t: torch.linalg.svd(t[0], full_matrices=False)[1])
# functional
case("linear", ["a2,3", "a4,3", "a4"], lambda t: F.linear(t[0], t[1], t[2]))
case("linear_no_bias", ["a2,3", "a4,3"], lambda t: F.linear(t[0], t[1]))
case("conv2d", ["a2,2,5,5", "a3,2,3,3", "a3"], lambda t: F.conv2d(t[0], t[1], t[2], stride=(2, 1), padding=(1, 0)))
case("conv2d_groups", ["a1,4,4,4", "a4,2,2,2"], lambda t: F.conv2d(t[0], t[1], None, dilation=(2, 2), groups=2))
case("max_pool2d", ["a1,2,5,5"], lambda t: F.max_pool2d(t[0], 2))
case("max_pool2d_overlap", ["a1,2,5,5"], lambda t: F.max_pool2d(t[0], (3, 2), (2, 1), (1, 0)))
case("batch_norm_train", ["a3,2,3,3", "p2", "a2"], lambda t: F.batch_norm(t[0], None, None, t[1], t[2], True))
case(
    "batch_norm_eval",
    ["a3,2,3,3", "a2", "p2", "p2", "a2"],
    lambda t: F.batch_norm(t[0], t[1].detach(), t[2].detach(), t[3], t[4], False),
)
case("layer_norm", ["a3,4", "p4", "a4"], lambda t: F.layer_norm(t[0], (4,), t[1], t[2]))
case("cross_entropy", ["a3,4", "i3:4"], lambda t: F.cross_entropy(t[0], t[1]))
case(
    "cross_entropy_smooth",
    ["a3,4", "i3:4", "p4"],
    lambda t: F.cross_entropy(t[0], t[1], t[2].detach(), ignore_index=0, reduction="sum", label_smoothing=0.1),
)
case("mse_loss", ["a3,4", "a3,4"], lambda t: F.mse_loss(t[0], t[1]))
case(
    "bce_logits",
    ["a3,4", "u3,4", "p4"],
    lambda t: F.binary_cross_entropy_with_logits(t[0], t[1].detach(), pos_weight=t[2].detach()),
)
case("normalize", ["a3,4"], lambda t: F.normalize(t[0]))
case("one_hot", ["i4:5"], lambda t: F.one_hot(t[0], 5))


def assign(x, row):
    x[1] = row
    x[2:, 0] = 7.0
    return x


def weights(shape, dtype):  # what the result is weighted with before it is differentiated
    n = 1
    for s in shape:
        n *= s
    return (torch.arange(n, dtype=dtype) * 7 % 5 / 4 - 0.3).view(shape)


def listed(t):
    t = t.detach().contiguous()
    return {"shape": list(t.shape), "values": [float(v) for v in t.double().flatten()]}


def run(inputs, fn, dtype):
    leaves = [x.to(dtype).requires_grad_() if x.is_floating_point() else x for x in inputs]
    out = fn(leaves)
    record = {"result": listed(out)}
    floats = [x for x in leaves if x.requires_grad]
    if not out.requires_grad:
        return record
    grads = torch.autograd.grad((out * weights(out.shape, dtype)).sum(), floats, create_graph=True, allow_unused=True)
    record["grads"] = [listed(g) if g is not None else None for g in grads]
    if dtype is torch.float64:
        total = [(g * weights(g.shape, dtype)).sum() for g in grads if g is not None and g.requires_grad]
        if total:
            try:
                second = torch.autograd.grad(sum(total), floats, allow_unused=True)
                record["second"] = [listed(g) if g is not None else None for g in second]
            except RuntimeError as e:  # a few operations have no second derivative
                assert "is not implemented" in str(e), (e, out)
    return record


def rounded(value, digits):
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    return [rounded(v, digits) for v in value] if isinstance(value, list) else value


entries = []
for name, codes, fn in CASES:
    inputs = [make(c) for c in codes]
    entries.append(
        {
            "name": name,
            "inputs": [
                {
                    "type": {torch.float64: "float", torch.int64: "long", torch.bool: "bool"}[x.dtype],
                    **rounded(listed(x), 7),
                }
                for x in inputs
            ],
            "float64": rounded(run(inputs, fn, torch.float64), 14),
            "float32": rounded(run(inputs, fn, torch.float32), 8),
        }
    )
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.json")
with open(path + ".new", "w") as f:
    f.write(
        '{"torch": "%s", "cases": [\n' % torch.__version__
        + ",\n".join(json.dumps(e, separators=(",", ":")) for e in entries)
        + "\n]}\n"
    )
os.replace(path + ".new", path)
print(len(entries), "cases,", os.path.getsize(path), "bytes")
