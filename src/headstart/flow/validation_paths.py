"""Ways of looking at one study again and again until something is found (docs/validation.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headstart.study.study import LOOKS, StudySpec

Path = Literal["fixed", "added", "swapped", "shrunk", "margin", "auto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """One look of a path: which of a study's seeds and sizes it takes, and what else it changes."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    sizes: tuple[int, ...] = (0,)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def of(self, study: StudySpec) -> StudySpec:
        """The study at this look. It has the seeds of the whole path, in order."""
        changes = {
            "seeds": tuple(study.seeds[at] for at in self.seeds),
            "sizes": tuple(study.sizes[at] for at in self.sizes),
        }
        return study.model_copy(update={**changes, **self.changes})


PATHS: dict[Path, tuple[LookAgain, ...]] = {
    "fixed": (LookAgain(),),
    "added": tuple(LookAgain(seeds=tuple(range(number))) for number in (5, 10, 15, 20)),
    "swapped": tuple(LookAgain(seeds=(0, *range(at, at + 4))) for at in (1, 5, 9, 13)),
    "shrunk": (LookAgain(sizes=(0, 1)), LookAgain(sizes=(0,)), LookAgain(sizes=(1,))),
    "margin": tuple(LookAgain(changes={"margin": margin}) for margin in (1.0, 5.0, 20.0)),
}

SIZES: dict[Path, tuple[str, ...]] = {"shrunk": ("50", "100")}
"""Sizes of the studies of a path, where it takes several."""


def num_seeds(path: Path) -> int:
    """Seeds that a study needs for all looks of a path."""
    if path == "auto":  # seeds are added by what is found
        return LOOKS[-1]
    return 1 + max(max(look.seeds) for look in PATHS[path])
