"""One meta-step of Leap on Omniglot-like tasks in plain PyTorch, as the authors' published code does it: the peer of `rlleap bench leap`.

Tasks one after the other, two intra-op threads; images augmented one by one with torchvision on PIL images; Leap's update parameter by
parameter after every backward pass. Reads commands from standard input ("leap" or "plain": with or without Leap's update) and answers each
with the seconds that one meta-step took. Run with Debian's python3-torch and python3-torchvision.
"""
import sys
import time

import numpy
import torch
from PIL import Image
from torch import nn
from torchvision import transforms

TASKS, STEPS, BATCH, CLASSES, DRAWINGS, SIDE, FILTERS = int(sys.argv[1]), int(sys.argv[2]), 20, 20, 15, 28, 64


def network():
    layers, channels = [], 1
    for _ in range(4):
        layers += [nn.Conv2d(channels, FILTERS, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(FILTERS), nn.ReLU()]
        channels = FILTERS
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(FILTERS, CLASSES))


class Leap:
    """The meta-gradient, accumulated along a task's path: length metric, loss in the path, stabilizer."""

    def __init__(self, parameters):
        self.gradient = [torch.zeros_like(p) for p in parameters]
        self.previous = None

    def begin(self):
        self.previous = None

    def observe(self, loss, parameters):
        with torch.no_grad():
            here = [(p.clone(), p.grad.clone()) for p in parameters]
            loss = loss.detach().clone()
            if self.previous is not None:
                points, before = self.previous
                rise = loss - before
                squared = rise ** 2
                for (p, _), (q, _) in zip(here, points):
                    squared = squared + (p - q).pow(2).sum()
                norm = squared.sqrt()
                slope = -rise.abs()
                for total, (p, _), (q, g) in zip(self.gradient, here, points):
                    total.sub_((slope * g + (p - q)) / norm)
            self.previous = here, loss


def meta_step(model, initial, tasks, augment, with_leap):
    parameters = list(model.parameters())
    leap = Leap(parameters)
    criterion = nn.CrossEntropyLoss()
    for images, labels in tasks:
        model.load_state_dict(initial)
        model.train()
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        leap.begin()
        order = torch.randperm(STEPS * BATCH) % len(images)
        for step in range(STEPS):
            chosen = order[step * BATCH:(step + 1) * BATCH].tolist()
            x = torch.stack([augment(images[i]) for i in chosen])
            loss = criterion(model(x), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            if with_leap:
                leap.observe(loss, parameters)
            optimizer.step()
    with torch.no_grad():
        for p, g in zip(parameters, leap.gradient):
            initial_gradient = g / len(tasks)
            p.sub_(0.1 * initial_gradient)


def main():
    torch.set_num_threads(2)
    torch.manual_seed(0)
    draw = numpy.random.default_rng(0)
    augment = transforms.Compose([transforms.RandomAffine(360, translate=(0.2, 0.2), scale=(0.8, 1.2)), transforms.ToTensor()])
    tasks = []
    for _ in range(TASKS):
        pixels = (draw.random((CLASSES * DRAWINGS, SIDE, SIDE)) > 0.1).astype(numpy.uint8) * 255
        tasks.append(([Image.fromarray(p, mode="L") for p in pixels], torch.arange(CLASSES * DRAWINGS) // DRAWINGS))
    model = network()
    initial = {name: value.clone() for name, value in model.state_dict().items()}
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        meta_step(model, initial, tasks, augment, line.strip() == "leap")
        print(time.perf_counter() - started, flush=True)


main()
