"""Writes optimizers.json: 20 steps of each update rule on one vector, by PyTorch.

TensorFlow's RMSProp is written out in float64.
"""
import json, os, torch

torch.manual_seed(0)
start = torch.randn(7, dtype=torch.float64)
grads = torch.randn(20, 7, dtype=torch.float64)
grads[5] = 0


def run(make, clip=0.0):
    p = torch.nn.Parameter(start.clone())
    o = make([p])
    out = []
    for g in grads:
        p.grad = g.clone()
        if clip:
            torch.nn.utils.clip_grad_norm_([p], clip)
        o.step()
        out.append(p.detach().tolist())
    return out


def baselines(lr=3e-3, alpha=0.99, eps=1e-5):
    p, s, out = start.clone(), torch.ones(7, dtype=torch.float64), []
    for g in grads:
        s = alpha * s + (1 - alpha) * g * g
        p = p - lr * g / (s + eps).sqrt()
        out.append(p.tolist())
    return out


O = torch.optim
cases = [
    dict(options=dict(Kind='Sgd', LearningRate=0.1), values=run(lambda p: O.SGD(p, lr=0.1))),
    dict(
        options=dict(Kind='Sgd', LearningRate=0.1, Momentum=0.9, WeightDecay=0.01),
        values=run(lambda p: O.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
    ),
    dict(
        options=dict(Kind='Sgd', LearningRate=0.1, MaxGradientNorm=0.5),
        values=run(lambda p: O.SGD(p, lr=0.1), clip=0.5),
    ),
    dict(
        options=dict(Kind='RmsProp', LearningRate=1e-2, Alpha=0.99, Epsilon=1e-4),
        values=run(lambda p: O.RMSprop(p, lr=1e-2, alpha=0.99, eps=1e-4)),
    ),
    dict(
        options=dict(Kind='RmsProp', LearningRate=1e-2, Alpha=0.9, Epsilon=1e-8, Momentum=0.5, WeightDecay=0.1),
        values=run(lambda p: O.RMSprop(p, lr=1e-2, alpha=0.9, eps=1e-8, momentum=0.5, weight_decay=0.1)),
    ),
    dict(options=dict(Kind='Adam', LearningRate=1e-2), values=run(lambda p: O.Adam(p, lr=1e-2))),
    dict(
        options=dict(Kind='Adam', LearningRate=1e-2, WeightDecay=0.1, Beta1=0.8, Beta2=0.99, Epsilon=1e-5),
        values=run(lambda p: O.Adam(p, lr=1e-2, weight_decay=0.1, betas=(0.8, 0.99), eps=1e-5)),
    ),
    dict(options=dict(Kind='RmsPropBaselines', LearningRate=3e-3, Alpha=0.99, Epsilon=1e-5), values=baselines()),
]
json.dump(
    dict(
        note='made by generate_optimizers.py with PyTorch ' + torch.__version__,
        start=start.tolist(),
        gradients=grads.tolist(),
        cases=cases,
    ),
    open(os.path.join(os.path.dirname(__file__), 'optimizers.json'), 'w'),
)
