"""Speed of an arm against the control, from their validation curves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from headstart.analyse.analysis import Estimate
from headstart.analyse.benefit.context import BenefitContext
from headstart.analyse.benefit.curves import (
    ValidationCurve,
    area_above,
    flops_until,
    seconds_until,
    threshold_of,
    time_to,
    validation_curve,
)
from headstart.analyse.benefit.estimates import over_seeds, surplus, withheld
from headstart.analyse.gates.convergence import still_improving
from headstart.analyse.records import Record


def speed(context: BenefitContext) -> dict[str, Any]:
    """Fields of `Benefit` that are read off the validation curves."""
    arm, control = (
        [validation_curve(record, context.chance) for record in records]
        for records in (context.arm, context.control)
    )
    own = [curve for curve in arm if curve]
    other = [curve for curve in control if curve]
    if len(own) < len(arm) or len(other) < len(control):
        return _no_speed("validation was not measured")
    final = float(np.mean([curve.accuracy.max() for curve in other]))
    if final <= context.chance:
        return _no_speed("the control does not rise above chance")
    threshold = threshold_of(final, context.chance)
    values: dict[str, Any] = {"threshold": threshold}
    medians: dict[str, float] = {}
    for prefix, records, curves in (
        ("", context.arm, own),
        ("control_", context.control, other),
    ):
        updates = [time_to(curve.updates, curve.accuracy, threshold) for curve in curves]
        values[f"{prefix}reached"] = float(np.isfinite(updates).mean())
        for name, until in _CLOCKS.items():
            last = max(until(record, record.trial.updates) for record in records)
            times = [until(record, at) for record, at in zip(records, updates, strict=True)]
            medians[prefix + name] = float(np.median(times))
            values[f"{prefix}{name}_to"] = _median(times, last)
    return {
        **values,
        "break_even": _break_even(context, medians),
        "jumpstart_pp": _jumpstart(own, other, context.overlap),
        "asymptotic_pp": _asymptote(context),
        "area_ratio": _area_ratio(context, own, other),
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


def _median(times: list[float], last: float) -> Estimate:
    """Median over seeds, or the end of the budget as its lower bound."""
    median, reached = float(np.median(times)), int(np.isfinite(times).sum())
    seeds = f"reached in {reached} of {len(times)} seeds"
    if np.isfinite(median):
        return Estimate(value=median, why=seeds)
    return Estimate(value=None, at_least=last, why=f"more than the budget; {seeds}")


def _break_even(context: BenefitContext, medians: dict[str, float]) -> Estimate:
    if not np.isfinite(medians["flops"]):
        return withheld("the arm does not reach the threshold")
    if not np.isfinite(medians["control_flops"]):
        return withheld("the control does not reach the threshold in half of the seeds")
    saved = medians["control_flops"] - medians["flops"]
    if saved <= 0:
        return withheld("never: the arm saves no operations")
    return Estimate(value=context.source_flops / saved)


def _jumpstart(
    own: list[ValidationCurve], other: list[ValidationCurve], overlap: float
) -> Estimate:
    if len({float(curve.updates[1]) for curve in (*own, *other)}) > 1:
        return withheld("the arm was not first measured where the control was")
    return over_seeds(
        [
            float(one.accuracy[1] - control.accuracy[1])
            for one, control in zip(own, other, strict=True)
        ],
        100.0,
        100.0,
        overlap=overlap,
    )


def _asymptote(context: BenefitContext) -> Estimate:
    """Gain in validation accuracy at the checkpoints, if both arms have converged."""
    if any(still_improving(record) for record in (*context.arm, *context.control)):
        return withheld("not converged at this budget")
    accuracy = [
        [record.checkpoint["validation_accuracy"] for record in records]
        for records in (context.arm, context.control)
    ]
    gains = [one - other for one, other in zip(*accuracy, strict=True)]
    return over_seeds(gains, 100.0, 100.0, overlap=context.overlap)


def _area_ratio(
    context: BenefitContext, own: list[ValidationCurve], other: list[ValidationCurve]
) -> Estimate:
    if any(one.updates[-1] != two.updates[-1] for one, two in zip(own, other, strict=True)):
        return withheld("the budgets differ")
    areas = [
        [area_above(curve.updates, curve.accuracy, context.chance) for curve in curves]
        for curves in (own, other)
    ]
    return surplus(*areas, overlap=context.overlap)
