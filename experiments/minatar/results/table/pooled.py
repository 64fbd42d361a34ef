"""Leap's and Reptile's meta-trainings taken together, from the results beside this file.

experiments/minatar/leap.md shows what this prints.
"""
import glob
import json
import math
import os

QUANTILE = 2.5706  # Student's, 5 degrees of freedom, 95 %


def area(curve):
    steps, values = curve["steps"], curve["values"]
    heights = ((b - a) * (v + w) / 2 for a, b, v, w in zip(steps, steps[1:], values, values[1:]))
    return sum(heights) / (steps[-1] - steps[0])


def gain(path):
    """Mean over a run's seeds of the area from what it learned minus that from random initialization."""
    with open(path) as file:
        curves = json.load(file)["curves"]
    areas = {(curve["method"] == "none", curve["seed"]): area(curve) for curve in curves}
    differences = [areas[False, seed] - areas[True, seed] for none, seed in areas if none]
    return sum(differences) / len(differences)


for game in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "held-out-*"))):
    gains = [
        gain(path)
        for method in ("leap", "reptile")
        for path in sorted(glob.glob(f"{game}/name-{method}/*/result.json"))
    ]
    mean = sum(gains) / len(gains)
    half = QUANTILE * math.sqrt(sum((g - mean) ** 2 for g in gains) / (len(gains) - 1) / len(gains))
    print(
        f"{os.path.basename(game)}: {', '.join(f'{g:.2f}' for g in gains)}; "
        f"mean {mean:.2f} [{mean - half:.2f}, {mean + half:.2f}]"
    )
