# Writes what PyTorch saves for a small network (PyTorch 1.13), and prints its outputs for one image.
import sys, torch
torch.manual_seed(1)
net = torch.nn.Sequential()
for b, (i, o) in enumerate([(1, 3), (3, 3)]):
    net.add_module(f'conv{b}', torch.nn.Conv2d(i, o, 3, padding=1))
    net.add_module(f'bn{b}', torch.nn.BatchNorm2d(o))
net.add_module('fc', torch.nn.Linear(12, 2))
with torch.no_grad():
    for b in range(2):
        getattr(net, f'bn{b}').running_mean.uniform_(-1, 1)
        getattr(net, f'bn{b}').running_var.uniform_(0.5, 1.5)
x = torch.arange(64.).view(1, 1, 8, 8) / 64
net.eval()
h = torch.relu(net.bn0(torch.max_pool2d(net.conv0(x), 2)))
h = torch.relu(net.bn1(torch.max_pool2d(net.conv1(h), 2)))
torch.save(net.state_dict(), sys.argv[1])
print(' '.join(f'{v:.6f}' for v in net.fc(h.flatten(1))[0].tolist()))
