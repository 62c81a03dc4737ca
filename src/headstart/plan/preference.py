"""Preference of validation among arms."""

from collections.abc import Callable, Iterable
from statistics import fmean
from typing import TypeVar

_Candidate = TypeVar("_Candidate")


def mean_accuracy(accuracies: Iterable[float | None]) -> float | None:
    """Mean validation accuracy over the seeds that have one; None without any."""
    measured = [accuracy for accuracy in accuracies if accuracy is not None]
    return fmean(measured) if measured else None


def preferred(
    candidates: Iterable[_Candidate], validation: Callable[[_Candidate], float | None]
) -> _Candidate:
    """The candidate with the highest validation accuracy; without validation images, the first."""
    return max(candidates, key=lambda candidate: validation(candidate) or 0.0)
