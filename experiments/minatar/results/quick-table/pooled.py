"""Leap's and Reptile's meta-trainings of the quick table taken together, from the results beside this file.

experiments/minatar/leave-one-out.md shows what this prints.
"""
import json
import math
import pathlib
import statistics

QUANTILE = 2.3646  # Student's, 7 degrees of freedom, 95 %


def gain(path):
    """Mean over a run's pairs of the area from what it learned minus that from a random initialization."""
    curves = json.loads(path.read_text())["curves"]
    start = max(curve["steps"][0] for curve in curves)

    def area(curve):
        points = [(s, v) for s, v in zip(curve["steps"], curve["values"]) if s >= start]
        heights = ((s1 - s0) * (v0 + v1) / 2 for (s0, v0), (s1, v1) in zip(points, points[1:]))
        return sum(heights) / (points[-1][0] - points[0][0])

    areas = {(curve["method"] == "none", curve["seed"]): area(curve) for curve in curves}
    return statistics.fmean(areas[False, seed] - areas[True, seed] for none, seed in areas if none)


here = pathlib.Path(__file__).parent
for game in sorted(path.name for path in here.iterdir() if path.is_dir()):
    gains = [gain(path) for folder in (here, here.parent / "quick-table-reptile")
             for path in sorted((folder / game).glob("*/result.json"))]
    mean, half = statistics.fmean(gains), QUANTILE * statistics.stdev(gains) / math.sqrt(len(gains))
    print(f"{game}: {', '.join(f'{g:.2f}' for g in gains)}; mean {mean:.2f} [{mean - half:.2f}, {mean + half:.2f}]")
