"""Figures of a report as Axes of matplotlib, in the units of the data, to draw on further."""

import math
import re
from collections.abc import Callable
from typing import Any

from headstart.analyse.analysis import Analysis
from headstart.report.figures.accuracy_by_cost import costs_of
from headstart.report.figures.catalogue import FIGURES, by_name, nothing_in
from headstart.report.figures.class_gains import class_gains_by_size
from headstart.report.figures.labels_saved import labels_of
from headstart.report.figures.learning_curves import lines_of
from headstart.report.figures.palette import Style, arm_styles, family_styles
from headstart.report.figures.seed_pairs import rows_with_seeds
from headstart.report.notebook.libraries import need
from headstart.report.rows import SizeRows, TaskPair, pairs_of, sizes_of
from headstart.report.sweep import sweeps_of

_MARKERS = {
    "circle": "o",
    "square": "s",
    "triangle-up": "^",
    "diamond": "D",
    "triangle-down": "v",
    "cross": "P",
    "triangle-right": ">",
}
_FALLBACK = re.compile(r"var\(--[\w-]+, (#\w+)\)")


def axes_of(analysis: Analysis, name: str, pair: TaskPair, size: str, ax: Any) -> Any:
    """A figure of one pair, and of one size where it has a drawing for each.

    Args:
        analysis: what is drawn.
        name: of the figure.
        pair: source and target.
        size: label of the size; empty for the last that has content.
        ax: Axes to draw on; None for new ones.

    Raises:
        SpecError: there is no such figure, or nothing to draw in it.
        OutputError: matplotlib is not installed.
    """
    by_name("figure", name, FIGURES)
    if size:
        by_name("size", size, {label: label for label in analysis.sizes})
    if ax is None:
        ax = need("matplotlib.figure", "for Axes").Figure(layout="constrained").subplots()
    if not DRAWN[name](analysis, pair, size, ax):
        raise nothing_in(name, analysis)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False)
    return ax


def pair_of(analysis: Analysis, source: str | None, target: str | None) -> TaskPair:
    """The first pair with a source and a target, each of which may be left open.

    Raises:
        SpecError: no pair has them.
    """
    pairs = pairs_of(analysis)
    found = [p for p in pairs if source in (None, p.source) and target in (None, p.target)]
    if not found:
        known = {str(pair): pair for pair in pairs}
        return by_name("pair", f"{source or '?'} → {target or '?'}", known)
    return found[0]


def _look(style: Style) -> dict[str, str]:
    """Colour and marker of an arm."""
    return {"color": _FALLBACK.sub(r"\1", style.colour), "marker": _MARKERS[style.shape]}


def _gains(analysis: Analysis, pair: TaskPair, size: str, ax: Any) -> bool:
    groups = [g for g in sizes_of(analysis, pair) if any(row.comparison for row in g.rows)]
    arms = dict.fromkeys(row.arm for g in groups for row in g.rows if row.comparison)
    for number, arm in enumerate(arms):
        rows = [(at, r.comparison) for at, g in enumerate(groups) for r in g.rows if r.arm == arm]
        known = [(at, c) for at, c in rows if c]
        x = [at + 0.6 * ((number + 0.5) / len(arms) - 0.5) for at, _ in known]
        gains = [c.gain_pp for _, c in known]
        ends = [
            (c.gain_pp - c.low_pp, c.high_pp - c.gain_pp)
            if c.low_pp is not None and c.high_pp is not None
            else (math.nan, math.nan)  # no bar: one of no length would say that it is exact
            for _, c in known
        ]
        low, high = zip(*ends, strict=True)
        look = _look(arm_styles(analysis)[arm])
        ax.errorbar(
            x, gains, yerr=(low, high), capsize=3, lw=1, label=arm, linestyle="none", **look
        )
    ax.axhline(0, color="0.2", lw=0.8)
    ax.set_xticks(range(len(groups)), [group.title for group in groups])
    ax.set_ylabel(f"gain over {analysis.control}, percentage points")
    return bool(groups)


def _curves(analysis: Analysis, pair: TaskPair, size: str, ax: Any) -> bool:
    found = [(g, lines) for g in _sized(analysis, pair, size) if (lines := lines_of(g))]
    for group, lines in found[-1:]:
        labelled: set[str] = set()
        for line in lines:
            look = _look(arm_styles(analysis)[line.arm])
            label = None if line.arm in labelled else line.arm
            labelled.add(line.arm)
            at = [n for n, (update, _) in enumerate(line.points) if update == line.checkpoint]
            x, y = zip(*line.points, strict=True)
            ax.plot(x, y, lw=1, label=label, markevery=at, **look)
        ax.set_title(group.title)
    ax.set_xlabel("update")
    ax.set_ylabel(f"{analysis.accuracy_on('validation')}, %")
    return bool(found)


