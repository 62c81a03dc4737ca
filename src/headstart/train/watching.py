"""Measurements of trainings that are under way, for who watches them; no result depends on that."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Losses and accuracies after one update of the trial, that of validation by the metric.

    Those of training run over the batches since the measurement before, as they were trained on,
    dropout and all. Those of validation are None where there is no validation image.
    """

    update: int
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    train_accuracy: float


Watcher = Callable[[Sequence[Measurement]], None]
"""Called with the newest point of the learning curve of each training of a batch group."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Pass the measurements of trainings that run inside to `watcher`."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def show(points: Sequence[Measurement]) -> None:
    """Pass measurements to the watcher, if there is one."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(points)
