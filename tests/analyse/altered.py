"""Records as they might be: leaked, diverged, unmeasured, unfinished; for the tests of analyses."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from faults import with_result

from headstart.analyse.cells import cell_of
from headstart.analyse.records import Record
from headstart.core.hashing import Json
from headstart.metrics import metrics_of

TWIN = {"name": "twin", "start": "fresh", "strategy": "full"}
"""Scratch under another name."""

Change = Callable[[Record], Record | None]
"""A record as it might be; None where the trial was never run."""


def as_it_is(record: Record) -> Record:
    return record


def few(record: Record) -> Record:
    """The test part is a tenth of what it was, so that reports are made quickly."""
    return answered(record, record.labels[::10], record.classes[::10])


def of_images(wanted: Callable[[Record], np.ndarray]) -> Change:
    """Records of some of the test images alone."""

    def change(record: Record) -> Record:
        kept = wanted(record)
        labels, classes = record.labels[kept], record.classes[kept]
        return answered(record, labels, classes)

    return change


def answered(record: Record, labels: np.ndarray, classes: np.ndarray) -> Record:
    metrics: Json | None = None
    if len(labels):
        found = metrics_of(labels, classes, np.eye(5)[classes], 5.0 * (labels != classes))
        metrics = {name: getattr(found, name) for name in found.__dataclass_fields__}
    left_out = record.tested_on["left_out"] + len(record.labels) - len(labels)
    tested_on = {**record.tested_on, "left_out": left_out}
    return replace(record, labels=labels, classes=classes, metrics=metrics, tested_on=tested_on)


def diverged(record: Record) -> Record:
    """No loss was finite, and every answer is the first class."""
    zeros = np.zeros_like(record.classes)
    record = answered(record, record.labels, zeros)
    assert record.metrics is not None
    blind = {**record.metrics, "nll": None, "brier": None, "ece": None}
    record = replace(record, metrics=blind, fit={"images": 1, "accuracy": 0.2, "loss": None})
    if not record.train_rows:
        return record
    curve = [[at, None, None, accuracy, train] for at, _, _, accuracy, train in record.curve]
    return with_result(record, curve=curve, finite=False)


def unvalidated(record: Record) -> Record:
    checkpoint = {k: v for k, v in record.checkpoint.items() if k != "validation_accuracy"}
    record = replace(record, checkpoint=checkpoint)
    if not record.train_rows:
        return record
    curve = [[at, loss, None, None, train] for at, loss, _, _, train in record.curve]
    return with_result(record, curve=curve, best=None)


def all_right(record: Record) -> Record:
    return answered(record, record.labels, record.labels)


def all_wrong_but_the_control(record: Record) -> Record:
    right = record.trial.arm == "scratch"
    return answered(record, record.labels, record.labels if right else (record.labels + 1) % 5)


def unmeasured(record: Record) -> Record:
    return replace(record, fit=None, metrics=None)


CASES: dict[str, Change] = {
    "as it is": as_it_is,
    "every test image leaked": of_images(lambda r: np.zeros(len(r.labels), bool)),
    "one test image": of_images(lambda r: np.arange(len(r.labels)) == 0),
    "two test images": of_images(lambda r: np.arange(len(r.labels)) < 2),
    "one class": of_images(lambda r: r.labels == 0),
    "one image of a class": of_images(
        lambda r: (r.labels == 0) | (np.arange(len(r.labels)) == np.flatnonzero(r.labels == 1)[0])
    ),
    "one seed": lambda r: r if r.trial.seed == 0 else None,
    "two seeds": lambda r: r if r.trial.seed < 2 else None,
    "no trial": lambda _: None,
    "no control": lambda r: None if r.trial.arm == "scratch" else r,
    "control at one size": lambda r: None if cell_of(r.trial)[2:] == ("60", "scratch") else r,
    "no common seed": lambda r: r if (r.trial.seed == 0) == (r.trial.arm == "scratch") else None,
    "empty cells": lambda r: None if r.trial.arm in ("full", "AnB@dense1") else r,
    "every training diverged": diverged,
    "transfer diverged": lambda r: diverged(r) if r.trial.arm in ("full", "probe") else r,
    "one seed diverged": lambda r: diverged(r) if r.trial.seed == 1 else r,
    "no validation images": unvalidated,
    "all right": all_right,
    "all wrong but the control": all_wrong_but_the_control,
    "rows of an older version": unmeasured,
}
