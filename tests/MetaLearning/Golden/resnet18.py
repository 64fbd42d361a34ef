"""Writes resnet18.json: the names and shapes of torchvision's ResNet-18, and the features that it gives for one image.

The weights are formulas, so that the file stays small: element j of tensor i is sin(0.37 j + i), scaled and shifted by
what the tensor is. Run with PyTorch and torchvision; the file was written with torchvision 0.14.1 on PyTorch 1.13.1.
    python3 resnet18.py [FILE.pt]       FILE.pt: also writes the state dict, 45 MB
"""
import json
import pathlib
import sys

import numpy
import torch
import torchvision

net = torchvision.models.resnet18()
state = {}
shapes = []
for i, (name, value) in enumerate(net.state_dict().items()):
    shapes.append([name, list(value.shape)])
    if name.endswith("num_batches_tracked"):
        state[name] = value
        continue
    wave = numpy.sin(0.37 * numpy.arange(value.numel()) + i)
    scaled = 0.05 * wave if value.dim() > 1 else 0.1 * wave + (0 if name.endswith(("bias", "mean")) else 1)
    state[name] = torch.tensor(scaled.reshape(tuple(value.shape)), dtype=torch.float32)
net.load_state_dict(state)
net.eval()
if len(sys.argv) > 1:
    torch.save(net.state_dict(), sys.argv[1])
net.fc = torch.nn.Identity()
with torch.no_grad():
    image = torch.sin(0.01 * torch.arange(3 * 32 * 32, dtype=torch.float64)).float().reshape(1, 3, 32, 32)
    features = net(image)[0]
golden = {"shapes": shapes, "features": [round(float(x), 6) for x in features[::32]]}
target = pathlib.Path(__file__).with_name("resnet18.json")
if len(sys.argv) == 1:
    target.write_text(json.dumps(golden) + "\n")
print(*golden["features"])
