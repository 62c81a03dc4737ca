"""Audits of numbers: computed again from counts of right and wrong answers, class by class.

Nothing here calls the code that computed the numbers first, so that one mistake is not made twice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from math import isclose, isfinite
from typing import Any

import numpy as np

from headstart.analyse.analysis import Analysis, Estimate
from headstart.analyse.cells import Cell, beside, cell_of
from headstart.analyse.evidence import AnswerEvidence
from headstart.analyse.gates.gate import (
    AnswerAuditSpec,
    AuditSpec,
    Evidence,
    Finding,
    check,
    on_cells,
)
from headstart.study.training import MetricName

CLOSE = 1e-6  # tolerance for rounding errors, in percentage points or as a share
_SHARES = frozenset({
    "test_accuracy", "mean", "lowest", "highest", "validation_mean", "accuracy",
    "balanced_accuracy", "ece",
    "train_mean", "test_mean", "recall", "control_recall", "before", "after",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Counts:
    """Share of wrong answers of every trial by the study's metric, by cell and seed."""

    wrong: dict[Cell, dict[int, float]]

    def errors(self, cell: Cell, seeds: tuple[int, ...]) -> list[float] | None:
        """Wrong answers of some seeds; None where one is not on record or nothing was tested."""
        by_seed = self.wrong.get(cell, {})
        if not seeds or any(seed not in by_seed for seed in seeds):
            return None
        return [by_seed[seed] for seed in seeds]


def _counted(evidence: AnswerEvidence) -> _Counts:
    share = _SHARES_OF_WRONG[evidence.study.metric]
    counts = _Counts({})
    for cell, by_seed in evidence.records.items():
        for seed, record in by_seed.items():
            if len(record.labels):
                wrong = record.labels != record.classes
                counts.wrong.setdefault(cell, {})[seed] = share(record.labels, wrong)
    return counts


def _of_all(labels: np.ndarray, wrong: np.ndarray) -> float:
    return np.count_nonzero(wrong) / len(labels)


def _of_each_class(labels: np.ndarray, wrong: np.ndarray) -> float:
    images = [labels == label for label in np.unique(labels)]
    return sum(_of_all(labels[own], wrong[own]) for own in images) / len(images)


_SHARES_OF_WRONG: dict[MetricName, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": _of_all,
    "balanced_accuracy": _of_each_class,
}


def _rows(*tables: Iterable[Any]) -> Iterator[Any]:
    """Rows of several tables, which share the fields that are read."""
    return chain(*tables)


def _control_cell(row: Any) -> Cell:
    return beside(cell_of(row), row.control)


def _both(counts: _Counts, row: Any) -> tuple[list[float] | None, list[float] | None]:
    """Errors of a row's arm and of its control, whose seeds may be others."""
    control_seeds = getattr(row, "control_seeds", ()) or row.seeds
    return (
        counts.errors(cell_of(row), row.seeds),
        counts.errors(_control_cell(row), control_seeds),
    )


@check("CHK-14-gap", "invalid", "Generalisation gaps are of eval mode")
def _gaps(analysis: Analysis, evidence: Evidence) -> Iterator[Finding]:
    """Every reported training accuracy and gap is that measured in eval mode in every seed."""
    counts = _counted(evidence)
    wrong = set()
    for result in analysis.arms:
        cell = cell_of(result)
        fits = _fits(evidence, cell, result.seeds)
        expected = float(np.mean(fits)) if fits else None
        if (result.train_mean is None) != (expected is None) or (
            expected is not None and not _all_close((result.train_mean or 0.0,), (expected,))
        ):
            wrong.add(cell)
    for row in analysis.worth:
        for cell, gap in ((cell_of(row), row.gap_pp), (_control_cell(row), row.control_gap_pp)):
            fits, errors = _fits(evidence, cell, row.seeds), counts.errors(cell, row.seeds)
            if gap.value is None or errors is None:
                continue
            tested = 1 - float(np.mean(errors))
            if not fits or not _all_close((gap.value,), (100 * (float(np.mean(fits)) - tested),)):
                wrong.add(cell_of(row))
    yield from on_cells(
        wrong, "reported training accuracies are not those measured in eval mode ({cells})."
    )


