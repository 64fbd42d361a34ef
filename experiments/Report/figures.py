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
from matplotlib.ticker import EngFormatter, MaxNLocator

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
    figure.legend(handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=min(len(handles), 5))


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


def meta(report, _):
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
                style = {"color": COLOURS[i % 7], "linestyle": ["-", "--", ":", "-."][i // 7 % 4]}
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
    for name, draw, wanted in (("curves", curves, report["tasks"]), ("area", area, report["tasks"]), ("meta", meta, list(drawn(report)))):
        if wanted:
            figure = draw(report, colours)
            for kind in "png", "pdf":
                # No dates inside: equal reports are equal files.
                figure.savefig(os.path.join(sys.argv[2], f"{name}.{kind}"), metadata={"CreationDate": None} if kind == "pdf" else {"Software": None})
            plt.close(figure)
            print(name)


main()
