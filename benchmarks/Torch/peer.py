"""The other side of `rlleap bench torch`: the same work in PyTorch, in its default memory layout.

Reads lines "NAME ITERATIONS" on standard input; answers each with "CPU_SECONDS WALL_SECONDS" for all iterations
together. The number of threads is the first argument.
"""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)


def small_add():
    a, b = torch.randn(8), torch.randn(8)

    def run():
        return a + b

    return run


def mnih_step(from_bytes=False):
    encoder = nn.Sequential(
        nn.Conv2d(4, 16, 8, 4),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, 2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2592, 256),
        nn.ReLU(),
    )
    policy, value = nn.Linear(256, 6), nn.Linear(256, 1)
    optimizer = torch.optim.RMSprop(
        [*encoder.parameters(), *policy.parameters(), *value.parameters()], lr=7e-4, alpha=0.99, eps=1e-5
    )
    x, action = torch.rand(160, 4, 84, 84), torch.randint(6, (160, 1))
    if from_bytes:
        x = (x * 255).byte()
    advantage, target = torch.randn(160), torch.randn(160)

    def run():
        optimizer.zero_grad()
        features = encoder(x.float() / 255 if from_bytes else x)
        log = policy(features).log_softmax(-1)
        chosen = log.gather(1, action).squeeze(1)
        entropy = -(log.exp() * log).sum(-1).mean()
        loss = -(chosen * advantage).mean() + 0.5 * F.mse_loss(value(features).squeeze(1), target) - 0.01 * entropy
        loss.backward()
        optimizer.step()

    return run


class Omniglot(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Conv2d(1 if i == 0 else 64, 64, 3, padding=1) for i in range(4)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(64) for _ in range(4)])
        self.head = nn.Linear(64, 20)

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = F.relu(norm(F.max_pool2d(convolution(x), 2)))
        return self.head(x.flatten(1))


def omniglot_step():
    net = Omniglot()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.rand(20, 1, 28, 28), torch.randint(20, (20,))

    def run():
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()

    return run


made = {}
makers = {
    "add": small_add,
    "mnih": mnih_step,
    "mnih-bytes": lambda: mnih_step(from_bytes=True),
    "omniglot": omniglot_step,
}
print("ready", torch.__version__, torch.get_num_threads(), flush=True)
for line in sys.stdin:
    name, iterations = line.split()
    if name not in made:
        made[name] = makers[name]()
    step = made[name]
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(int(iterations)):
        step()
    print(time.process_time() - cpu, time.perf_counter() - wall, flush=True)
