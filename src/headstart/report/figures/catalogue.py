"""Every figure of a report by name, drawn with its legend as one image."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from headstart.analyse.analysis import Analysis
from headstart.core.errors import Problem, SpecError, unknown
from headstart.report.figures.accuracy_by_cost import cost_arms, cost_figure
from headstart.report.figures.accuracy_by_cut import cuts_figure
from headstart.report.figures.chart import WIDE
from headstart.report.figures.class_gains import class_gains_by_size, classes_figure
from headstart.report.figures.gain_by_size import gain_figure
from headstart.report.figures.labels_saved import labels_figure
from headstart.report.figures.learning_curves import curve_arms, curves_figure
from headstart.report.figures.legend import Key, arm_keys, sweep_keys
from headstart.report.figures.seed_pairs import pair_arms, pairs_figure
from headstart.report.figures.sheet import Block, sheet
from headstart.report.rows import TaskPair, pairs_of, sizes_of
from headstart.report.sweep import sweeps_of

_Named = TypeVar("_Named")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureKind:
    """What a figure shows, and how it is drawn; `absent` is why a study may lack it."""

    title: str
    absent: str
    blocks: Callable[[Analysis, TaskPair], list[Block]]


def drawn(analysis: Analysis, name: str) -> str:
    """A figure as one SVG image: for each pair of tasks a legend, and its drawings below it.

    Raises:
        SpecError: there is no figure of that name, or this study has nothing to draw in it.
    """
    svg = drawn_if_any(analysis, name)
    if not svg:
        raise nothing_in(name, analysis)
    return svg


def drawn_if_any(analysis: Analysis, name: str) -> str:
    """The same image; empty where this study has nothing to draw in it.

    Raises:
        SpecError: there is no figure of that name.
    """
    kind = by_name("figure", name, FIGURES)
    pairs = pairs_of(analysis)
    blocks: list[Block] = []
    for pair in pairs:
        heading = str(pair) if len(pairs) > 1 else ""
        found = kind.blocks(analysis, pair)
        blocks += [Block(heading=heading, keys=b.keys, drawings=b.drawings) for b in found]
    title = f"{kind.title}, {analysis.study}"
    return sheet(blocks, name=name, title=title) if blocks else ""


def by_name(what: str, name: str, known: dict[str, _Named]) -> _Named:
    """What goes by a name.

    Raises:
        SpecError: nothing does; the message has the nearest name.
    """
    if name not in known:
        raise SpecError([unknown(what, name, known)], "the analysis")
    return known[name]


def nothing_in(name: str, analysis: Analysis) -> SpecError:
    """The error of a figure that a study has no numbers for."""
    message = f"figure '{name}' is empty in study '{analysis.study}': {FIGURES[name].absent}."
    others = [
        other
        for other, kind in FIGURES.items()
        if any(kind.blocks(analysis, pair) for pair in pairs_of(analysis))
    ]
    allowed = f"Figures with content: {', '.join(others) or 'none'}."
    return SpecError([Problem(where="", message=message, allowed=allowed)], "the analysis")


def _block(drawings: Iterable[str], keys: tuple[Key, ...]) -> list[Block]:
    some = tuple(filter(None, drawings))
    return [Block(keys=keys, drawings=some)] if some else []


def _gains(analysis: Analysis, pair: TaskPair) -> list[Block]:
    rows = [row for group in sizes_of(analysis, pair) for row in group.rows]
    keys = arm_keys(analysis, (row.arm for row in rows if row.comparison))
    return _block([gain_figure(analysis, pair, WIDE)], keys)


def _seeds(analysis: Analysis, pair: TaskPair) -> list[Block]:
    keys = arm_keys(analysis, pair_arms(sizes_of(analysis, pair)))
    return _block(pairs_figure(analysis, pair), keys)


def _curves(analysis: Analysis, pair: TaskPair) -> list[Block]:
    return _block(curves_figure(analysis, pair), arm_keys(analysis, curve_arms(analysis, pair)))


def _labels(analysis: Analysis, pair: TaskPair) -> list[Block]:
    return _block(labels_figure(analysis, pair), arm_keys(analysis, [analysis.control]))


def _cost(analysis: Analysis, pair: TaskPair) -> list[Block]:
    keys = arm_keys(analysis, cost_arms(analysis, pair))
    return _block([cost_figure(analysis, pair, WIDE)], keys)


def _classes(analysis: Analysis, pair: TaskPair) -> list[Block]:
    gains = [gain for of_size in class_gains_by_size(analysis, pair).values() for gain in of_size]
    keys = arm_keys(analysis, (gain.arm for gain in gains))
    return _block(classes_figure(analysis, pair), keys)


def _cuts(analysis: Analysis, pair: TaskPair) -> list[Block]:
    return [
        Block(
            keys=sweep_keys(analysis, sweep),
            drawings=(cuts_figure(analysis, pair, sweep, WIDE),),
        )
        for sweep in sweeps_of(analysis, pair)
    ]


FIGURES: dict[str, FigureKind] = {
    "gains": FigureKind(
        title="Gain by number of target images",
        absent="nothing was compared with a control",
        blocks=_gains,
    ),
    "seeds": FigureKind(
        title="Every seed's pair", absent="no trial has a result on test images", blocks=_seeds
    ),
    "curves": FigureKind(
        title="Learning curves", absent="no curve was measured on validation images", blocks=_curves
    ),
    "labels": FigureKind(
        title="Labels saved", absent="the control has fewer than two sizes", blocks=_labels
    ),
    "cost": FigureKind(
        title="Accuracy against cost", absent="the operations of no arm are known", blocks=_cost
    ),
    "classes": FigureKind(
        title="Gain by class", absent="gains of single classes are not known", blocks=_classes
    ),
    "cuts": FigureKind(title="Accuracy by cut", absent="the study has no cut sweep", blocks=_cuts),
}
"""The figures, by the name that Python calls them by."""
