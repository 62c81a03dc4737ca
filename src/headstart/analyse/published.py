"""Published figures beside those of this study."""

from collections.abc import Callable

import numpy as np

from headstart.analyse.analysis import ArmResult, PublishedFigure
from headstart.study.study import FigureSpec, StudySpec

SOURCE = "source"


def published_figures(
    study: StudySpec, arms: tuple[ArmResult, ...], sources: tuple[ArmResult, ...]
) -> tuple[PublishedFigure, ...]:
    """Every figure that the study lists, with headstart's own where it was computed."""
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
        results = [result for result in sources if result.source == pair.source]
    else:
        place = (pair.source, pair.target, spec.arm)
        results = [result for result in arms if (result.source, result.target, result.arm) == place]
    return _METRICS[spec.metric](results[0], spec.measurement) if results else None


def _test_accuracy(result: ArmResult, measurement: int | None) -> float | None:
    return result.accuracy


def _measured(column: str) -> Callable[[ArmResult, int | None], float | None]:
    """Mean over seeds of one measurement of a curve, by default the last.

    None without that measurement: a shorter budget, or no validation images.
    """

    def metric(result: ArmResult, measurement: int | None) -> float | None:
        at = -1 if measurement is None else measurement - 1
        points = [getattr(curve, column)[at:][:1] for curve in result.curves]
        values = [value for point in points for value in point if value is not None]
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
