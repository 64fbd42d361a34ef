#!/usr/bin/env python3
"""Copies a finished Leap run, its convolutions scaled to the norms that freshly drawn ones have. Standard library only.

    python3 experiments/multi-cv/rescale.py RUN COPY
    ./rlleap evaluate COPY --output COPY/evaluated

A batch norm follows each convolution, so the network computes the same function before and after. What changes is how
far a gradient step turns the weights. The norms are those that the run's diagnosis has measured, relative_norm.
"""
import argparse
import array
import json
import pathlib
import shutil
import struct
import sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("run", type=pathlib.Path, help="folder of the run")
parser.add_argument("copy", type=pathlib.Path, help="folder to make")
options = parser.parse_args()
run, copy = options.run, options.copy
if copy.exists():
    sys.exit(f"{copy} is there already; name another folder")
if not (run / "result.json").exists():
    sys.exit(f"{run} is not a finished run: it has no result.json")

growth = {}  # of each layer ("encoder.0"): its norm, divided by a fresh one's
for line in (run / "metrics.jsonl").read_text().splitlines():
    record = json.loads(line)
    if record["series"].endswith(" from leap"):  # measured where learning of the held-out set starts
        growth |= {key[len("start/"):-len("/conv/relative_norm")].replace("/", "."): value
                   for key, value in record.items() if key.endswith("/conv/relative_norm")}
if not growth:
    sys.exit(f"{run} has no relative_norm of convolutions at the held-out set: was it learned with Leap?")

data = bytearray((run / "initialization.safetensors").read_bytes())
start = 8 + struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:start])
del header["__metadata__"]["sha256"]  # it was that of the old weights; a file without it is read unchecked
for layer, ratio in growth.items():
    for name, factor in ((f"{layer}.conv.weight", 1 / ratio), (f"{layer}.conv.bias", 1 / ratio),
                         (f"buffer.{layer}.norm.running_mean", 1 / ratio),
                         (f"buffer.{layer}.norm.running_var", 1 / ratio ** 2)):
        first, last = (start + offset for offset in header[name]["data_offsets"])
        values = array.array("f", bytes(data[first:last]))
        data[first:last] = array.array("f", [value * factor for value in values]).tobytes()
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)

copy.mkdir(parents=True)
for name in ("metrics.jsonl", "result.json"):
    shutil.copy(run / name, copy / name)
config = (run / "config.yaml").read_text().splitlines()
config = [f"  directory: {copy}" if line.startswith("  directory: ") else line for line in config]
(copy / "config.yaml").write_text("\n".join(config) + "\n")
(copy / "initialization.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data[start:])
print(f"{copy}: " + ", ".join(f"{layer} divided by {ratio:.2f}" for layer, ratio in growth.items()))