def _fits(evidence: Evidence, cell: Cell, seeds: tuple[int, ...]) -> list[float] | None:
    """Training accuracies of some seeds in eval mode; None where one was not measured."""
    records = [evidence.records.get(cell, {}).get(seed) for seed in seeds]
    fits = [record.fit["accuracy"] for record in records if record is not None and record.fit]
    return fits if fits and len(fits) == len(seeds) else None


@check("CHK-15", "invalid", "Error reductions are of the control's errors", needs="answers")
def _error_reductions(analysis: Analysis, evidence: AnswerEvidence) -> Iterator[Finding]:
    """Counted again, every relative error reduction is a share of the control's errors."""
    # (errors of the control - errors of the arm) / errors of the control (docs/tables.md).
    counts = _counted(evidence)
    wrong = set()
    for row in _rows(analysis.comparisons, analysis.worth):
        reduction = row.error_reduction
        value = reduction.value if isinstance(reduction, Estimate) else reduction
        own, control = _both(counts, row)
        if value is None or own is None or control is None:
            continue
        errors = sum(control) / len(control)
        removed = errors - sum(own) / len(own)
        if not errors or not isclose(value, removed / errors, abs_tol=CLOSE):
            wrong.add(cell_of(row))
    yield from on_cells(
        wrong,
        "the reported error reduction is not the share of the control's errors that are gone "
        "({cells}).",
    )


@check("CHK-20", "invalid", "Source costs are counted")
def _source_costs(analysis: Analysis, evidence: Evidence) -> Iterator[Finding]:
    """Every reported cost of an arm that rests on source runs on record includes them."""
    recorded = {
        row.key: row.result["flops"]
        for by_seed in evidence.sources.values()
        for record in by_seed.values()
        for row in record.train_rows
    }
    wrong = set()
    for row in _rows(analysis.picks, analysis.worth):
        spent = _source_flops(evidence, cell_of(row), recorded)
        if spent is not None and not isclose(row.source_flops, spent, abs_tol=1):
            wrong.add(cell_of(row))
    for row in analysis.worth:
        spent = _source_flops(evidence, cell_of(row), recorded)
        ends = (row.break_even.value, row.control_flops_to.value, row.flops_to.value)
        if spent is None or any(end is None for end in ends):
            continue
        tasks, control, own = (float(end or 0) for end in ends)
        if not isfinite(tasks) or not isclose(tasks * (control - own), spent, rel_tol=CLOSE):
            wrong.add(cell_of(row))
    yield from on_cells(
        wrong,
        "the reported cost does not include the operations of the source run ({cells}).",
    )


def _source_flops(evidence: Evidence, cell: Cell, recorded: dict[str, int]) -> float | None:
    """Operations of the source runs behind a cell, per seed; None where they are not on record."""
    behind = evidence.lineage.behind.get(cell)
    if not behind:
        return None
    by_seed = [keys & evidence.lineage.source_runs for keys in behind.values()]
    if any(key not in recorded for keys in by_seed for key in keys):
        return None
    return sum(recorded[key] for keys in by_seed for key in keys) / len(by_seed)


