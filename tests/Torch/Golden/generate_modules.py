"""Writes modules.json: what PyTorch computes for layers, losses, optimizers, schedulers and initializers.

Run with Debian's python3-torch (1.13): /usr/bin/python3 tests/Torch/Golden/generate_modules.py
Tensors are {"t": dtype, "s": shape, "d": values}; values are printed so that they read back to the same bits.
"""
import json
import os

import torch
from torch import nn

torch.set_num_threads(1)
DTYPES = {"float32": torch.float32, "float64": torch.float64}
out = {}


def dump(t):
    t = t.detach()
    flat = t.reshape(-1)
    # float32 in its own shortest digits: half the size, the same bits when read
    values = [float(str(v)) for v in flat.numpy()] if t.dtype == torch.float32 else flat.tolist()
    return {"t": str(t.dtype).split(".")[1], "s": list(t.shape), "d": values}


def rand(*shape, dtype, seed):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64).mul(100).round().div(64).to(dtype)


# ---- layers: forward, gradients of input and parameters, buffers, twice in training mode and in eval mode where there are any
LAYERS = {
    "linear": (lambda: nn.Linear(5, 3), (2, 4, 5)),
    "linear_nobias": (lambda: nn.Linear(5, 3, bias=False), (4, 5)),
    "conv": (lambda: nn.Conv2d(2, 4, 3), (2, 2, 6, 5)),
    "conv_stride_pad": (lambda: nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 2), bias=False), (2, 2, 6, 5)),
    "conv_dilation_groups": (lambda: nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2), (2, 4, 6, 6)),
    "conv_same": (lambda: nn.Conv2d(2, 3, (3, 4), padding="same"), (2, 2, 6, 5)),
    "conv_valid": (lambda: nn.Conv2d(2, 3, 3, padding="valid"), (2, 2, 6, 5)),
    "conv_reflect": (lambda: nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode="reflect"), (2, 2, 6, 5)),
    "conv_replicate": (lambda: nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode="replicate"), (2, 2, 6, 5)),
    "conv_circular": (lambda: nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode="circular"), (2, 2, 6, 5)),
    "conv_unbatched": (lambda: nn.Conv2d(2, 4, 3), (2, 6, 5)),
    "batchnorm1d": (lambda: nn.BatchNorm1d(3), (5, 3)),
    "batchnorm1d_length": (lambda: nn.BatchNorm1d(3, eps=1e-3, momentum=0.3), (4, 3, 5)),
    "batchnorm2d": (lambda: nn.BatchNorm2d(3), (4, 3, 2, 3)),
    "batchnorm2d_plain": (lambda: nn.BatchNorm2d(3, affine=False), (4, 3, 2, 3)),
    "batchnorm2d_untracked": (lambda: nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 3)),
    "batchnorm2d_average": (lambda: nn.BatchNorm2d(3, momentum=None), (4, 3, 2, 3)),
    "layernorm": (lambda: nn.LayerNorm(6), (3, 4, 6)),
    "layernorm_two": (lambda: nn.LayerNorm([4, 6], eps=1e-3), (3, 4, 6)),
    "layernorm_plain": (lambda: nn.LayerNorm(6, elementwise_affine=False), (3, 6)),
    "relu": (lambda: nn.ReLU(), (3, 4)),
    "leaky_relu": (lambda: nn.LeakyReLU(0.2), (3, 4)),
    "tanh": (lambda: nn.Tanh(), (3, 4)),
    "sigmoid": (lambda: nn.Sigmoid(), (3, 4)),
    "softmax": (lambda: nn.Softmax(-1), (3, 4)),
    "log_softmax": (lambda: nn.LogSoftmax(1), (3, 4, 2)),
    "maxpool": (lambda: nn.MaxPool2d(2), (2, 2, 5, 6)),
    "maxpool_options": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 2, 6, 5)),
    "avgpool": (lambda: nn.AvgPool2d(2), (2, 2, 5, 6)),
    "avgpool_options": (lambda: nn.AvgPool2d((3, 2), (2, 1), (1, 1), ceil_mode=True, count_include_pad=False), (2, 2, 6, 5)),
    "avgpool_divisor": (lambda: nn.AvgPool2d(2, divisor_override=3), (2, 2, 4, 4)),
    "flatten": (lambda: nn.Flatten(), (2, 3, 4)),
    "flatten_part": (lambda: nn.Flatten(0, 1), (2, 3, 4)),
    "unflatten": (lambda: nn.Unflatten(1, (2, 3)), (2, 6, 2)),
    "identity": (lambda: nn.Identity(), (2, 3)),
    "sequential": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)), (3, 1, 6, 6)),
}
out["layers"] = {}
for name, (make, shape) in LAYERS.items():
    for tname, dtype in DTYPES.items():
        torch.manual_seed(1)
        m = make().to(dtype)
        with torch.no_grad():
            for i, p in enumerate(m.parameters()):
                p.copy_(rand(*p.shape, dtype=dtype, seed=100 + i))
        rec = {"state": {k: dump(v) for k, v in m.state_dict().items()}, "calls": []}
        for call, training in enumerate([True, True, False] if list(m.buffers()) else [True]):
            m.train(training)
            m.zero_grad()
            x = rand(*shape, dtype=dtype, seed=7 + call).requires_grad_()
            y = m(x)
            w = rand(*y.shape, dtype=dtype, seed=17 + call)
            (y * w).sum().backward()
            rec["calls"].append({
                "train": training, "x": dump(x), "w": dump(w), "y": dump(y), "dx": dump(x.grad),
                "dp": {k: dump(p.grad) for k, p in m.named_parameters()},
                "buffers": {k: dump(b) for k, b in m.named_buffers()},
            })
        out["layers"][f"{name}/{tname}"] = rec

