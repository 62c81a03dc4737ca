"""The sentence at the top, generated from comparisons and never stronger than they are."""

from collections.abc import Iterator
from itertools import groupby

from headstart.analyse.analysis import ArmResult, Attribution, Comparison, Gate, Word
from headstart.analyse.multiplicity import level_of
from headstart.analyse.sentences import objections
from headstart.analyse.text import signed
from headstart.study.arms import ArmSpec

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
    attributions: tuple[Attribution, ...],
) -> str:
    """What transfer is worth at each size, told by the transfer arm that validation prefers.

    The arm is picked on validation, so that its test interval is not that of the luckiest arm. Then
    the controls that do as well as it does.
    """
    transfer = {arm.name for arm in arms if arm.transfers}
    preferred = _preferred(comparisons, results, transfer)
    told = list(_told(preferred, several_pairs))
    if not told:
        return "No transfer arm could be compared with the control yet."
    return " ".join([*told, *objections(preferred, attributions, several_pairs)])


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


def _told(preferred: list[Comparison], several_pairs: bool) -> Iterator[str]:
    for pair, of_pair in groupby(preferred, key=lambda c: (c.source, c.target)):
        lead = f"{pair[0]} to {pair[1]}: " if several_pairs else ""
        for words, alike in groupby(of_pair, key=_words):
            places = "; ".join(_place(c) for c in alike)
            yield f"{lead}{words} {places}."
            lead = ""


def _words(best: Comparison) -> str:
    small = best.qualifier == "smaller than the margin"
    return _WORDS[best.verdict] + (f", but by less than {best.margin_pp:g} pp," if small else "")


def _place(best: Comparison) -> str:
    gain = f"{_rounded(best.gain_pp)} pp"
    if best.low_pp is not None and best.high_pp is not None:
        gain += f" [{_rounded(best.low_pp)}, {_rounded(best.high_pp)}]"
    return f"with {best.num_images:,} images ({best.arm}: {gain})"


def _rounded(pp: float) -> str:
    """One decimal, unless that would hide on which side of zero a number lies."""
    return f"{pp:+.1f}" if abs(pp) >= 0.05 else signed(pp)


def details(
    gates: tuple[Gate, ...], control: str, missing: int, looks: int, family_size: int
) -> tuple[str, ...]:
    """Sentences to be read with the headline: what is withheld, what to keep in mind."""
    lines = []
    if missing:
        lines.append(f"{missing} trials are missing; what follows rests on the others.")
    lines += [f"Invalid: {g.message}" for g in gates if not g.passed and g.severity == "invalid"]
    lines += [f"Caveat: {g.message}" for g in gates if not g.passed and g.severity == "caveat"]
    lines.append(
        f"Gains are over {control} in percentage points of test accuracy, same images, seeds and "
        "updates; brackets hold the interval over seeds and test images that the verdict is read "
        f"from, {adjustment(looks, family_size)}. The arm named at each size is the one that "
        "validation prefers."
    )
    return tuple(lines)


def adjustment(looks: int, family_size: int) -> str:
    """What the intervals of transfer arms are adjusted for."""
    several = f" at each of {looks} looks" if looks > 1 else ""
    level = f"{100 * level_of(looks):.3g} %{several}"
    if family_size < 2:
        return f"at an error level of {level}"
    return (
        f"adjusted for the {family_size} comparisons of transfer arms (Holm; {level} for all of "
        "them together)"
    )
