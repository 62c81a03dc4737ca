"""Tables of an analysis as rows of plain values, for data frames."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from headstart.analyse.analysis import Analysis, Comparison
from headstart.report.figures.catalogue import by_name
from headstart.report.notebook.libraries import need

Row = dict[str, Any]
_PLACE = ("source", "target", "size", "num_images", "arm")


def frame(analysis: Analysis, name: str) -> Any:
    """A table as a data frame of pandas.

    Raises:
        SpecError: there is no such table. OutputError: pandas is not installed.
    """
    table = by_name("table", name, TABLES)
    return need("pandas", "for data frames").DataFrame(list(table(analysis)))


def _trials(analysis: Analysis) -> Iterator[Row]:
    """A row for each trial; those without a test image left have no test accuracy."""
    for result in analysis.arms:
        own = {name: getattr(result, name) for name in _PLACE}
        checkpoints = {curve.seed: curve for curve in result.curves}
        for seed in result.seeds:
            curve = checkpoints.get(seed)
            measured = zip(curve.updates, curve.validation_accuracy, strict=False) if curve else ()
            yield {
                **own,
                "seed": seed,
                "test_accuracy": result.by_seed.get(seed),
                "validation_accuracy": dict(measured).get(curve.checkpoint) if curve else None,
                "checkpoint": curve.checkpoint if curve else None,
                "updates": result.updates,
                "trainable_parameters": result.trainable_parameters,
            }


def _comparisons(analysis: Analysis) -> Iterator[Row]:
    """A row for each arm that was compared, with its interval and its verdict."""
    for comparison in analysis.comparisons:
        values = {
            field.name: getattr(comparison, field.name)
            for field in fields(Comparison)
            if field.name != "gains_pp"
        }
        values["seeds"] = len(comparison.seeds)
        values["control_seeds"] = len(comparison.seeds_of_control)
        yield values


def _curves(analysis: Analysis) -> Iterator[Row]:
    """A row for each measurement of each trial."""
    for result in analysis.arms:
        own = {name: getattr(result, name) for name in _PLACE}
        for curve in result.curves:
            columns = ("train_loss", "validation_loss", "validation_accuracy", "train_accuracy")
            values = {column: getattr(curve, column) for column in columns}
            for at, update in enumerate(curve.updates):
                row = {column: run[at] for column, run in values.items() if at < len(run)}
                yield {**own, "seed": curve.seed, "update": update, **row}


TABLES: dict[str, Callable[[Analysis], Iterator[Row]]] = {
    "trials": _trials,
    "comparisons": _comparisons,
    "curves": _curves,
}
"""The tables, by name."""