# ---- embedding
EMBEDDINGS = {
    "embedding": dict(),
    "embedding_padding": dict(padding_idx=1),
    "embedding_max_norm": dict(max_norm=1.5),
}
out["embeddings"] = {}
for name, options in EMBEDDINGS.items():
    m = nn.Embedding(6, 3, **options)
    with torch.no_grad():
        m.weight.copy_(rand(6, 3, dtype=torch.float32, seed=3))
    weight = dump(m.weight)
    x = torch.tensor([[1, 2], [5, 1], [2, 2]])
    y = m(x)
    w = rand(*y.shape, dtype=torch.float32, seed=4)
    (y * w).sum().backward()
    out["embeddings"][name] = {"weight": weight, "x": dump(x), "w": dump(w), "y": dump(y), "after": dump(m.weight), "dp": dump(m.weight.grad)}

# ---- losses
out["losses"] = {}
for tname, dtype in DTYPES.items():
    a, b = rand(4, 5, dtype=dtype, seed=21), rand(4, 5, dtype=dtype, seed=22)
    classes = torch.tensor([1, 0, 4, 1])
    probabilities = b.softmax(1)
    cw = rand(5, dtype=dtype, seed=23).abs() + 0.5
    for reduction in ["none", "mean", "sum"]:
        for name, make, target in [
            ("mse", lambda r: nn.MSELoss(reduction=r), b),
            ("l1", lambda r: nn.L1Loss(reduction=r), b),
            ("smooth_l1", lambda r: nn.SmoothL1Loss(reduction=r), b),
            ("smooth_l1_beta", lambda r: nn.SmoothL1Loss(reduction=r, beta=0.5), b),
            ("huber", lambda r: nn.HuberLoss(reduction=r), b),
            ("huber_delta", lambda r: nn.HuberLoss(reduction=r, delta=0.7), b),
            ("cross_entropy", lambda r: nn.CrossEntropyLoss(reduction=r), classes),
            ("cross_entropy_weight", lambda r: nn.CrossEntropyLoss(weight=cw, reduction=r), classes),
            ("cross_entropy_ignore", lambda r: nn.CrossEntropyLoss(ignore_index=1, reduction=r), classes),
            ("cross_entropy_smooth", lambda r: nn.CrossEntropyLoss(label_smoothing=0.2, reduction=r), classes),
            ("cross_entropy_soft", lambda r: nn.CrossEntropyLoss(reduction=r), probabilities),
            ("nll", lambda r: nn.NLLLoss(reduction=r), classes),
            ("nll_weight", lambda r: nn.NLLLoss(weight=cw, reduction=r), classes),
            ("bce", lambda r: nn.BCEWithLogitsLoss(reduction=r), probabilities),
            ("bce_weight", lambda r: nn.BCEWithLogitsLoss(weight=cw, pos_weight=cw * 2, reduction=r), probabilities),
        ]:
            x = a.clone().requires_grad_()
            y = make(reduction)(x, target)
            y.sum().backward()
            out["losses"][f"{name}/{reduction}/{tname}"] = {"x": dump(x), "target": dump(target), "weight": dump(cw), "y": dump(y), "dx": dump(x.grad)}

