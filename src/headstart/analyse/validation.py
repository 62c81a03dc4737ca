"""Verdicts of studies whose truth is known: are they as often right as they claim?"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import scipy  # its parts load when they are first used

from headstart.analyse.analysis import Word

Kind = Literal["null", "positive", "negative", "identity"]
KINDS: tuple[Kind, ...] = ("null", "positive", "negative", "identity")

LEVEL = 0.05  # false verdicts that a study of fixed seeds may give
POWER = 0.9  # of the studies in which there is much to find
SLACK = 0.01  # how often a sound engine may be refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Verdicts of a number of studies of one kind, and whether they are what they should be.

    `bound` is the number of verdicts that decides (of false ones at most, of right ones at least),
    at which a sound engine is refused once in a hundred times.
    """

    kind: Kind
    studies: int
    helps: int
    hurts: int
    no_difference: int
    not_enough: int
    invalid: int
    bound: int
    accepted: bool
    expected: str


def validation_of(kind: Kind, verdicts: Iterable[Word]) -> Validation:
    """Count verdicts and hold them against what the kind of study must give."""
    counts = Counter(verdicts)
    studies = counts.total()
    bound, accepted, expected = _held(kind, counts, studies)
    return Validation(
        kind=kind,
        studies=studies,
        helps=counts["helps"],
        hurts=counts["hurts"],
        no_difference=counts["no measurable difference"],
        not_enough=counts["not enough evidence"],
        invalid=counts["invalid"],
        bound=bound,
        accepted=accepted,
        expected=expected,
    )


def _held(kind: Kind, counts: Counter[Word], studies: int) -> tuple[int, bool, str]:
    if kind == "identity":
        return studies, counts["invalid"] == studies, "every study refused as no comparison"
    sound = counts["invalid"] == 0
    if kind == "null":
        most = int(scipy.stats.binom.ppf(1 - SLACK, studies, LEVEL))
        false = counts["helps"] + counts["hurts"]
        return most, sound and false <= most, f"at most {most} false verdicts, none invalid"
    right, wrong = ("helps", "hurts") if kind == "positive" else ("hurts", "helps")
    least = int(scipy.stats.binom.ppf(SLACK, studies, POWER))
    accepted = sound and counts[right] >= least and counts[wrong] == 0  # type: ignore[index]
    return least, accepted, f"at least {least} times '{right}', never '{wrong}', none invalid"
