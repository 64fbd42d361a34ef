#!/usr/bin/env python3
"""Copies a finished Leap run, its convolutions scaled to the norms that freshly drawn ones have. Standard library only.

    python3 experiments/multi-cv/rescale.py RUN COPY
    ./rlleap evaluate COPY --output COPY/evaluated

A batch norm follows each convolution, so the network computes the same function before and after. What changes is how
far a gradient step turns the weights. The norms are those that the run's diagnosis has measured, relative_norm.
"""
import array
import json
import pathlib
import shutil
import struct
import sys

run, copy = map(pathlib.Path, sys.argv[1:])
copy.mkdir(parents=True)
for name in ("config.yaml", "metrics.jsonl", "result.json"):
    shutil.copy(run / name, copy / name)
config = (copy / "config.yaml").read_text().splitlines()
config = [f"  directory: {copy}" if line.startswith("  directory: ") else line for line in config]
(copy / "config.yaml").write_text("\n".join(config) + "\n")

growth = {}  # "encoder.0": how many times a fresh norm
for line in (run / "metrics.jsonl").read_text().splitlines():
    record = json.loads(line)
    if record["series"].endswith(" from leap"):  # at the start of the held-out set
        growth |= {key[len("start/"):-len("/conv/relative_norm")].replace("/", "."): value
                   for key, value in record.items() if key.endswith("/conv/relative_norm")}
if not growth:
    sys.exit(f"{run} has no relative_norm of the held-out set: was it learned with Leap, with diagnosis?")

data = bytearray((run / "initialization.safetensors").read_bytes())
start = 8 + struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:start])
del header["__metadata__"]["sha256"]  # it was that of the old weights; without it none is asked for
for layer, times in growth.items():
    for name, factor in ((f"{layer}.conv.weight", 1 / times), (f"{layer}.conv.bias", 1 / times),
                         (f"buffer.{layer}.norm.running_mean", 1 / times),
                         (f"buffer.{layer}.norm.running_var", 1 / times ** 2)):
        first, last = (start + offset for offset in header[name]["data_offsets"])
        values = array.array("f", bytes(data[first:last]))
        data[first:last] = array.array("f", [value * factor for value in values]).tobytes()
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
(copy / "initialization.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data[start:])
print(f"{copy}: " + ", ".join(f"{layer} by 1/{times:.2f}" for layer, times in growth.items()))
