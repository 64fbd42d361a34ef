"""Draws the figures of a report. Usage: figures.py REPORT.json FOLDER

Writes curves, area and meta as PNG and PDF (those for which the report has numbers) and prints one name a line.
Every number is in REPORT.json; nothing is computed here."""
import json
import math
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import EngFormatter

# Okabe and Ito's colours, told apart also by the colour-blind; learning from scratch is always grey.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000"]
GREY = "#7f7f7f"

plt.rcParams.update(
    {
        "font.family": "serif", "font.serif": ["STIXGeneral", "DejaVu Serif"], "mathtext.fontset": "stix", "font.size": 9,
        "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "axes.labelsize": 9, "axes.grid": True,
        "grid.color": "#e6e6e6", "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "lines.linewidth": 1.4,
        "figure.dpi": 160, "savefig.bbox": "tight", "pdf.fonttype": 42,
    }
)


def short(task):
    return task.rsplit("/", 1)[-1].rsplit("-v", 1)[0]


def panels(n):
    columns = 2 if n in (2, 4) else min(n, 3)
    rows = math.ceil(n / columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.9 * columns + 0.4, 2.2 * rows + 0.5), squeeze=False)
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
    figure.legend(handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=min(len(handles), 5))


def curves(report, colours):
    figure, axes = panels(len(report["tasks"]))
    for axis, task in zip(axes, report["tasks"]):
        for layer, method in enumerate(task["methods"]):
            colour = colours[method["method"]]
            axis.plot(task["steps"], method["mean"], color=colour, label=method["method"], zorder=9 - layer)
            if method["seeds"] > 1:
                axis.fill_between(task["steps"], method["low"], method["high"], color=colour, alpha=0.18, linewidth=0)
        axis.set_title(short(task["task"]))
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.set_xlabel(report["axis"])
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel(report["measure"])
        axis.margins(x=0)
    legend(figure, axes)
    return figure


def area(report, colours):
    figure, axes = panels(len(report["tasks"]))
    for axis, task in zip(axes, report["tasks"]):
        names = [m["method"] for m in task["methods"]]
        for x, method in enumerate(task["methods"]):
            a = method["area"]
            axis.bar(x, a["value"], color=colours[method["method"]], alpha=0.85, width=0.62, yerr=[[a["value"] - a["low"]], [a["high"] - a["value"]]],
                     error_kw={"elinewidth": 1, "capsize": 3})
            axis.scatter([x] * len(method["areas"]), method["areas"], s=7, color="black", alpha=0.5, zorder=3, linewidths=0)
        axis.set_title(short(task["task"]))
        axis.set_xticks(range(len(names)), names, rotation=0 if sum(map(len, names)) < 30 else 25, ha="center" if sum(map(len, names)) < 30 else "right")
        axis.grid(axis="x", visible=False)
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel("area under the curve, per step")
    figure.tight_layout()
    return figure


def meta(report, _):
    # JSON has no number for what a method lacks (a path length, say): it is the text "NaN".
    known = [{**c, "values": values} for c in report["meta-curves"] if not all(map(math.isnan, values := [float(v) for v in c["values"]]))]
    quantities = sorted({c["quantity"] for c in known})
    tasks = sorted({c["task"] for c in known})
    figure, axes = panels(len(quantities))
    for axis, quantity in zip(axes, quantities):
        for curve in sorted(known, key=lambda c: c["task"]):
            if curve["quantity"] == quantity:
                i = tasks.index(curve["task"])
                axis.plot(curve["meta-steps"], curve["values"], color=COLOURS[i % len(COLOURS)], linestyle=["-", "--", ":", "-."][i // len(COLOURS) % 4],
                          label=short(curve["task"]), marker="o" if len(curve["values"]) < 2 else None)
        axis.set_title(quantity)
        axis.set_xlabel("meta-steps")
        axis.margins(x=0.02)
    legend(figure, axes)
    return figure


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    methods = list(dict.fromkeys(m["method"] for t in report["tasks"] for m in t["methods"]))
    rest = iter(COLOURS * (1 + len(methods) // len(COLOURS)))
    colours = {m: GREY if m.split(" ")[0] == "none" else next(rest) for m in methods}
    for name, draw, wanted in ((("curves"), curves, report["tasks"]), ("area", area, report["tasks"]), ("meta", meta, any(not math.isnan(float(v)) for c in report["meta-curves"] for v in c["values"]))):
        if wanted:
            figure = draw(report, colours)
            for kind in "png", "pdf":
                # No dates inside: equal reports are equal files.
                figure.savefig(os.path.join(sys.argv[2], f"{name}.{kind}"), metadata={"CreationDate": None} if kind == "pdf" else {"Software": None})
            plt.close(figure)
            print(name)


main()