def _seeds(analysis: Analysis, pair: TaskPair, size: str, ax: Any) -> bool:
    found = [(g, rows) for g in _sized(analysis, pair, size) if (rows := rows_with_seeds(g))]
    for group, rows in found[-1:]:
        for number, row in enumerate(rows):
            values = [100 * value for value in row.by_seed.values()]
            look = _look(arm_styles(analysis)[row.arm])
            ax.plot(values, [number] * len(values), linestyle="none", **look)
        ax.set_yticks(range(len(rows)), [row.arm for row in rows])
        ax.invert_yaxis()
        ax.set_title(group.title)
    ax.set_xlabel(f"{analysis.accuracy_on('test')} of each seed, %")
    return bool(found)


def _labels(analysis: Analysis, pair: TaskPair, size: str, ax: Any) -> bool:
    control, arms = labels_of(analysis, pair)
    if not arms:
        return False
    matched = {arm: [one.result for one in matches] for arm, matches in arms.items()}
    for arm, results in {analysis.control: control, **matched}.items():
        points = [(result.num_images, result.mean_percent) for result in results]
        line = "solid" if arm == analysis.control else "none"
        look = _look(arm_styles(analysis)[arm])
        ax.plot(*zip(*points, strict=True), label=arm, linestyle=line, **look)
    ax.set_xscale("log")
    ax.set_xlabel("labelled target images")
    ax.set_ylabel(f"{analysis.accuracy_on('test')}, %")
    return True


def _cost(analysis: Analysis, pair: TaskPair, size: str, ax: Any) -> bool:
    arms = costs_of(analysis, pair)
    if len(arms) < 2:
        return False
    for arm, points in arms.items():
        costs, accuracies, _ = zip(*points, strict=True)
        ax.plot(costs, accuracies, lw=1, label=arm, **_look(arm_styles(analysis)[arm]))
    ax.set_xscale("log")
    ax.set_xlabel("operations of a trial")
    ax.set_ylabel(f"{analysis.accuracy_on('test')}, %")
    return True


def _classes(analysis: Analysis, pair: TaskPair, size: str, ax: Any) -> bool:
    by_size = class_gains_by_size(analysis, pair)
    found = [(label, gains) for label, gains in by_size.items() if size in ("", label)]
    for label, gains in found[-1:]:
        classes = list(dict.fromkeys(gain.class_name for gain in gains))
        for arm in dict.fromkeys(gain.arm for gain in gains):
            own = [gain for gain in gains if gain.arm == arm]
            y = [classes.index(gain.class_name) for gain in own]
            look = _look(arm_styles(analysis)[arm])
            ax.plot([gain.gain_pp for gain in own], y, linestyle="none", label=arm, **look)
        ax.axvline(0, color="0.2", lw=0.8)
        ax.set_yticks(range(len(classes)), classes)
        ax.invert_yaxis()
        ax.set_title(label)
    ax.set_xlabel("gain by class, percentage points")
    return bool(found)


def _cuts(analysis: Analysis, pair: TaskPair, size: str, ax: Any) -> bool:
    found = [sweep for sweep in sweeps_of(analysis, pair) if size in ("", sweep.size)]
    for sweep in found[-1:]:
        for family in sweep.families:
            results = [(at, row.result) for at, row in enumerate(family.rows) if row]
            points = [(at, r.mean_percent) for at, r in results if r and r.mean is not None]
            look = _look(family_styles()[family.family])
            ax.plot(*zip(*points, strict=True), lw=1, label=family.family, **look)
        ax.set_xticks(range(len(sweep.cuts)), sweep.cuts)
        ax.set_title(sweep.title)
    ax.set_xlabel("cut after")
    ax.set_ylabel(f"{analysis.accuracy_on('test')}, %")
    return bool(found)


def _sized(analysis: Analysis, pair: TaskPair, size: str) -> list[SizeRows]:
    return [group for group in sizes_of(analysis, pair) if size in ("", group.size)]


DRAWN: dict[str, Callable[[Analysis, TaskPair, str, Any], bool]] = {
    "gains": _gains,
    "seeds": _seeds,
    "curves": _curves,
    "labels": _labels,
    "cost": _cost,
    "classes": _classes,
    "cuts": _cuts,
}
"""Functions that draw a figure, and say whether there was anything to draw."""
