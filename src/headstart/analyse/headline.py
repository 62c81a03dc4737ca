"""The sentence at the top, generated from comparisons and never stronger than they are."""

from collections.abc import Iterator
from itertools import groupby

from headstart.analyse.analysis import ArmResult, Comparison, Gate, Word
from headstart.analyse.verdict import signed
from headstart.spec.arms import ArmSpec

_WORDS: dict[Word, str] = {
    "helps": "Transfer helps",
    "hurts": "Transfer hurts",
    "no measurable difference": "Transfer makes no measurable difference",
    "not enough evidence": "There is not enough evidence either way",
    "invalid": "There is no valid verdict",
}


def headline(
    comparisons: tuple[Comparison, ...],
    results: tuple[ArmResult, ...],
    arms: tuple[ArmSpec, ...],
    several_pairs: bool,
) -> str:
    """What transfer is worth at each size, told by the transfer arm that validation prefers.

    The arm is picked on validation, so that its test interval is not that of the luckiest arm.
    """
    transfer = {arm.name for arm in arms if arm.transfers}
    told = list(_told(comparisons, results, transfer, several_pairs))
    if not told:
        return "No transfer arm could be compared with the control yet."
    return " ".join(told)


def _told(
    comparisons: tuple[Comparison, ...],
    results: tuple[ArmResult, ...],
    transfer: set[str],
    several_pairs: bool,
) -> Iterator[str]:
    # Without validation images nothing prefers one arm to another: the first one stands.
    validation = {(r.source, r.target, r.size, r.arm): r.validation_mean or 0.0 for r in results}
    for pair in dict.fromkeys((c.source, c.target) for c in comparisons):
        preferred = []
        for size in dict.fromkeys(c.size for c in comparisons):
            rivals = [
                c
                for c in comparisons
                if (c.source, c.target, c.size) == (*pair, size) and c.arm in transfer
            ]
            if rivals:
                preferred.append(max(rivals, key=lambda c: validation[(*pair, c.size, c.arm)]))
        lead = f"{pair[0]} to {pair[1]}: " if several_pairs else ""
        for word, alike in groupby(preferred, key=lambda c: c.verdict):
            places = "; ".join(_place(c) for c in alike)
            yield f"{lead}{_WORDS[word]} {places}."
            lead = ""


def _place(best: Comparison) -> str:
    gain = f"{_rounded(best.gain_pp)} pp"
    if best.low_pp is not None and best.high_pp is not None:
        gain += f" [{_rounded(best.low_pp)}, {_rounded(best.high_pp)}]"
    return f"with {best.num_images:,} images ({best.arm}: {gain})"


def _rounded(pp: float) -> str:
    """One decimal, unless that would hide on which side of zero a number lies."""
    return f"{pp:+.1f}" if abs(pp) >= 0.05 else signed(pp)


def details(gates: tuple[Gate, ...], control: str, missing: int) -> tuple[str, ...]:
    """Sentences to be read with the headline: what is withheld, what to keep in mind."""
    lines = []
    if missing:
        lines.append(f"{missing} trials are missing; what follows rests on the others.")
    lines += [f"Invalid: {g.message}" for g in gates if not g.passed and g.severity == "invalid"]
    lines += [f"Caveat: {g.message}" for g in gates if not g.passed and g.severity == "caveat"]
    lines.append(
        f"Gains are over {control} in percentage points of test accuracy, same images, seeds and "
        "updates; brackets hold the 95 % interval over seeds and test images, not adjusted for the "
        "number of comparisons. The arm named at each size is the one that validation prefers."
    )
    return tuple(lines)
