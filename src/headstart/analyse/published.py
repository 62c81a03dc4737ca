"""Published figures beside those of this study."""

from collections.abc import Callable

import numpy as np

from headstart.analyse.analysis import ArmResult, PublishedFigure
from headstart.study.study import FigureSpec, StudySpec

SOURCE = "source"


def published_figures(
    study: StudySpec, arms: tuple[ArmResult, ...], sources: tuple[ArmResult, ...]
) -> tuple[PublishedFigure, ...]:
    """Every figure the study lists, with headstart's own where it has been computed."""
    return tuple(
        PublishedFigure(
            figure=spec.figure,
            published=spec.published,
            keras=spec.keras,
            headstart=_own(spec, study, arms, sources),
            is_count=spec.metric.endswith("parameters"),
            is_time=spec.metric == "seconds",
        )
        for spec in study.published
    )


def _own(
    spec: FigureSpec,
    study: StudySpec,
    arms: tuple[ArmResult, ...],
    sources: tuple[ArmResult, ...],
) -> float | None:
    pair = study.pairs[spec.pair]
    if spec.arm == SOURCE:
        found = [result for result in sources if result.source == pair.source]
    else:
        found = [
            result
            for result in arms
            if (result.source, result.target, result.arm) == (pair.source, pair.target, spec.arm)
        ]
    return _METRICS[spec.metric](found[0], spec.measurement) if found else None


def _test_accuracy(result: ArmResult, measurement: int | None) -> float | None:
    return result.mean


def _measured(column: str) -> Callable[[ArmResult, int | None], float | None]:
    """The mean over seeds of one measurement of a curve, the last unless told.

    None where it was not made: a shorter budget, or no validation images.
    """

    def metric(result: ArmResult, measurement: int | None) -> float | None:
        at = -1 if measurement is None else measurement - 1
        found = [getattr(curve, column)[at:][:1] for curve in result.curves]
        values = [value for one in found for value in one if np.isfinite(value)]
        return float(np.mean(values)) if values else None

    return metric


_METRICS: dict[str, Callable[[ArmResult, int | None], float | None]] = {
    "test_accuracy": _test_accuracy,
    "validation_accuracy": _measured("validation_accuracy"),
    "running_train_accuracy": _measured("train_accuracy"),
    "trainable_parameters": lambda result, _: result.trainable_parameters,
    "total_parameters": lambda result, _: result.total_parameters,
    "seconds": lambda result, _: result.seconds,
}
