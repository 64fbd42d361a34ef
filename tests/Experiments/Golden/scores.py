"""Writes scores.json: values of the statistics computed by numpy and scipy, from the definitions in Agarwal et al. 2021
and rliable's metrics. Run in this folder: python3 scores.py   (numpy 1.24, scipy 1.10)"""
import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(0)
games = [np.round(rng.normal(m, s, n), 3).tolist() for m, s, n in [(0.5, 0.3, 10), (1.2, 0.2, 10), (0.1, 0.5, 7), (2.0, 1.0, 5), (0.9, 0.1, 3)]]
others = [np.round(rng.normal(m, s, n), 3).tolist() for m, s, n in [(0.4, 0.3, 10), (1.2, 0.2, 8), (0.3, 0.5, 7), (1.0, 1.0, 5), (0.9, 0.1, 2)]]
others[0][0] = games[0][0]  # a tie
flat = np.concatenate(games)


def bootstrap(statistic, replications=200_000):
    values = [statistic([rng.choice(g, len(g)) for g in games]) for _ in range(replications)]
    return np.percentile(values, [2.5, 97.5]).tolist()


steps = np.cumsum(rng.integers(1, 50, 40)).tolist()
values = np.round(rng.normal(size=40), 3).tolist()
grid = np.linspace(0, steps[-1] + 20, 30).tolist()
json.dump(
    {
        "games": games,
        "others": others,
        "mean": float(np.mean([np.mean(g) for g in games])),
        "median": float(np.median([np.mean(g) for g in games])),
        "iqm": float(stats.trim_mean(flat, 0.25)),
        "gap": float(1 - np.minimum(flat, 1).mean()),
        "improvement": float(np.mean([stats.mannwhitneyu(x, y, alternative="greater").statistic / (len(x) * len(y)) for x, y in zip(games, others)])),
        "mean_interval": bootstrap(lambda gs: np.mean([g.mean() for g in gs])),
        "iqm_interval": bootstrap(lambda gs: stats.trim_mean(np.concatenate(gs), 0.25), 50_000),
        "steps": steps,
        "values": values,
        "average": [float(np.mean(values[max(0, i - 6) : i + 1])) for i in range(len(values))],
        "area": float(np.trapz(values, steps) / (steps[-1] - steps[0])),
        "grid": grid,
        "at": np.interp(grid, steps, values).tolist(),
    },
    open("scores.json", "w"),
    indent=1,
)
