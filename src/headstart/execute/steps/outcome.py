"""Outcome of a step."""

import math
from dataclasses import dataclass

from headstart.core.hashing import Json
from headstart.store.blobs import Arrays


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a step: a small JSON result and named arrays."""

    result: Json
    arrays: Arrays


def finite(number: float | None) -> float | None:
    """A number as JSON has it: null where it is not finite."""
    return number if number is not None and math.isfinite(number) else None
