"""Self-validation: verdicts of studies with a known truth, counted against their error level."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import scipy  # its parts load when they are first used

from headstart.analyse.analysis import Word

Kind = Literal["null", "repeated", "unequal", "positive", "negative", "identity"]
KINDS: tuple[Kind, ...] = ("null", "repeated", "unequal", "positive", "negative", "identity")

LEVEL = 0.05  # share of false verdicts allowed with fixed seeds
POWER = 0.9  # share of right verdicts required with a large effect
SLACK = 0.01  # probability that a correct engine is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Number of verdicts of each kind, and whether they are as required.

    `bound` is the largest number of false verdicts, or the smallest of right ones, that is
    accepted; a correct engine is refused once in a hundred times.
    """

    kind: Kind
    path: str
    studies: int
    helps: int
    hurts: int
    no_difference: int
    not_enough: int
    invalid: int
    bound: int
    accepted: bool
    expected: str


def validation_of(kind: Kind, verdicts: Iterable[Word], path: str = "fixed") -> Validation:
    """Count verdicts and compare them with those required of the kind of study.

    `path` is the way in which each study was looked at, which a null study's error rate may not
    depend on.
    """
    counts = Counter(verdicts)
    studies = counts.total()
    bound, accepted, expected = _requirement(kind, counts, studies, path == "margin")
    return Validation(
        kind=kind,
        path=path,
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


def _requirement(
    kind: Kind, counts: Counter[Word], studies: int, late_margin: bool
) -> tuple[int, bool, str]:
    if kind == "identity":
        return studies, counts["invalid"] == studies, "every study refused as no comparison"
    sound = counts["invalid"] == counts["unfinished"] == 0
    if kind in ("null", "repeated", "unequal"):
        most = int(scipy.stats.binom.ppf(1 - SLACK, studies, LEVEL))
        false = counts["helps"] + counts["hurts"]
        expected = f"at most {most} false verdicts, none invalid"
        if late_margin:
            sound = sound and not counts["no measurable difference"]
            expected += ", none by a margin that was chosen late"
        return most, sound and false <= most, expected
    outcomes: tuple[Word, Word] = ("helps", "hurts")
    right, wrong = outcomes if kind == "positive" else outcomes[::-1]
    least = int(scipy.stats.binom.ppf(SLACK, studies, POWER))
    accepted = sound and counts[right] >= least and counts[wrong] == 0
    return least, accepted, f"at least {least} times '{right}', never '{wrong}', none invalid"
