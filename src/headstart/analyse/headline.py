"""Headline: sentences generated from comparisons and never stronger than they are."""

from collections.abc import Iterator
from itertools import groupby

from headstart.analyse.analysis import ArmResult, Attribution, Comparison, Gate, Word
from headstart.analyse.multiplicity import level_of
from headstart.analyse.preferred import preferred_comparisons
from headstart.analyse.sentences import objections
from headstart.analyse.text import signed
from headstart.study.study import StudySpec

WORDS: dict[Word, str] = {
    "helps": "Transfer helps",
    "hurts": "Transfer hurts",
    "no measurable difference": "Transfer makes no measurable difference",
    "not enough evidence": "There is not enough evidence either way",
    "invalid": "There is no valid verdict",
}
CHECKPOINT_WORDS: dict[Word, str] = {
    "helps": "Transfer from this checkpoint helps",
    "hurts": "Transfer from this checkpoint hurts",
    "no measurable difference": "Transfer from this checkpoint makes no measurable difference",
    "not enough evidence": "There is not enough evidence either way about this checkpoint",
    "invalid": "There is no valid verdict on this checkpoint",
}
"""Words for a pretrained source: all seeds share one checkpoint, so the verdict is on it alone."""


def headline(
    comparisons: tuple[Comparison, ...],
    results: tuple[ArmResult, ...],
    study: StudySpec,
    attributions: tuple[Attribution, ...],
) -> str:
    """Verdict at each size on the transfer arm that validation prefers, then the objections.

    The arm is chosen on validation, so that its test interval is not that of the luckiest arm.
    Objections name the controls that do as well.
    """
    several_pairs = len(study.pairs) > 1
    preferred = list(preferred_comparisons(study, comparisons, results).values())
    if not preferred:
        return "No transfer arm could be compared with the control yet."
    checkpoints = {name for name, source in study.sources.items() if source.pretrained}
    verdicts = _verdicts(preferred, several_pairs, checkpoints)
    return " ".join([*verdicts, *objections(preferred, attributions, several_pairs)])


def _verdicts(
    preferred: list[Comparison], several_pairs: bool, checkpoints: set[str]
) -> Iterator[str]:
    for pair, of_pair in groupby(preferred, key=lambda c: (c.source, c.target)):
        lead = f"{pair[0]} to {pair[1]}: " if several_pairs else ""
        table = CHECKPOINT_WORDS if pair[0] in checkpoints else WORDS
        for words, alike in groupby(of_pair, key=lambda c: _words(c, table)):
            places = "; ".join(_place(c) for c in alike)
            yield f"{lead}{words} {places}."
            lead = ""


def _words(best: Comparison, table: dict[Word, str]) -> str:
    small = best.qualifier == "smaller than the margin"
    return table[best.verdict] + (f", but by less than {best.margin_pp:g} pp," if small else "")


def _place(best: Comparison) -> str:
    gain = f"{_rounded(best.gain_pp)} pp"
    if best.low_pp is not None and best.high_pp is not None:
        gain += f" [{_rounded(best.low_pp)}, {_rounded(best.high_pp)}]"
    return f"with {best.num_images:,} images ({best.arm}: {gain})"


def _rounded(pp: float) -> str:
    """Number with one decimal, or more where that would hide its side of zero."""
    return f"{pp:+.1f}" if abs(pp) >= 0.05 else signed(pp)


def details(
    gates: tuple[Gate, ...], control: str, missing: int, looks: int, family_size: int
) -> tuple[str, ...]:
    """Sentences to read with the headline: missing trials, failed gates, meaning of a gain."""
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
    """Adjustment of the intervals of transfer arms."""
    several = f" at each of {looks} looks" if looks > 1 else ""
    level = f"{100 * level_of(looks):.3g} %{several}"
    if family_size < 2:
        return f"at an error level of {level}"
    return (
        f"adjusted for the {family_size} comparisons of transfer arms (Holm; {level} for all of "
        "them together)"
    )
