"""What the validation curves say of an arm against the control: how soon, how much sooner."""

from collections.abc import Callable
from typing import Any

import numpy as np

from headstart.analyse.analysis import Estimate
from headstart.analyse.benefit.context import Case
from headstart.analyse.benefit.curves import (
    Rise,
    area_above,
    flops_until,
    rise_of,
    seconds_until,
    threshold_of,
    time_to,
)
from headstart.analyse.benefit.estimates import over_seeds, surplus, withheld
from headstart.analyse.gates.convergence import still_improving
from headstart.analyse.records import Record


def speed(case: Case) -> dict[str, Any]:
    """The fields of `Benefit` that are read off the validation curves."""
    own, other = (
        [rise_of(record, case.chance) for record in records] for records in (case.arm, case.against)
    )
    if not all(own) or not all(other):
        return _no_speed("validation was not measured")
    rises, before = _there(own), _there(other)
    final = float(np.mean([rise.accuracy.max() for rise in before]))
    if final <= case.chance:
        return _no_speed("the control does not rise above chance")
    threshold = threshold_of(final, case.chance)
    found: dict[str, Any] = {"threshold": threshold}
    medians: dict[str, float] = {}
    for prefix, records, curves in (
        ("", case.arm, rises),
        ("control_", case.against, before),
    ):
        updates = [time_to(rise.updates, rise.accuracy, threshold) for rise in curves]
        found[f"{prefix}reached"] = float(np.isfinite(updates).mean())
        for name, until in _CLOCKS.items():
            last = max(until(record, record.trial.updates) for record in records)
            times = [until(record, at) for record, at in zip(records, updates, strict=True)]
            medians[prefix + name] = float(np.median(times))
            found[f"{prefix}{name}_to"] = _median(times, last)
    return {
        **found,
        "break_even": _break_even(case, medians["control_flops"] - medians["flops"], medians),
        "jumpstart_pp": _jumpstart(rises, before),
        "asymptotic_pp": _asymptote(case),
        "area_ratio": _area_ratio(case, rises, before),
    }


_CLOCKS: dict[str, Callable[[Record, float], float]] = {
    "updates": lambda record, update: update,
    "flops": flops_until,
    "seconds": seconds_until,
}
_OF_CURVES = (
    "updates_to", "control_updates_to", "flops_to", "control_flops_to", "seconds_to",
    "control_seconds_to", "break_even", "jumpstart_pp", "asymptotic_pp", "area_ratio",
)  # fmt: skip


def _no_speed(why: str) -> dict[str, Any]:
    return {
        **dict.fromkeys(_OF_CURVES, withheld(why)),
        **dict.fromkeys(("threshold", "reached", "control_reached")),
    }


def _there(rises: list[Rise | None]) -> list[Rise]:
    return [rise for rise in rises if rise is not None]


def _median(times: list[float], last: float) -> Estimate:
    """The median over seeds, or that it is beyond the end of the budget."""
    median, reached = float(np.median(times)), int(np.isfinite(times).sum())
    told = f"reached in {reached} of {len(times)} seeds"
    if np.isfinite(median):
        return Estimate(value=median, why=told)
    return Estimate(value=None, at_least=last, why=f"more than the budget; {told}")


def _break_even(case: Case, saved: float, medians: dict[str, float]) -> Estimate:
    if not np.isfinite(medians["flops"]):
        return withheld("the arm does not reach the threshold")
    if not np.isfinite(medians["control_flops"]):
        return withheld("the control does not reach the threshold in half of the seeds")
    if saved <= 0:
        return withheld("never: the arm saves no operations")
    return Estimate(value=case.source_flops / saved)


def _jumpstart(rises: list[Rise], before: list[Rise]) -> Estimate:
    if {float(rise.updates[1]) for rise in (*rises, *before)} != {float(rises[0].updates[1])}:
        return withheld("the arm was not first measured where the control was")
    return over_seeds(
        [
            float(one.accuracy[1] - other.accuracy[1])
            for one, other in zip(rises, before, strict=True)
        ],
        100.0,
    )


def _asymptote(case: Case) -> Estimate:
    """The gain in validation accuracy at the checkpoints, where both arms have levelled off."""
    if any(still_improving(record) for record in (*case.arm, *case.against)):
        return withheld("not converged at this budget")
    accuracy = [
        [record.checkpoint["validation_accuracy"] for record in records]
        for records in (case.arm, case.against)
    ]
    return over_seeds([one - other for one, other in zip(*accuracy, strict=True)], 100.0)


def _area_ratio(case: Case, rises: list[Rise], before: list[Rise]) -> Estimate:
    if any(one.updates[-1] != other.updates[-1] for one, other in zip(rises, before, strict=True)):
        return withheld("the budgets differ")
    own, other = (
        [area_above(rise.updates, rise.accuracy, case.chance) for rise in curves]
        for curves in (rises, before)
    )
    return surplus(own, other)
