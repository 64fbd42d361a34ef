"""Meta-steps of Leap on Omniglot-like tasks in plain PyTorch: the peer of `rlleap bench leap`.

It goes about it as the authors' published code does. Tasks run one after the other on two intra-op threads. Drawings
are augmented one by one by torchvision on PIL images. Leap's update comes after every backward pass, over the
flattened parameters. Reads a line from standard input for each meta-step ("leap", "plain": without Leap's
update, or "data": drawing only) and answers with its seconds. Run with Debian's python3-torch and python3-torchvision.
"""
import sys
import time

import numpy
import torch
from PIL import Image
from torch import nn
from torchvision import transforms

TASKS, STEPS, BATCH, CLASSES, DRAWINGS, SIDE, FILTERS, RATE = (
    int(sys.argv[1]),
    int(sys.argv[2]),
    20,
    20,
    15,
    28,
    64,
    0.1,
)


def network():
    layers, channels = [], 1
    for _ in range(4):
        layers += [nn.Conv2d(channels, FILTERS, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(FILTERS), nn.ReLU()]
        channels = FILTERS
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(FILTERS, CLASSES))


class Leap:
    """The meta-gradient, accumulated along the tasks' paths: length metric, loss in the path, stabilizer."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.gradient = torch.zeros(sum(p.numel() for p in parameters))
        self.previous = None

    def begin(self):
        self.previous = None

    @torch.no_grad()
    def observe(self, loss):
        point = torch.cat([p.view(-1) for p in self.parameters])
        gradient = torch.cat([p.grad.view(-1) for p in self.parameters])
        if self.previous is not None:
            before, slope, height = self.previous
            moved, rise = point - before, loss.detach() - height
            norm = (moved.dot(moved) + rise * rise).sqrt()
            self.gradient.sub_(moved.sub_(slope.mul_(rise.abs())).div_(norm))
        self.previous = point, gradient, loss.detach()


def meta_step(model, initial, tasks, augment, what):
    parameters = list(model.parameters())
    leap = Leap(parameters)
    criterion = nn.CrossEntropyLoss()
    for images, labels in tasks:
        model.load_state_dict(initial)
        model.train()
        optimizer = torch.optim.SGD(parameters, lr=RATE)
        leap.begin()
        order = torch.randperm(STEPS * BATCH) % len(images)
        for step in range(STEPS):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            x = torch.stack([augment(images[i]) for i in chosen.tolist()])
            y = labels[chosen]
            if what == "data":
                continue
            loss = criterion(model(x), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if what == "leap":
                leap.observe(loss)
            optimizer.step()
    if what == "leap":
        at = 0
        for name, p in model.named_parameters():
            initial[name].sub_(RATE / len(tasks) * leap.gradient[at : at + p.numel()].view_as(p))
            at += p.numel()


def main():
    torch.set_num_threads(2)
    torch.manual_seed(0)
    draw = numpy.random.default_rng(0)
    augment = transforms.Compose(
        [transforms.RandomAffine(360, translate=(0.2, 0.2), scale=(0.8, 1.2)), transforms.ToTensor()]
    )
    tasks = []
    for _ in range(TASKS):
        pixels = (draw.random((CLASSES * DRAWINGS, SIDE, SIDE)) > 0.1).astype(numpy.uint8) * 255
        tasks.append(([Image.fromarray(p, mode="L") for p in pixels], torch.arange(CLASSES * DRAWINGS) // DRAWINGS))
    model = network()
    initial = {name: value.clone() for name, value in model.state_dict().items()}
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        meta_step(model, initial, tasks, augment, line.strip())
        print(time.perf_counter() - started, flush=True)


main()
