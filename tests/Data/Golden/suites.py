#!/usr/bin/env python3
"""Makes suites.json: what PIL, torchvision and scipy give for small inputs, for the tests of the data suites.

Needs python3-torchvision, python3-pil and python3-scipy (Debian 12: torchvision 0.14.1, Pillow 9.4.0, scipy 1.10.1).
Run in this folder: python3 suites.py
"""
import base64
import io
import json

import numpy as np
import scipy.io
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

rng = np.random.default_rng(20190101)


def b64(data):
    return base64.b64encode(bytes(data)).decode()


# A drawing: ink 0 on background 1, with a few strokes.
drawing = np.ones((28, 28), np.uint8)
drawing[5:23, 8] = 0
drawing[5, 8:20] = 0
drawing[14, 8:16] = 0
drawing[20:26, 18:21] = 0

affine = []
cases = [(0, 0, 0, 1.0), (90, 0, 0, 1.0), (180, 3, -2, 1.0), (37.5, 0, 0, 1.2), (271.25, -5, 5, 0.8)]
cases += [
    (float(rng.uniform(0, 360)), int(rng.integers(-6, 7)), int(rng.integers(-6, 7)), float(rng.uniform(0.8, 1.2)))
    for _ in range(300)
]
for angle, tx, ty, scale in cases:
    image = Image.fromarray(drawing)  # mode "L" with values 0 and 1
    out = F.affine(image, angle, [tx, ty], scale, [0.0, 0.0], interpolation=InterpolationMode.NEAREST, fill=0)
    affine.append(dict(angle=angle, x=tx, y=ty, scale=scale, pixels=b64(np.packbits(np.asarray(out)).tobytes())))

resize = []
for mode, kind, (w, h), (ow, oh) in [
    ("L", "nearest", (105, 105), (28, 28)),
    ("RGB", "nearest", (7, 5), (16, 3)),
    ("RGB", "bilinear", (35, 35), (32, 32)),
    ("RGB", "bilinear", (57, 41), (32, 32)),
    ("L", "bilinear", (15, 20), (32, 32)),
    ("RGB", "bilinear", (97, 70), (32, 32)),
]:
    channels = 3 if mode == "RGB" else 1
    pixels = rng.integers(0, 256, (h, w, channels) if channels == 3 else (h, w), dtype=np.uint8)
    image = Image.fromarray(pixels, mode)
    out = image.resize((ow, oh), Image.NEAREST if kind == "nearest" else Image.BILINEAR)
    resize.append(
        dict(
            kind=kind,
            channels=channels,
            width=w,
            height=h,
            to=[ow, oh],
            input=b64(pixels.tobytes()),
            output=b64(np.asarray(out).tobytes()),
        )
    )

png = []
for mode, size in [
    ("1", (13, 7)),
    ("L", (9, 5)),
    ("RGB", (11, 6)),
    ("RGBA", (5, 4)),
    ("LA", (5, 4)),
    ("P", (12, 9)),
    ("P4", (7, 9)),
    ("P2", (7, 9)),
    ("smooth", (40, 30)),
    ("blocks", (40, 32)),
]:
    w, h = size
    if mode == "1":
        image = Image.fromarray(rng.integers(0, 2, (h, w), dtype=np.uint8) * 255).convert("1")
    elif mode.startswith("P"):
        bits = int(mode[1:] or 8)
        image = Image.fromarray(rng.integers(0, min(1 << bits, 200), (h, w), dtype=np.uint8), "P")
        image.putpalette(rng.integers(0, 256, 3 * min(1 << bits, 200), dtype=np.uint8).tobytes())
    elif mode == "smooth":  # gradients make the encoder use all filters
        y, x = np.mgrid[0:h, 0:w]
        image = Image.fromarray(np.stack([x * 6, y * 8, x + y], -1).astype(np.uint8))
    elif mode == "blocks":  # equal neighbours: ties in the Paeth predictor
        y, x = np.mgrid[0:h, 0:w]
        image = Image.fromarray(
            (
                np.kron(rng.integers(0, 4, (h // 4, w // 4, 3)), np.ones((4, 4, 1), int)) * 60 + (x + y)[..., None]
            ).astype(np.uint8)
        )
    else:
        channels = len(mode)
        image = Image.fromarray(
            rng.integers(0, 256, (h, w, channels) if channels > 1 else (h, w), dtype=np.uint8), mode
        )
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **({"bits": int(mode[1:])} if mode in ("P4", "P2") else {}))
    plain = image.convert("L") if mode in ("1", "L", "LA") else image.convert("RGB")
    png.append(
        dict(
            mode=mode,
            width=w,
            height=h,
            channels=1 if plain.mode == "L" else 3,
            file=b64(buffer.getvalue()),
            pixels=b64(np.asarray(plain).tobytes()),
        )
    )

# Photographs: JPEG with and without colour subsampling, gray; WebP and BMP. Draws of their own, so that the rest stays
# as it was.
photos = []
draws = np.random.default_rng(20261130)
y, x = np.mgrid[0:33, 0:47]
scene = np.stack([x * 5, y * 7, 255 - x - y * 2], -1) + draws.integers(-9, 10, (33, 47, 3))
scene = Image.fromarray(scene.clip(0, 255).astype(np.uint8))
for kind, mode, options in [
    ("JPEG", "RGB", dict(quality=90)),
    ("JPEG", "RGB", dict(quality=75, subsampling=0)),
    ("JPEG", "L", dict(quality=85)),
    ("JPEG", "RGB", dict(quality=80, progressive=True)),
    ("WEBP", "RGB", dict(lossless=True)),
    ("BMP", "RGB", {}),
]:
    buffer = io.BytesIO()
    scene.convert(mode).save(buffer, kind, **options)
    decoded = Image.open(io.BytesIO(buffer.getvalue())).convert(mode)
    photos.append(
        dict(
            kind=kind,
            mode=mode,
            width=47,
            height=33,
            file=b64(buffer.getvalue()),
            pixels=b64(np.asarray(decoded).tobytes()),
        )
    )

# A tiny SVHN part as scipy writes it: X [32, 32, 3, N] bytes, y [N, 1].
x = rng.integers(0, 256, (32, 32, 3, 2), dtype=np.uint8)
y = np.array([[10], [3]])
mat = []
for compressed in (False, True):
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"X": x, "y": y.astype(np.uint8 if compressed else np.float64)}, do_compression=compressed)
    mat.append(b64(buffer.getvalue()))

with open("suites.json", "w") as f:
    json.dump(
        dict(
            drawing=b64(drawing.tobytes()),
            affine=affine,
            resize=resize,
            png=png,
            photos=photos,
            mat=mat,
            mat_images=b64(np.ascontiguousarray(x.transpose(3, 2, 0, 1)).tobytes()),
            mat_labels=[0, 3],
        ),
        f,
        indent=0,
    )
    f.write("\n")