@check("CHK-24", "invalid", "Points are points, shares are shares", needs="answers")
def _gains(analysis: Analysis, evidence: AnswerEvidence) -> Iterator[Finding]:
    """Counted again, every gain is 100 x a difference of accuracies; units are kept."""
    # Every gain is 100 x the difference of two shares of right answers, by seed and on average.
    counts = _counted(evidence)
    wrong = set()
    for row in _rows(analysis.comparisons, analysis.attributions):
        cell = cell_of(row)
        if not _has_test_images(evidence, cell):
            continue
        own, control = _both(counts, row)
        if own is None or control is None:
            wrong.add(cell)  # a seed of the row is not on record
            continue
        paired = not getattr(row, "control_seeds", ())
        gains = [100 * (b - a) for a, b in zip(own, control, strict=True)] if paired else []
        by_seed = getattr(row, "gains_pp", gains)
        gain = 100 * (sum(control) / len(control) - sum(own) / len(own))
        if not _all_close((*by_seed, row.gain_pp), (*gains, gain)):
            wrong.add(cell)
    yield from on_cells(
        wrong, "reported gains are not 100 x the difference of the accuracies ({cells})."
    )
    for result in analysis.arms:
        errors = counts.errors(cell_of(result), result.seeds)
        if errors is None:
            continue
        shares = [1 - share for share in errors]
        reported = (*result.test_accuracy, result.mean_percent / 100)
        if not _all_close(reported, (*shares, sum(shares) / len(shares))):
            yield from on_cells(
                {cell_of(result)},
                "reported accuracies are not the shares of right answers ({cells}).",
            )
    yield from _units(analysis, evidence)


def _all_close(values: tuple[float, ...], expected: tuple[float, ...]) -> bool:
    return len(values) == len(expected) and all(
        isclose(one, other, abs_tol=CLOSE) for one, other in zip(values, expected, strict=True)
    )


def _units(analysis: Analysis, evidence: AnswerEvidence) -> Iterator[Finding]:
    """Percentage points are within 100 either way, shares within 0 and 1, gains in intervals."""
    rows: Iterator[Any] = _rows(
        analysis.arms, analysis.comparisons, analysis.attributions, analysis.worth,
        analysis.class_gains, analysis.picks, analysis.forgetting,
    )  # fmt: skip
    wrong: dict[str, set[Cell]] = {}
    for row in rows:
        if not _has_test_images(evidence, cell_of(row)):
            continue
        for name in (f.name for f in fields(row)):
            low, high = (0.0, 1.0) if name in _SHARES else (-100.0, 100.0)
            bounded = name in _SHARES or name.endswith("_pp")
            values = _numbers(getattr(row, name)) if bounded else ()
            if not all(low - CLOSE <= value <= high + CLOSE for value in values):
                wrong.setdefault(name, set()).add(cell_of(row))
        if not _within_interval(row):
            wrong.setdefault("gain_pp, beside its interval", set()).add(cell_of(row))
    for name, cells in wrong.items():
        yield from on_cells(cells, f"{name} is not in its unit ({{cells}}).")
    for own in analysis.class_gains:
        if not isclose(own.gain_pp, 100 * (own.recall - own.control_recall), abs_tol=CLOSE):
            message = f"the gain in class {own.class_name} is wrong ({{cells}})."
            yield from on_cells({cell_of(own)}, message)


def _has_test_images(evidence: AnswerEvidence, cell: Cell) -> bool:
    """Whether any test image of a cell is left; without one its numbers mean nothing."""
    return any(len(record.labels) for record in evidence.records.get(cell, {}).values())


def _numbers(value: Any) -> tuple[float, ...]:
    """Numbers of a field: itself, each of several, or an estimate with its interval."""
    if isinstance(value, Estimate):
        value = (value.value, value.low, value.high)
    several = value if isinstance(value, tuple) else (value,)
    return tuple(number for number in several if number is not None)


def _within_interval(row: Any) -> bool:
    low, high = getattr(row, "low_pp", None), getattr(row, "high_pp", None)
    if low is None or high is None:
        return True
    return bool(low - CLOSE <= row.gain_pp <= high + CLOSE)


NUMBER_AUDITS: tuple[AuditSpec | AnswerAuditSpec, ...] = (
    _gaps, _error_reductions, _source_costs, _gains,
)  # fmt: skip
