"""Writes scores.json: values of the statistics computed by numpy and scipy, from the definitions in Agarwal et al. 2021
and rliable's metrics. Run in this folder: python3 scores.py   (numpy 1.24, scipy 1.10)"""
import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(0)
games = [
    np.round(rng.normal(m, s, n), 3).tolist()
    for m, s, n in [(0.5, 0.3, 10), (1.2, 0.2, 10), (0.1, 0.5, 7), (2.0, 1.0, 5), (0.9, 0.1, 3)]
]
others = [
    np.round(rng.normal(m, s, n), 3).tolist()
    for m, s, n in [(0.4, 0.3, 10), (1.2, 0.2, 8), (0.3, 0.5, 7), (1.0, 1.0, 5), (0.9, 0.1, 2)]
]
others[0][0] = games[0][0]  # a tie
flat = np.concatenate(games)


def bootstrap(statistic, replications=200_000):
    values = [statistic([rng.choice(g, len(g)) for g in games]) for _ in range(replications)]
    return np.percentile(values, [2.5, 97.5]).tolist()


def iqm(games):  # without scipy: sort, leave a quarter out at each end, rounded down
    every = np.sort(np.concatenate(games))
    return every[len(every) // 4 : len(every) - len(every) // 4].mean()


def improvement(x, y):  # by counting pairs
    return np.mean([np.mean((a[:, None] > b) + 0.5 * (a[:, None] == b)) for a, b in zip(x, y)])


def case(shapes):
    """Random scores, rounded so that some tie; games differ in their number of runs."""
    draw = np.random.default_rng([1, *map(sum, shapes)])
    x, y = [[np.round(draw.normal(draw.normal(), 0.4, n), 1) for n in (pair[k] for pair in shapes)] for k in range(2)]
    every = np.concatenate(x)
    assert np.isclose(iqm(x), stats.trim_mean(every, 0.25))
    assert np.isclose(
        improvement(x, y), np.mean([stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) for a, b in zip(x, y)])
    )
    resample = lambda games: [draw.choice(g, len(g)) for g in games]
    interval = lambda values: np.percentile(values, [2.5, 97.5]).tolist()
    return {
        "x": [g.tolist() for g in x],
        "y": [g.tolist() for g in y],
        "mean": float(np.mean([g.mean() for g in x])),
        "median": float(np.median([g.mean() for g in x])),
        "iqm": float(iqm(x)),
        "gap": float(1 - np.minimum(every, 1).mean()),
        "improvement": float(improvement(x, y)),
        "iqm_interval": interval([iqm(resample(x)) for _ in range(40_000)]),
        "improvement_interval": interval([improvement(resample(x), resample(y)) for _ in range(40_000)]),
    }


cases = [
    case(s)
    for s in (
        [(1, 1)],
        [(1, 4)],
        [(3, 3)],
        [(10, 10)],
        [(2, 5), (7, 3)],
        [(5, 5)] * 5,
        [(10, 10)] * 26,
        [(3, 8), (1, 2), (9, 9), (4, 1)],
        [(4, 6)] * 7,
        [(50, 30), (20, 60)],
    )
]

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
        "improvement": float(
            np.mean(
                [
                    stats.mannwhitneyu(x, y, alternative="greater").statistic / (len(x) * len(y))
                    for x, y in zip(games, others)
                ]
            )
        ),
        "mean_interval": bootstrap(lambda gs: np.mean([g.mean() for g in gs])),
        "iqm_interval": bootstrap(lambda gs: stats.trim_mean(np.concatenate(gs), 0.25), 50_000),
        "cases": cases,
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
