#!/usr/bin/env python3
"""Meta-trainings of several methods taken together, game by game.

    python3 experiments/minatar/pooled.py RUN...

Of each run: how much larger the area is than a random initialization's, its pairs averaged. Then the mean over runs
with Student's 95 % interval. Both pages that have "both together" show what this prints.
"""
import json
import pathlib
import statistics
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from recompute import area, student  # noqa: E402


def gain(curves):
    """Mean over a run's pairs of the area from what it learned minus that from a random initialization."""
    start = max(curve["steps"][0] for curve in curves)
    areas = {(curve["method"] == "none", curve["seed"]): area(curve["steps"], curve["values"], start)
             for curve in curves}
    return statistics.fmean(areas[False, seed] - areas[True, seed] for none, seed in areas if none)


gains = {}
for run in sys.argv[1:]:
    curves = json.loads((pathlib.Path(run) / "result.json").read_text())["curves"]
    gains.setdefault(curves[0]["task"], []).append(gain(curves))
for game, of_runs in sorted(gains.items()):
    mean = student(of_runs)
    print(f"{game}: {', '.join(f'{g:.2f}' for g in of_runs)}; "
          f"mean {mean['value']:.2f} [{mean['low']:.2f}, {mean['high']:.2f}]")
