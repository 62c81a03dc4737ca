"""Gates of results from elsewhere: their test images, copies, and what their interval is over."""

from collections.abc import Iterator
from math import sqrt

from headstart.analyse.cells import beside
from headstart.analyse.gates.gate import CheckSpec, Finding, check
from headstart.analyse.gates.given_copies import COPIED
from headstart.analyse.given import GivenEvidence
from headstart.analyse.text import listed
from headstart.core.names import few

NORMAL = 1.96  # of a 95 % interval


@check("RES-copies", "caveat", "No run is a copy of another", needs="answers", could_turn=True)
def _copies(evidence: GivenEvidence) -> Iterator[Finding]:
    """No two runs give the same answer to every image, wrong answers included."""
    if evidence.copies:
        yield Finding(
            message=f"the same answer to every image, wrong ones included: "
            f"{few(evidence.copies)}. Is one a copy of the other?"
        )


@check("RES-images", "caveat", "All runs answered the same images", needs="answers")
def _images(evidence: GivenEvidence) -> Iterator[Finding]:
    """Every run has answered every test image, or each seed a part that is the same in all arms."""
    for message in evidence.left_out:
        yield Finding(message=message)


@check("RES-pairs", "caveat", "Seeds are those of the control", needs="scores")
def _pairs(evidence: GivenEvidence) -> Iterator[Finding]:
    """Every arm has seeds that the control has, so that they are paired."""
    apart = [
        cell
        for cell, seeds in evidence.seeds.items()
        if not set(seeds) & set(evidence.seeds.get(beside(cell, evidence.study.control), seeds))
    ]
    if apart:
        arms = list(dict.fromkeys(cell[3] for cell in apart))
        yield Finding(
            message=f"{listed(arms, 'and')} and {evidence.study.control} have no seed in common: "
            "seeds are not paired, and intervals are wider than those of common seeds would be.",
            cells=frozenset(apart),
        )


@check("RES-rates", "caveat", "One learning rate", needs="scores", could_turn=True)
def _rates(evidence: GivenEvidence) -> Iterator[Finding]:
    """No arm is known to have had another learning rate than the control."""
    rates: dict[str, set[float]] = {}
    for cell, numbers in evidence.numbers.items():
        rates.setdefault(cell[3], set()).update(
            one["learning_rate"] for one in numbers if "learning_rate" in one
        )
    usual = rates.get(evidence.study.control, set())
    others = {arm: own for arm, own in rates.items() if own and usual and own != usual}
    if others:
        texts = [f"{arm} {_in_a_row(own)}" for arm, own in others.items()]
        yield Finding(
            message=f"learning rates differ ({evidence.study.control} {_in_a_row(usual)}, "
            f"{', '.join(texts)}): whether each was chosen in the same way is not known."
        )


def _in_a_row(rates: set[float]) -> str:
    return " and ".join(f"{rate:g}" for rate in sorted(rates))


@check("RES-over", "caveat", "Intervals are over seeds and images", needs="scores")
def _over(evidence: GivenEvidence) -> Iterator[Finding]:
    """Every interval is over seeds and over test images."""
    if "answers" in evidence.known and evidence.grouped and not evidence.groups:
        yield Finding(
            message="test images come in groups, but intervals take them one by one, since not all "
            "runs have the same: they are too narrow where images of a group are alike."
        )
    if evidence.num_folds > 1:
        yield Finding(
            message=f"the {evidence.num_folds} folds of a cross-validation share their training "
            "images: intervals allow for that, roughly. Test images that were kept apart would say "
            "more."
        )
    elif "answers" not in evidence.known:
        yield Finding(
            message="there are no answers to single images: intervals are over seeds alone, and "
            f"verdicts about these very test images. On others {_by_chance(evidence)}."
        )


def _by_chance(evidence: GivenEvidence) -> str:
    """What other test images may change, as far as their number says it.

    Half the 95 % interval of a difference of two shares whose answers are independent: those of
    arms that find the same images hard differ by less.
    """
    halves = [
        100 * NORMAL * sqrt(sum(share * (1 - share) for share in shares) / number)
        for cell, number in evidence.num_tested.items()
        if cell[3] != evidence.study.control
        for shares in [
            [float(evidence.scores[c].scores.mean()) for c in evidence.with_control(cell)]
        ]
        if len(shares) == 2 and all(0 <= share <= 1 for share in shares)
    ]
    if not halves:
        return "the gain may be another one"
    least = min(evidence.num_tested.values())
    return (
        f"(as many: {least:,}) a gain may differ by up to about {max(halves):.1f} points from "
        "that over all such images (95 %)"
    )


GIVEN_GATES: tuple[CheckSpec[[GivenEvidence]], ...] = (
    _copies, _images, COPIED, _over, _pairs, _rates,
)  # fmt: skip
