"""Draws the figures of a report. Usage: figures.py REPORT.json FOLDER

Writes overall, sweep, curves, area and meta as PNG and PDF (those for which the report has numbers) and prints one name a line.
Every number is in REPORT.json; nothing is computed here."""
import json
import math
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import EngFormatter, MaxNLocator

# Okabe and Ito's colours, told apart also by the colour-blind; learning from scratch is always grey.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000"]
GREY = "#7f7f7f"
MOST_PANELS = 12  # of single tasks, where one figure shows all together

plt.rcParams.update(
    {
        "font.family": "serif", "font.serif": ["STIXGeneral", "DejaVu Serif"], "mathtext.fontset": "stix", "font.size": 9,
        "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "axes.labelsize": 9, "axes.grid": True,
        "grid.color": "#e6e6e6", "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "lines.linewidth": 1.4,
        "figure.dpi": 160, "savefig.bbox": "tight", "pdf.fonttype": 42,
    }
)


def names_of(tasks):
    """Short names: without namespace, version and options, unless two tasks would be called the same."""
    short = {t: t.rsplit("/", 1)[-1].split("?")[0].rsplit("-v", 1)[0].replace("_", " ") for t in tasks}
    twice = {n for n in short.values() if list(short.values()).count(n) > 1}
    return {t: n + (" (" + t.split("?", 1)[1] + ")" if n in twice and "?" in t else "") for t, n in short.items()}


def panels(n):
    columns = 2 if n in (2, 4) else min(n, 3) if n < 7 else 5 if n % 5 == 0 else 4
    rows = math.ceil(n / columns)
    width, height = (2.9, 2.2) if columns < 4 else (2.2, 1.8)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns + 0.4, height * rows + 0.5), squeeze=False)
    flat = list(axes.flat)
    for unused in flat[n:]:
        unused.remove()
    return figure, flat[:n]


def legend(figure, axes):
    handles = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    figure.tight_layout()
    figure.legend(handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=min(len(handles), 5 if max(map(len, handles)) < 20 else 3))


def curves(report, colours):
    figure, axes = panels(len(report["tasks"]))
    names = names_of([t["task"] for t in report["tasks"]])
    for axis, task in zip(axes, report["tasks"]):
        for layer, method in enumerate(task["methods"]):
            colour = colours[method["method"]]
            axis.plot(method["steps"], method["mean"], color=colour, label=method["method"], zorder=9 - layer)
            if method["seeds"] > 1:
                axis.fill_between(method["steps"], method["low"], method["high"], color=colour, alpha=0.18, linewidth=0)
        axis.set_title(names[task["task"]])
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.margins(x=0)
    figure.supxlabel(report["axis"], fontsize=9)
    figure.supylabel(report["measure"], fontsize=9)
    legend(figure, axes)
    return figure


def area(report, colours):
    figure, axes = panels(len(report["tasks"]))
    titles = names_of([t["task"] for t in report["tasks"]])
    for axis, task in zip(axes, report["tasks"]):
        names = [m["method"] for m in task["methods"]]
        for x, method in enumerate(task["methods"]):
            a = method["area"]
            axis.bar(x, a["value"], color=colours[method["method"]], alpha=0.85, width=0.62, yerr=[[a["value"] - a["low"]], [a["high"] - a["value"]]],
                     error_kw={"elinewidth": 1, "capsize": 3})
            axis.scatter([x] * len(method["areas"]), method["areas"], s=7, color="black", alpha=0.5, zorder=3, linewidths=0)
        axis.set_title(titles[task["task"]])
        axis.set_xticks(range(len(names)), names, rotation=0 if sum(map(len, names)) < 30 else 25, ha="center" if sum(map(len, names)) < 30 else "right")
        axis.grid(axis="x", visible=False)
    figure.supylabel("mean " + report["measure"], fontsize=9)
    figure.tight_layout()
    return figure


def band(axis, x, mean, deviation, colour, **line):
    axis.plot(x, mean, color=colour, **line)
    if any(deviation):
        axis.fill_between(x, [m - d for m, d in zip(mean, deviation)], [m + d for m, d in zip(mean, deviation)], color=colour, alpha=0.16, linewidth=0)


def overall(report, colours):
    all_tasks = report["overall"]
    methods = all_tasks["methods"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.9), gridspec_kw={"width_ratios": [1.35, 1]})
    for layer, method in enumerate(methods):
        band(left, all_tasks["steps"], method["mean"], method["deviation"], colours[method["method"]], label=method["method"], zorder=20 - layer)
    left.set_xlabel(report["axis"])
    left.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    left.xaxis.set_major_formatter(EngFormatter(sep=""))
    left.set_ylabel(report["measure"])
    left.margins(x=0)
    for y, method in enumerate(methods):
        a, colour = method["intervals"][0], colours[method["method"]]
        right.plot([a["low"], a["high"]], [y, y], color=colour, linewidth=1.6)
        right.plot([a["value"]], [y], color=colour, marker="D", markersize=5)
        if len(method["values"][0]) > 1:
            right.scatter(method["values"][0], [y + 0.22] * len(method["values"][0]), s=9, color=colour, alpha=0.6, linewidths=0)
    right.set_yticks(range(len(methods)), [m["method"] for m in methods])
    right.set_ylim(len(methods) - 0.4, -0.6)
    right.grid(axis="y", visible=False)
    # An interval of two or three runs can be wider than all the rest: it is cut off rather than shrinking everything.
    seen = [v for m in methods for v in m["values"][0]]
    room = 0.6 * (max(seen) - min(seen)) or 0.05
    right.set_xlim(max(right.get_xlim()[0], min(seen) - room), min(right.get_xlim()[1], max(seen) + room))
    right.set_xlabel(f"area under the {report['measure']}, per step")
    figure.tight_layout()
    figure.legend(*left.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=min(len(methods), 4 if max(len(m["method"]) for m in methods) < 20 else 3))
    return figure


