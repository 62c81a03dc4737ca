"""The sentence at the top, generated from comparisons and never stronger than they are."""

from collections.abc import Iterator
from itertools import groupby

from headstart.analyse.analysis import ArmResult, Comparison, Gate, Word
from headstart.analyse.verdict import signed
from headstart.spec.arms import ArmSpec, LabelMap

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
    preferred = _preferred(comparisons, results, transfer)
    told = list(_told(preferred, several_pairs))
    if not told:
        return "No transfer arm could be compared with the control yet."
    maps = {arm.name for arm in arms if isinstance(arm.strategy, LabelMap)}
    return " ".join([*told, *_relabelled(preferred, results, maps)])


def _preferred(
    comparisons: tuple[Comparison, ...], results: tuple[ArmResult, ...], transfer: set[str]
) -> list[Comparison]:
    """At each size of each pair, the transfer arm that validation prefers."""
    # Without validation images nothing prefers one arm to another: the first one stands.
    validation = {_place_of(r): r.validation_mean or 0.0 for r in results}
    rivals: dict[tuple[str, str, str], list[Comparison]] = {}
    for told in comparisons:
        if told.arm in transfer:
            rivals.setdefault((told.source, told.target, told.size), []).append(told)
    return [max(some, key=lambda c: validation[_place_of(c)]) for some in rivals.values()]


def _place_of(told: ArmResult | Comparison) -> tuple[str, str, str, str]:
    return (told.source, told.target, told.size, told.arm)


def _relabelled(
    preferred: list[Comparison], results: tuple[ArmResult, ...], maps: set[str]
) -> Iterator[str]:
    """Where the source's answer, renamed, does at least as well: the target is a relabelling."""
    means = {_place_of(r): r.mean for r in results}
    for best in preferred:
        reached = means[_place_of(best)]
        for name in sorted(maps):
            mapped = means.get((best.source, best.target, best.size, name))
            if mapped is not None and mapped >= reached:
                yield (
                    f"But {name}, which trains nothing and reads the class off the source's "
                    f"answer, reaches {mapped:.1%} with {best.num_images:,} images, where "
                    f"{best.arm} reaches {reached:.1%}: this is relabelling."
                )
                return


def _told(preferred: list[Comparison], several_pairs: bool) -> Iterator[str]:
    for pair, of_pair in groupby(preferred, key=lambda c: (c.source, c.target)):
        lead = f"{pair[0]} to {pair[1]}: " if several_pairs else ""
        for word, alike in groupby(of_pair, key=lambda c: c.verdict):
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
