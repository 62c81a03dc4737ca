"""Audits of numbers: worked out once more from counts of right and wrong answers, plainly.

Nothing here calls what made the numbers in the first place, so that one mistake is not made twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import isclose, isfinite
from typing import Any

import numpy as np

from headstart.analyse.analysis import Analysis, Estimate
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import AuditSpec, Evidence, Finding, named

CLOSE = 1e-6  # what rounding of the machine may come to, in percentage points or as a share


@dataclass(frozen=True, slots=True)
class _Counts:
    """Wrong answers of every trial, by cell and seed, and the number of test images of each."""

    wrong: dict[Cell, dict[int, int]]
    num_tested: dict[Cell, int]

    def errors(self, cell: Cell, seeds: tuple[int, ...]) -> list[int] | None:
        """Wrong answers of some seeds; None where one is not on record or nothing was tested."""
        found = self.wrong.get(cell, {})
        if not seeds or not self.num_tested.get(cell) or any(seed not in found for seed in seeds):
            return None
        return [found[seed] for seed in seeds]


def _counted(seen: Evidence) -> _Counts:
    counts = _Counts({}, {})
    for cell, record in seen.each():
        wrong = int(np.count_nonzero(record.labels != record.classes))
        counts.wrong.setdefault(cell, {})[record.trial.seed] = wrong
        counts.num_tested[cell] = len(record.labels)
    return counts


def _rows(*tables: tuple[Any, ...]) -> Iterator[Any]:
    """Rows of several tables, which share the fields that are asked for."""
    for table in tables:
        yield from table


def _cell(told: Any) -> Cell:
    return (told.source, told.target, told.size, told.arm)


def _against(told: Any) -> Cell:
    return (told.source, told.target, told.size, told.control)


def prediction_outcome(seen: Evidence, told: Any) -> bool:
    """Whether any test image is left where something is told of; otherwise no number means much."""
    return any(len(r.labels) for r in seen.records.get(_cell(told), {}).values())


def _finding(wrong: set[Cell], what: str) -> Iterator[Finding]:
    if wrong:
        yield Finding(message=f"{what} ({named(wrong)}).", cells=frozenset(wrong))


def _error_reductions(analysis: Analysis, seen: Evidence) -> Iterator[Finding]:
    """(errors of the control - errors of the arm) / errors of the control (docs/tables.md)."""
    counts = _counted(seen)
    wrong = set()
    for told in _rows(analysis.comparisons, analysis.worth):
        said = told.error_reduction
        value = said.value if isinstance(said, Estimate) else said
        if value is None:
            continue
        own, before = (counts.errors(c, told.seeds) for c in (_cell(told), _against(told)))
        if own is None or before is None:
            continue
        gone, all_errors = sum(before) - sum(own), sum(before)
        if not all_errors or not isclose(value, gone / all_errors, abs_tol=CLOSE):
            wrong.add(_cell(told))
    yield from _finding(
        wrong, "the relative error reduction told is not the share of the control's errors gone"
    )


def _gains(analysis: Analysis, seen: Evidence) -> Iterator[Finding]:
    """Every gain is 100 x the difference of two shares of right answers, seed by seed and all."""
    counts = _counted(seen)
    wrong = set()
    for told in _rows(analysis.comparisons, analysis.attributions):
        cell, against = _cell(told), _against(told)
        if not counts.num_tested.get(cell):
            continue
        own, before = counts.errors(cell, told.seeds), counts.errors(against, told.seeds)
        if own is None or before is None:
            wrong.add(cell)  # a seed that is told of is not on record
            continue
        unit = 100 / counts.num_tested[cell]
        gains = [unit * (b - a) for a, b in zip(own, before, strict=True)]
        by_seed = getattr(told, "gains_pp", gains)
        if not _all_close((*by_seed, told.gain_pp), (*gains, sum(gains) / len(gains))):
            wrong.add(cell)
    yield from _finding(wrong, "gains told are not 100 x the difference of the shares told right")
    for result in analysis.arms:
        cell = _cell(result)
        errors = counts.errors(cell, result.seeds)
        if errors is None:
            continue
        shares = [1 - number / counts.num_tested[cell] for number in errors]
        told = (*result.test_accuracy, result.mean)
        if not _all_close(told, (*shares, sum(shares) / len(shares))):
            yield from _finding({cell}, "accuracies told are not the shares told right")
    yield from _units(analysis, seen)


def _all_close(told: tuple[float, ...], expected: tuple[float, ...]) -> bool:
    return len(told) == len(expected) and all(
        isclose(one, other, abs_tol=CLOSE) for one, other in zip(told, expected, strict=True)
    )


_SHARES = frozenset({
    "test_accuracy", "mean", "lowest", "highest", "validation_mean", "balanced_accuracy", "ece",
    "train_mean", "test_mean", "recall", "control_recall", "before", "after",
})  # fmt: skip
_OPEN = frozenset({"low_pp", "high_pp", "low95_pp", "high95_pp", "detectable_pp"})
"""Intervals, which a t of few seeds may carry beyond 100 points, and what is read off them."""


def _units(analysis: Analysis, seen: Evidence) -> Iterator[Finding]:
    """Percentage points are within 100 either way, shares within 0 and 1, gains in intervals."""
    rows = _rows(
        analysis.arms, analysis.comparisons, analysis.attributions, analysis.worth,
        analysis.class_gains, analysis.picks, analysis.forgetting,
    )  # fmt: skip
    wrong: dict[str, set[Cell]] = {}
    for row in rows:
        if not prediction_outcome(seen, row):
            continue
        for name in (f.name for f in fields(row)):
            low, high = (0.0, 1.0) if name in _SHARES else (-100.0, 100.0)
            bounded = name in _SHARES or (name.endswith("_pp") and name not in _OPEN)
            told = _numbers(getattr(row, name)) if bounded else ()
            if not all(low - CLOSE <= value <= high + CLOSE for value in told):
                wrong.setdefault(name, set()).add(_cell(row))
        if not _within_interval(row):
            wrong.setdefault("gain_pp, beside its interval", set()).add(_cell(row))
    for name, cells in wrong.items():
        yield from _finding(cells, f"{name} is not in its unit")
    for own in analysis.class_gains:
        if not isclose(own.gain_pp, 100 * (own.recall - own.control_recall), abs_tol=CLOSE):
            yield from _finding({_cell(own)}, f"the gain in class {own.class_name} is wrong")


def _numbers(value: Any) -> tuple[float, ...]:
    """The numbers of a field: itself, each of several, or the value of an estimate."""
    if isinstance(value, Estimate):
        value = value.value
    several = value if isinstance(value, tuple) else (value,)
    return tuple(number for number in several if number is not None)


def _within_interval(row: Any) -> bool:
    low, high = getattr(row, "low_pp", None), getattr(row, "high_pp", None)
    if low is None or high is None:
        return True
    return bool(low - CLOSE <= row.gain_pp <= high + CLOSE)


def _gaps(analysis: Analysis, seen: Evidence) -> Iterator[Finding]:
    """Training accuracies told are those of eval mode, all of them there."""
    counts = _counted(seen)
    wrong = set()
    for result in analysis.arms:
        cell = _cell(result)
        fits = _fits(seen, cell, result.seeds)
        expected = float(np.mean(fits)) if fits else None
        if (result.train_mean is None) != (expected is None) or (
            expected is not None and not _all_close((result.train_mean or 0.0,), (expected,))
        ):
            wrong.add(cell)
    for told in analysis.worth:
        for cell, gap in ((_cell(told), told.gap_pp), (_against(told), told.control_gap_pp)):
            fits, errors = _fits(seen, cell, told.seeds), counts.errors(cell, told.seeds)
            if gap.value is None or errors is None:
                continue
            tested = [1 - number / counts.num_tested[cell] for number in errors]
            if not fits or not _all_close(
                (gap.value,), (100 * float(np.mean(fits) - np.mean(tested)),)
            ):
                wrong.add(_cell(told))
    yield from _finding(wrong, "training accuracies told are not those measured in eval mode")


def _fits(seen: Evidence, cell: Cell, seeds: tuple[int, ...]) -> list[float] | None:
    """Training accuracies of some seeds in eval mode; None where one was not measured."""
    found = [seen.records.get(cell, {}).get(seed) for seed in seeds]
    fits = [record.fit["accuracy"] for record in found if record is not None and record.fit]
    return fits if fits and len(fits) == len(seeds) else None


def _source_costs(analysis: Analysis, seen: Evidence) -> Iterator[Finding]:
    """The operations of source runs behind an arm are in the cost that is told of it."""
    recorded = {
        row.key: row.result["flops"]
        for by_seed in seen.sources.values()
        for record in by_seed.values()
        for row in record.train_rows
    }
    wrong = set()
    for told in _rows(analysis.picks, analysis.worth):
        spent = _spent_before(seen, _cell(told), recorded)
        if spent is not None and not isclose(told.source_flops, spent, abs_tol=1):
            wrong.add(_cell(told))
    for worth in analysis.worth:
        spent = _spent_before(seen, _cell(worth), recorded)
        ends = (worth.break_even.value, worth.control_flops_to.value, worth.flops_to.value)
        if spent is None or any(end is None for end in ends):
            continue
        tasks, before, after = (float(end or 0) for end in ends)
        if not isfinite(tasks) or not isclose(tasks * (before - after), spent, rel_tol=CLOSE):
            wrong.add(_cell(worth))
    yield from _finding(
        wrong, "the cost told does not hold the operations of the source run it rests on"
    )


def _spent_before(seen: Evidence, cell: Cell, recorded: dict[str, int]) -> float | None:
    """Operations of the source runs behind a cell, per seed; None where they are not on record."""
    behind = seen.lineage.behind.get(cell)
    if not behind:
        return None
    keys = [found & seen.lineage.source_runs for found in behind.values()]
    if any(key not in recorded for found in keys for key in found):
        return None
    return sum(recorded[key] for found in keys for key in found) / len(keys)


NUMBER_AUDITS: tuple[AuditSpec, ...] = (
    AuditSpec(
        id="CHK-14-gap",
        title="Generalisation gaps are of eval mode",
        severity="invalid",
        good="Every training accuracy told was measured as the test was, in every seed.",
        look=_gaps,
    ),
    AuditSpec(
        id="CHK-15",
        title="Error reductions are of the control's errors",
        severity="invalid",
        good="Counted again, every relative error reduction is a share of the control's errors.",
        look=_error_reductions,
    ),
    AuditSpec(
        id="CHK-20",
        title="Source costs are counted",
        severity="invalid",
        good="Every cost told of an arm that rests on the source holds its source run's.",
        look=_source_costs,
    ),
    AuditSpec(
        id="CHK-24",
        title="Points are points, shares are shares",
        severity="invalid",
        good="Counted again, every gain is 100 x a difference of accuracies; units are kept.",
        look=_gains,
    ),
)
