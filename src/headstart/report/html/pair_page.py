"""Content of the page for one pair of tasks: rows, drawings and legends."""

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
from headstart.report.benefit import BenefitRow, benefit_rows
from headstart.report.figures.accuracy_by_cost import cost_arms, cost_figure
from headstart.report.figures.accuracy_by_cut import cuts_figure
from headstart.report.figures.chart import NARROW, WIDE
from headstart.report.figures.class_gains import class_gains_by_size, classes_figure
from headstart.report.figures.gain_by_size import gain_figure
from headstart.report.figures.labels_saved import labels_figure
from headstart.report.figures.learning_curves import curve_arms, curves_figure
from headstart.report.figures.legend import Key, arm_keys, sweep_keys
from headstart.report.figures.seed_pairs import pair_arms, pairs_figure
from headstart.report.mistakes import MistakesPage, mistakes_page
from headstart.report.rows import SizeRows, TaskPair, of_pair, results_of, sizes_of
from headstart.report.sweep import Sweep, sweeps_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPage:
    """Content of the page for one sweep."""

    sweep: Sweep
    wide: str
    narrow: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPage:
    """Content of the page for one pair. Drawings are SVG; keys are the legends of drawings."""

    pair: TaskPair
    groups: tuple[SizeRows, ...]
    titles: dict[str, str]  # of sizes
    has_plain: bool  # whether there are plain 95 % intervals
    gain_wide: str
    gain_narrow: str
    pairs: tuple[str, ...]
    curves: tuple[str, ...]
    labels: tuple[str, ...]
    cost_wide: str
    cost_narrow: str
    classes: tuple[str, ...]
    gain_keys: tuple[Key, ...]
    pair_keys: tuple[Key, ...]
    curve_keys: tuple[Key, ...]
    cost_keys: tuple[Key, ...]
    class_keys: tuple[Key, ...]
    sweeps: tuple[SweepPage, ...]
    benefit_rows: tuple[BenefitRow, ...]
    benefits: tuple[Benefit, ...]
    calibrated: tuple[tuple[ArmResult, Benefit | None], ...]
    class_gains: tuple[ClassGain, ...]
    attributions: tuple[Attribution, ...]
    attribution_notes: tuple[AttributionNote, ...]
    tuning: tuple[Tuning, ...]
    mistakes: MistakesPage | None


def pair_page(analysis: Analysis, pair: TaskPair) -> PairPage:
    """Content of the page for one pair."""
    groups = sizes_of(analysis, pair)
    rows = [row for group in groups for row in group.rows]
    classes = class_gains_by_size(analysis, pair).values()
    gains = tuple(gain for of_size in classes for gain in of_size)
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
        gain_keys=arm_keys(analysis, (row.arm for row in rows if row.comparison)),
        pair_keys=arm_keys(analysis, pair_arms(groups)),
        curve_keys=arm_keys(analysis, curve_arms(analysis, pair)),
        cost_keys=arm_keys(analysis, cost_arms(analysis, pair)),
        class_keys=arm_keys(analysis, (gain.arm for gain in gains)),
        sweeps=tuple(_sweep_page(analysis, pair, sweep) for sweep in sweeps_of(analysis, pair)),
        benefit_rows=benefit_rows(analysis, pair),
        benefits=of_pair(analysis.worth, pair),
        calibrated=_calibrated(analysis, pair),
        class_gains=gains,
        attributions=of_pair(analysis.attributions, pair),
        attribution_notes=of_pair(analysis.attribution_notes, pair),
        tuning=of_pair(analysis.tuning, pair),
        mistakes=mistakes_page(analysis, pair),
    )


def _calibrated(analysis: Analysis, pair: TaskPair) -> tuple[tuple[ArmResult, Benefit | None], ...]:
    """Results with a measure of calibration, each with its benefit where there is one."""
    benefits = {(b.arm, b.size): b for b in of_pair(analysis.worth, pair)}
    return tuple(
        (result, benefits.get(place))
        for place, result in results_of(analysis, pair).items()
        if any(value is not None for value in (result.nll, result.brier, result.ece))
    )


def _sweep_page(analysis: Analysis, pair: TaskPair, sweep: Sweep) -> SweepPage:
    return SweepPage(
        sweep=sweep,
        wide=cuts_figure(analysis, pair, sweep),
        narrow=cuts_figure(analysis, pair, sweep, NARROW),
        keys=sweep_keys(analysis, sweep),
    )
