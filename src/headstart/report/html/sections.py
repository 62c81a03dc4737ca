"""What the page shows of one pair: its rows, drawings and legends, as the template wants them."""

from dataclasses import dataclass

from headstart.analyse.analysis import (
    Analysis,
    ArmResult,
    Attribution,
    AttributionNote,
    Benefit,
    ClassGain,
    Tuning,
)
from headstart.report.benefit import WorthRow, worth_rows
from headstart.report.figures.benefit import cost_arms, cost_figure, labels_figure, results_of
from headstart.report.figures.classes import classes_figure, classes_of
from headstart.report.figures.curves import curve_arms, curves_figure
from headstart.report.figures.cuts import cuts_figure
from headstart.report.figures.gain import NARROW, WIDE, gain_figure
from headstart.report.figures.pairs import pair_arms, pairs_figure
from headstart.report.figures.palette import Look, family_looks, looks
from headstart.report.rows import Pair, SizeRows, sizes_of
from headstart.report.sweep import Sweep, sweeps_of

_DASHED = "dashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An entry of a legend; `note` says more than the name of the arm or family."""

    arm: str
    note: str = ""
    colour: str
    shape: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPage:
    """One sweep as the template shows it."""

    sweep: Sweep
    wide: str
    narrow: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPage:
    """One pair as the template shows it. Drawings are SVG; keys are the legends of drawings."""

    pair: Pair
    groups: tuple[SizeRows, ...]
    titles: dict[str, str]  # of sizes
    has_plain: bool  # whether plain 95 % intervals are there
    gain_wide: str
    gain_narrow: str
    pairs: tuple[str, ...]
    curves: tuple[str, ...]
    labels: tuple[str, ...]
    cost_wide: str
    cost_narrow: str
    classes: tuple[str, ...]
    compared: tuple[Key, ...]
    paired: tuple[Key, ...]
    drawn: tuple[Key, ...]
    costed: tuple[Key, ...]
    classed: tuple[Key, ...]
    sweeps: tuple[SweepPage, ...]
    worth_rows: tuple[WorthRow, ...]
    worth: tuple[Benefit, ...]
    calibrated: tuple[tuple[ArmResult, Benefit | None], ...]
    class_gains: tuple[ClassGain, ...]
    attributions: tuple[Attribution, ...]
    attribution_notes: tuple[AttributionNote, ...]
    tuning: tuple[Tuning, ...]


def pair_page(analysis: Analysis, pair: Pair) -> PairPage:
    """Everything that the page shows of one pair."""
    groups = sizes_of(analysis, pair)
    rows = [row for group in groups for row in group.rows]
    classes = classes_of(analysis, pair)
    gains = tuple(gain for found in classes.values() for gain in found)
    worth = tuple(w for w in analysis.worth if _of(w, pair))
    return PairPage(
        pair=pair,
        groups=groups,
        titles={size: size for size in analysis.sizes} | {g.size: g.title for g in groups},
        has_plain=any(row.comparison.low95_pp is not None for row in rows if row.comparison),
        gain_wide=gain_figure(analysis, pair, WIDE),
        gain_narrow=gain_figure(analysis, pair, NARROW),
        pairs=pairs_figure(analysis, pair),
        curves=curves_figure(analysis, pair),
        labels=labels_figure(analysis, pair),
        cost_wide=cost_figure(analysis, pair, WIDE),
        cost_narrow=cost_figure(analysis, pair, NARROW),
        classes=classes_figure(analysis, pair),
        compared=_keys(analysis, [row.arm for row in rows if row.comparison]),
        paired=_keys(analysis, pair_arms(groups)),
        drawn=_keys(analysis, list(curve_arms(analysis, pair))),
        costed=_keys(analysis, cost_arms(analysis, pair)),
        classed=_keys(analysis, [gain.arm for gain in gains]),
        sweeps=tuple(_sweep_page(analysis, pair, sweep) for sweep in sweeps_of(analysis, pair)),
        worth_rows=worth_rows(analysis, pair),
        worth=worth,
        calibrated=_calibrated(analysis, pair, worth),
        class_gains=gains,
        attributions=tuple(a for a in analysis.attributions if _of(a, pair)),
        attribution_notes=tuple(a for a in analysis.attribution_notes if _of(a, pair)),
        tuning=tuple(t for t in analysis.tuning if _of(t, pair)),
    )


def _of(told: Benefit | Attribution | AttributionNote | Tuning, pair: Pair) -> bool:
    return (told.source, told.target) == (pair.source, pair.target)


def _calibrated(
    analysis: Analysis, pair: Pair, worth: tuple[Benefit, ...]
) -> tuple[tuple[ArmResult, Benefit | None], ...]:
    """Results with a figure of calibration, each with the gains over the control if there are."""
    gains = {(w.arm, w.size): w for w in worth}
    return tuple(
        (result, gains.get(place))
        for place, result in results_of(analysis, pair).items()
        if any(value is not None for value in (result.nll, result.brier, result.ece))
    )


def _sweep_page(analysis: Analysis, pair: Pair, sweep: Sweep) -> SweepPage:
    found = family_looks()
    keys = [_key(rows.family, found[rows.family], rows.words) for rows in sweep.families]
    if sweep.control:
        band = "control, with a band of ± sd" if sweep.control.sd else "control"
        look = looks(analysis)[analysis.control]
        keys.append(Key(arm=analysis.control, note=band, colour=look.colour, shape=_DASHED))
    return SweepPage(
        sweep=sweep,
        wide=cuts_figure(analysis, pair, sweep),
        narrow=cuts_figure(analysis, pair, sweep, NARROW),
        keys=tuple(keys),
    )


def _keys(analysis: Analysis, arms: list[str]) -> tuple[Key, ...]:
    found = looks(analysis)
    return tuple(_key(arm, found[arm]) for arm in dict.fromkeys(arms))


def _key(arm: str, look: Look, note: str = "") -> Key:
    return Key(arm=arm, note=note, colour=look.colour, shape=look.shape)