def sweep(report, colours):
    figure, axes = panels(len(report["sweeps"]))
    for axis, one in zip(axes, report["sweeps"]):
        names = list(dict.fromkeys(p["method"] for p in one["points"]))
        values = sorted({p["x"] for p in one["points"]})
        nudge = 0.007 * (values[-1] - values[0])
        for i, name in enumerate(names):
            points = [p for p in one["points"] if p["method"] == name]
            x = [p["x"] + (i - (len(names) - 1) / 2) * nudge for p in points]
            axis.errorbar(x, [float(p["mean"]) for p in points], yerr=[float(p["deviation"]) for p in points], color=colours[name], label=name, marker="o", markersize=3,
                          capsize=2, elinewidth=1, zorder=20 - i)
            for at, p in zip(x, points):
                if len(p["values"]) > 1:
                    axis.scatter([at] * len(p["values"]), [float(v) for v in p["values"]], s=6, color=colours[name], alpha=0.45, linewidths=0)
        axis.set_title("area under the " + report["measure"] if one["quantity"] == "area" else one["quantity"])
        axis.set_xlabel(one["key"].rsplit(".", 1)[-1].replace("-", " "))
        axis.set_xticks(values)
        axis.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    legend(figure, axes)
    return figure


# What is drawn of the meta-training, in this order; the rest is in report.json alone. A quantity not named here keeps its name.
QUANTITIES = {
    "return/normalized": "normalized return while training", "error/mean": "training error", "validation/error": "validation error", "loss/mean": "training loss",
    "path/length": "path length", "path/energy": "path energy", "meta/gradient_norm": "norm of the meta-gradient", "meta/diverged": "tasks that diverged",
}
LEFT_OUT = {"loss/first", "loss/last", "return/mean"}


def numbers(values):
    # JSON has no number for what a method lacks (a path length, say): it is the text "NaN".
    return [float(v) for v in values]


def drawn(report):
    """The curves of the meta figure: not those without a number, and diverged tasks only where there were any."""
    for curve in report["meta"]:
        values = [v for v in numbers(curve["mean"]) if not math.isnan(v)]
        if values and curve["quantity"] not in LEFT_OUT and (curve["quantity"] != "meta/diverged" or any(values)):
            yield curve


def meta(report, colours):
    known = list(drawn(report))
    labels = list(dict.fromkeys(c["label"] for c in known))
    if len(labels) > 1:  # runs or methods against each other: what is about the whole batch
        known = [c for c in known if c["task"] == "meta"]
    order = list(QUANTITIES)
    quantities = sorted({c["quantity"] for c in known}, key=lambda q: (order.index(q) if q in order else len(order), q))
    tasks = sorted({c["task"] for c in known} - {"meta"})
    names = names_of(tasks)
    figure, axes = panels(len(quantities))
    for axis, quantity in zip(axes, quantities):
        here = [c for c in known if c["quantity"] == quantity]
        for curve in sorted(here, key=lambda c: (c["task"] == "meta", c["task"])):
            mean = numbers(curve["mean"])
            if len(labels) > 1:
                i, label, style = labels.index(curve["label"]), curve["label"], {}
            elif curve["task"] == "meta":
                i, label, style = None, "whole batch", {"color": "black", "linewidth": 2.0}
            else:
                i, label, style = tasks.index(curve["task"]), names[curve["task"]], {}
            if i is not None:
                style = {"color": colours.get(label, COLOURS[i % 7]) if len(labels) > 1 else COLOURS[i % 7], "linestyle": ["-", "--", ":", "-."][i // 7 % 4]}
            axis.plot(curve["meta-steps"], mean, label=label, marker="o" if len(mean) < 2 else None, **style)
            if curve["runs"] > 1:
                axis.fill_between(curve["meta-steps"], numbers(curve["low"]), numbers(curve["high"]), color=style["color"], alpha=0.15, linewidth=0)
        axis.set_title(QUANTITIES.get(quantity, quantity))
        axis.set_xlabel("meta-step")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axis.margins(x=0.02)
    legend(figure, axes)
    return figure


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    methods = list(dict.fromkeys(m["method"] for t in report["tasks"] for m in t["methods"]))
    rest = iter(COLOURS * (1 + len(methods) // len(COLOURS)))
    colours = {m: GREY if m.split(" ")[0] == "none" else next(rest) for m in methods}
    figures = (
        ("overall", overall, report.get("overall")),
        ("sweep", sweep, report["sweeps"]),
        ("curves", curves, 0 < len(report["tasks"]) <= MOST_PANELS or not report.get("overall") and report["tasks"]),
        ("area", area, 0 < len(report["tasks"]) <= MOST_PANELS or not report.get("overall") and report["tasks"]),
        ("meta", meta, list(drawn(report))),
    )
    for name, draw, wanted in figures:
        if wanted:
            figure = draw(report, colours)
            for kind in "png", "pdf":
                # No dates inside: equal reports are equal files.
                figure.savefig(os.path.join(sys.argv[2], f"{name}.{kind}"), metadata={"CreationDate": None} if kind == "pdf" else {"Software": None})
            plt.close(figure)
            print(name)


main()