# ---- optimizers: 20 steps with given gradients, plus the parameter itself so that the path matters
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, [dict(lr=0.1), dict(lr=0.1, momentum=0.9), dict(lr=0.1, momentum=0.9, dampening=0.3), dict(lr=0.1, momentum=0.9, nesterov=True),
                              dict(lr=0.1, weight_decay=0.05), dict(lr=0.1, momentum=0.8, weight_decay=0.05, nesterov=True), dict(lr=0.1, momentum=0.9, maximize=True)]),
    "rmsprop": (torch.optim.RMSprop, [dict(lr=0.01), dict(lr=0.01, alpha=0.9, eps=0.01), dict(lr=0.01, weight_decay=0.05), dict(lr=0.01, momentum=0.9), dict(lr=0.01, centered=True),
                                      dict(lr=0.01, centered=True, momentum=0.5, weight_decay=0.1), dict(lr=0.01, maximize=True)]),
    "adam": (torch.optim.Adam, [dict(lr=0.01), dict(lr=0.01, betas=(0.8, 0.95), eps=1e-3), dict(lr=0.01, weight_decay=0.05), dict(lr=0.01, amsgrad=True),
                                dict(lr=0.01, amsgrad=True, weight_decay=0.1, maximize=True)]),
    "adamw": (torch.optim.AdamW, [dict(lr=0.01), dict(lr=0.01, weight_decay=0.05), dict(lr=0.01, amsgrad=True, weight_decay=0.1), dict(lr=0.01, maximize=True)]),
}
out["optimizers"] = []
for name, (make, grid) in OPTIMIZERS.items():
    for options in grid:
        for tname, dtype in DTYPES.items():
            if name == "adamw":
                options = {"weight_decay": 0, **options}
            ps = [nn.Parameter(rand(3, 2, dtype=dtype, seed=31)), nn.Parameter(rand(4, dtype=dtype, seed=32))]
            start = [dump(p) for p in ps]
            opt = make(ps, foreach=False, **options)
            after = []
            for step in range(20):
                g = [rand(*p.shape, dtype=dtype, seed=1000 + 10 * step + i) for i, p in enumerate(ps)]
                for p, t in zip(ps, g):
                    p.grad = t + 0.25 * p.detach()
                opt.step()
                if step in (0, 1, 19):
                    after.append({"step": step, "p": [dump(p) for p in ps]})
            out["optimizers"].append({"name": name, "type": tname, "options": {k: (list(v) if isinstance(v, tuple) else v) for k, v in options.items()},
                                      "start": start, "after": after})
# the gradients are the same for every optimizer
out["gradients"] = {}
for tname, dtype in DTYPES.items():
    out["gradients"][tname] = [[dump(rand(*s, dtype=dtype, seed=1000 + 10 * step + i)) for i, s in enumerate([(3, 2), (4,)])] for step in range(20)]

# ---- schedulers
SCHEDULERS = {
    "step": lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
    "lambda": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + e)),
    "exponential": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
    "linear": lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.25, 1.0, 4),
    "linear_down": lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, 8),
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 5, 0.01),
}
out["schedulers"] = {}
for name, make in SCHEDULERS.items():
    p = nn.Parameter(torch.zeros(1))
    q = nn.Parameter(torch.zeros(1))
    opt = torch.optim.SGD([{"params": [p], "lr": 0.8}, {"params": [q], "lr": 0.3}], lr=0.1)
    s = make(opt)
    rates = []
    for _ in range(14):
        rates.append([g["lr"] for g in opt.param_groups])
        opt.step()
        s.step()
    out["schedulers"][name] = rates

# ---- initialization under manual_seed(42): layers and nn.init
out["init"] = {}
for name, make in {
    "linear": lambda: nn.Linear(7, 5), "linear_nobias": lambda: nn.Linear(20, 3, bias=False), "conv": lambda: nn.Conv2d(3, 4, 3),
    "conv_groups": lambda: nn.Conv2d(4, 6, (2, 3), groups=2), "embedding": lambda: nn.Embedding(9, 4), "embedding_padding": lambda: nn.Embedding(9, 4, padding_idx=2),
    "two": lambda: nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), "linear_float64": lambda: nn.Linear(7, 5, dtype=torch.float64),
}.items():
    torch.manual_seed(42)
    out["init"][name] = {k: dump(v) for k, v in make().state_dict().items()}
for name, (shape, fill) in {
    "kaiming_uniform": ((4, 3, 2, 2), lambda t: nn.init.kaiming_uniform_(t)),
    "kaiming_uniform_out": ((4, 3), lambda t: nn.init.kaiming_uniform_(t, a=1, mode="fan_out")),
    "kaiming_normal": ((4, 5), lambda t: nn.init.kaiming_normal_(t, nonlinearity="relu")),
    "xavier_uniform": ((4, 5), lambda t: nn.init.xavier_uniform_(t, gain=5.0 / 3)),
    "xavier_normal": ((4, 5, 3), lambda t: nn.init.xavier_normal_(t)),
    "uniform": ((3, 4), lambda t: nn.init.uniform_(t, -2, 3)),
    "normal": ((5, 4), lambda t: nn.init.normal_(t, 1, 2)),
    "orthogonal_wide": ((3, 5), lambda t: nn.init.orthogonal_(t, 2 ** 0.5)),
    "orthogonal_tall": ((6, 2), lambda t: nn.init.orthogonal_(t)),
    "orthogonal_conv": ((4, 3, 2, 2), lambda t: nn.init.orthogonal_(t)),
}.items():
    torch.manual_seed(42)
    out["init"]["init." + name] = {"": dump(fill(torch.empty(*shape)))}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "modules.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
