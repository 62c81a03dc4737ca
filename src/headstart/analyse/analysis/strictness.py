"""What the verdicts of a study are held to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """Error level of the looks at a study's transfer arms, and the family that shares it.

    Attributes:
        level: of a look, before Holm's adjustment; the strictest of all comparisons.
        look: the latest look at any of the comparisons, counted from 1.
        looks_planned: how many the study plans.
        family_size: comparisons that are judged together.
        shown_before: those of them that other studies in the store have shown, on the same test
            images.
    """

    level: float = 0.04
    look: int = 1
    looks_planned: int = 1
    family_size: int = 0
    shown_before: int = 0
