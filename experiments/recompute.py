#!/usr/bin/env python3
"""Computes numbers of reports again, from the stored runs alone: Python's standard library, nothing of RlLeap.

    experiments/remake.sh runs/remade
    python3 experiments/recompute.py runs/remade [--count 10] [--seed 0]

Of all reports in the folder it draws numbers at random: mean areas and final values, mean differences of areas over
pairs, and both ends of Student's 95 % intervals, over pairs and over runs; accuracies over test episodes. It prints
both and ends with exit code 1 where two of them differ by more than rounding. Definitions are those of docs/reports.md.
"""
import argparse
import functools
import json
import math
import pathlib
import random
import statistics
import sys


@functools.cache
def student_quantile(freedom, probability=0.975):
    """Bisection on the distribution function of Student's t, by Simpson's rule."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def below(t, parts=4000):
        width = t / parts
        heights = [scale * (1 + (i * width) ** 2 / freedom) ** (-(freedom + 1) / 2) for i in range(parts + 1)]
        return 0.5 + width / 3 * (heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2]))

    low, high = 0.0, 400.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < probability else (low, middle)
    return (low + high) / 2


def student(values):
    """Mean and 95 % interval; no interval where values do not differ."""
    mean = statistics.fmean(values)
    error = statistics.stdev(values) / math.sqrt(len(values))
    reach = student_quantile(len(values) - 1) * error
    return {"value": mean, "low": mean - reach, "high": mean + reach} if error > 0 else {"value": mean}


def area(steps, values, start):
    """Mean height from a step on: trapezoids between points, a line between the two points around the start."""
    if len(steps) == 1:
        return values[0]
    points = [(step, value) for step, value in zip(steps, values) if step > start]
    before = [(step, value) for step, value in zip(steps, values) if step <= start]
    if not before:
        first = (steps[0], values[0])
        points = points[1:]
    elif not points or before[-1][0] == start:
        first = (start, before[-1][1])
    else:
        (s0, v0), (s1, v1) = before[-1], points[0]
        first = (start, v0 + (v1 - v0) * (start - s0) / (s1 - s0))
    points.insert(0, first)
    if len(points) == 1:
        return points[0][1]
    total = sum((s1 - s0) * (v0 + v1) / 2 for (s0, v0), (s1, v1) in zip(points, points[1:]))
    return total / (points[-1][0] - points[0][0])


def config_of(run):
    """Values of a run's config by path ("method.update"), as written: it has one key a line, indented by two."""
    values, path = {}, []
    for line in (run / "config.yaml").read_text().splitlines():
        key, colon, value = line.partition(": " if ": " in line else ":")
        path[(len(line) - len(line.lstrip())) // 2:] = [key.strip()]
        if colon:
            values[".".join(path)] = value.strip()
    return values


def labels_of(runs, methods, keys):
    """What a report made with --by calls the runs; one that lacks a key has the name of its method alone."""
    labels = []
    for run, method in zip(runs, methods):
        config, parts = config_of(run), []
        for key in (key for key in keys if key in config):
            word, value = key.split(".")[-1], config[key]
            number = value.replace(".", "", 1).replace("-", "").isdigit()
            parts.append(word if value == "true" else f"no {word}" if value == "false"
                         else f"{word} {value}" if number else value)
        named = [method] if len(set(methods)) > 1 else []
        labels.append(": ".join(named + [", ".join(parts)] * bool(parts)))
    return labels


def curves_of(runs, keys):
    """All learning curves of runs; of several that are the same in all they hold, one."""
    curves, results = {}, [json.loads((run / "result.json").read_text()) for run in runs]
    labels = labels_of(runs, [result.get("method") for result in results], keys) if keys else None
    for number, result in enumerate(results):
        seed = (result.get("record") or {}).get("seed", "")
        for curve in result.get("curves") or []:
            method = labels[number] if labels and curve["method"] == result["method"] else curve["method"]
            what = (curve["task"], method, seed, curve["seed"], tuple(curve["steps"]), tuple(curve["values"]))
            curves.setdefault(what, []).append(number)
    return [{"task": t, "method": m, "run-seed": rs, "seed": s, "steps": steps, "values": values, "runs": runs_of}
            for (t, m, rs, s, steps, values), runs_of in curves.items()]


def numbers_of(report, runs, keys):
    """Pairs (where it stands, what the report says, how it is computed again)."""
    window, reference, curves = report["window"], report.get("reference"), curves_of(runs, keys)
    for task in report["tasks"]:
        here = [curve for curve in curves if curve["task"] == task["task"]]
        start = min(max(c["steps"][0] for c in here), min(c["steps"][-1] for c in here))
        others = [c for c in here if c["method"] == reference]
        for method in task["methods"]:
            own = [c for c in here if c["method"] == method["method"]]
            if len(own) != method["seeds"]:
                continue  # its name in the report is not the one of its runs (several runs unpooled)
            where = f"{task['task']}, {method['method']}"

            def areas(own=own, start=start):
                return [area(c["steps"], c["values"], start) for c in own]

            def finals(own=own):
                return [statistics.fmean(c["values"][-window:]) for c in own]

            def differences(own=own, start=start, others=others):
                pairs = {}
                for c in own:
                    same = [o for o in others if (o["run-seed"], o["seed"]) == (c["run-seed"], c["seed"])]
                    other = next((o for o in same if set(o["runs"]) & set(c["runs"])), same[0] if same else None)
                    pairs.setdefault(c["runs"][0], []).append(
                        area(c["steps"], c["values"], start) - area(other["steps"], other["values"], start))
                return pairs

            yield f"{where}: mean area", method["area"]["value"], lambda f=areas: statistics.fmean(f())
            yield f"{where}: mean final value", method["final"]["value"], lambda f=finals: statistics.fmean(f())
            for key, values in (("difference", lambda f=differences: [d for run in f().values() for d in run]),
                                ("difference-of-runs",
                                 lambda f=differences: [statistics.fmean(run) for run in f().values()])):
                for end, said in (method.get(key) or {}).items():
                    if said is not None:
                        yield f"{where}: {key}, {end}", said, lambda f=values, e=end: student(f())[e]
    for part in report.get("episodes") or []:
        files = [f for run in runs for f in run.rglob("result.json")]
        for stored in (json.loads(f.read_text()).get("episodes") or [] for f in files):
            for episode in stored:
                if len(part["runs"]) == 1 and matches(part, episode):
                    yield (f"{part['label']}, {part['kind']}: accuracy", part["accuracy"]["value"],
                           lambda e=episode: 100 * statistics.fmean(e["accuracies"]))


def matches(part, episode):
    return all(part[key] == episode.get(key) for key in ("data", "way", "shot")) and "accuracies" in episode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where experiments/remake.sh wrote its reports")
    parser.add_argument("--count", type=int, default=10, help="how many numbers are drawn; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    numbers = []
    for listed in sorted(options.folder.glob("*.runs")):
        runs = [pathlib.Path(line) for line in listed.read_text().splitlines()]
        by = listed.with_suffix(".by")
        keys = by.read_text().split() if by.exists() else []
        report = json.loads((options.folder / listed.stem / "report.json").read_text())
        numbers += [(f"{listed.stem}: {where}", said, again) for where, said, again in numbers_of(report, runs, keys)]
    if not numbers:
        sys.exit(f"{options.folder} has no reports; make them by experiments/remake.sh {options.folder}")
    drawn = numbers if options.count == 0 else random.Random(options.seed).sample(
        numbers, min(options.count, len(numbers)))
    wrong = 0
    for where, said, again in drawn:
        found = again()
        agree = math.isclose(said, found, rel_tol=1e-6, abs_tol=1e-9)
        wrong += not agree
        print(f"{'same ' if agree else 'OTHER'}  {said:14.8g}  {found:14.8g}  {where}")
    print(f"{len(drawn) - wrong} of {len(drawn)} numbers agree ({len(numbers)} to draw from)")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
