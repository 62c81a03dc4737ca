"""Headline: sentences a person would say, generated from comparisons and never stronger than they.

Each gain is written as `(arm: +1.2 points [+0.3, +2.1])` behind its size and its verdict, so that
an audit can read the sentences again (`gates/sentence_audits.py`).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from headstart.analyse.analysis import (
    FEWEST_SEEDS,
    ArmNote,
    ArmResult,
    Attribution,
    Benefit,
    Comparison,
    Estimate,
    Strictness,
    Word,
)
from headstart.analyse.cells import ONE_SIZE, Cell, beside, cell_of
from headstart.analyse.evidence import Design
from headstart.analyse.multiplicity import NOMINAL
from headstart.analyse.reservations import reservations
from headstart.analyse.sentences import objections
from headstart.analyse.text import amount, count, listed, p_value, signed
from headstart.metrics import METRICS
from headstart.study.facts import Facts
from headstart.study.shared_classes import SharedClasses
from headstart.study.study import StudySpec

LEAD_WORDS: dict[Word, str] = {
    "helps": "it helps",
    "hurts": "it hurts",
    "no measurable difference": "it makes no measurable difference",
    "not enough evidence": "that is not enough evidence for a verdict",
    "invalid": "there is no valid verdict",
    "unfinished": "that is an estimate of an unfinished study",
}
"""The verdict at the end of the sentence on the first size."""

OTHER_WORDS: dict[Word, str] = {
    "helps": "It helps",
    "hurts": "It hurts",
    "no measurable difference": "It makes no measurable difference",
    "not enough evidence": "There is not enough evidence for a verdict",
    "invalid": "There is no valid verdict",
    "unfinished": "Not finished yet",
}
"""The verdict at the beginning of the sentence on further sizes."""

_COARSE_PP = 1.0  # accuracies that lie closer are given with a decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Names of things in sentences.

    Attributes:
        nouns: what an image of each target is called; image by default.
        networks: what the network of an arm is called, by source; the arm's name by default.
        from_control: the control, where accuracies are named.
        from_nothing: whether the control trains everything from nothing.
        several_pairs: whether sentences must say which pair of tasks they are about.
        most_named: comparisons that are named beside the first; of more there are numbers only.
    """

    nouns: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    from_control: str
    from_nothing: bool = False
    several_pairs: bool = False
    most_named: int | None = None


def wording_of(study: StudySpec, facts: Facts, arms: tuple[ArmNote, ...]) -> Wording:
    """Wording for a study of headstart's own; `arms` say what its arms are."""
    from_nothing = any(note.from_nothing for note in arms if note.arm == study.control)
    return Wording(
        nouns={pair.target: facts.of(study.tasks[pair.target]).noun for pair in study.pairs},
        networks={pair.source: _network(study, pair.source) for pair in study.pairs},
        from_control="training from nothing" if from_nothing else f"the control {study.control}",
        from_nothing=from_nothing,
        several_pairs=len(study.pairs) > 1,
    )


def _network(study: StudySpec, source: str) -> str:
    known = study.sources.get(source)
    if known is not None and known.pretrained is not None:
        return "the pretrained network"
    return f"the network pretrained on '{source}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the sentences are made of.

    Attributes:
        study: what was asked.
        wording: how sentences call its images and networks.
        comparisons: of arms with the control.
        results: of all arms.
        benefits: of transfer arms, for the labels that they save.
        attributions: comparisons with controls that explain a gain.
        unlearnt: cells in which most trainings never got clear of chance.
        settings: of cells that were trained otherwise than their control, how.
        shared_classes: of source and target, for each pair that has any.
    """

    study: Design
    wording: Wording
    comparisons: tuple[Comparison, ...]
    results: tuple[ArmResult, ...]
    benefits: tuple[Benefit, ...]
    attributions: tuple[Attribution, ...]
    unlearnt: Collection[Cell]
    settings: Mapping[Cell, str] = field(default_factory=dict)
    shared_classes: tuple[SharedClasses, ...] = ()

    def result(self, cell: Cell) -> ArmResult:
        """Result of a cell."""
        return next(result for result in self.results if cell_of(result) == cell)

    def noun(self, comparison: Comparison) -> str:
        """What an image of a comparison is called."""
        return self.wording.nouns.get(comparison.target, "image")

    def labels(self, cell: Cell) -> Estimate | None:
        """Number of labels with which the control does as well, if it was estimated."""
        return next((b.labels for b in self.benefits if cell_of(b) == cell), None)


def headline(answers: Answers) -> str:
    """Verdict at each size on the transfer arm that validation prefers, then the objections.

    Objections name the controls that do as well, and a control that has not learnt.
    """
    preferred = tuple(c for c in answers.comparisons if c.preferred)
    several_pairs = answers.wording.several_pairs
    if not preferred:
        if any(result.mean is None for result in answers.results):
            return "There is no verdict: no test image is left that was not trained on."
        return "No transfer arm could be compared with the control yet."
    lines = [
        *_verdicts(preferred, answers, several_pairs),
        *objections(preferred, answers.attributions, several_pairs),
        *_unlearnt(preferred, answers),
        *_narrow(preferred),
        *_late_margins(preferred),
        *reservations(preferred, answers.settings, answers.shared_classes),
    ]
    return " ".join(lines)


def _verdicts(
    preferred: tuple[Comparison, ...], answers: Answers, several_pairs: bool
) -> Iterator[str]:
    for pair, of_pair in groupby(preferred, key=lambda c: (c.source, c.target)):
        sizes = list(of_pair)
        lead = next((c for c in sizes if c.verdict == "helps"), sizes[-1])
        prefix = f"{pair[0]} to {pair[1]}: " if several_pairs else ""
        yield prefix + _lead_sentence(lead, answers)
        others = [c for c in sizes if c is not lead]
        if answers.wording.most_named is not None and len(others) > answers.wording.most_named:
            yield _counted(sizes)
            continue
        alike: dict[str, list[str]] = {_words(lead, OTHER_WORDS): []}  # "the same" comes first
        for c in others:
            alike.setdefault(_words(c, OTHER_WORDS), []).append(f"{_size(c, answers)} {_gain(c)}")
        for number, (words, places) in enumerate(alike.items()):
            comma = "," if ", " in words else ""  # behind a clause
            if places:
                yield f"{words + comma if number else 'The same holds'} {listed(places, 'and')}."


def _counted(comparisons: Sequence[Comparison]) -> str:
    """How many comparisons came out how, where there are too many to name."""
    counts = Counter(c.verdict for c in comparisons)
    words = [f"{number:,} {word!r}" for word, number in counts.most_common()]
    return f"Of all {len(comparisons):,} comparisons: {listed(words, 'and')}."


def _lead_sentence(best: Comparison, answers: Answers) -> str:
    """How often both are right at one size, the verdict, and the labels that transfer saves."""
    result = answers.result(cell_of(best))
    control = answers.result(beside(cell_of(best), best.control))
    # The seeds of the comparison: the control may have more, for other arms at its size.
    means = (result.mean_over(best.seeds), control.mean_over(best.seeds_of_control))
    right, without = _times(*(100 * (mean or 0.0) for mean in means))
    size, words = _size(best, answers), _words(best, LEAD_WORDS)
    return (
        f"{size[0].upper()}{size[1:]} {answers.wording.networks.get(best.source, best.arm)} is "
        f"right {right} times {METRICS[answers.study.metric].share}, "
        f"{answers.wording.from_control} {without} times: "
        f"{words} {_gain(best)}{_labels_saved(best, answers)}."
    )


def _times(mean: float, control: float) -> tuple[str, str]:
    """Accuracies in per cent as times in 100; a decimal where they would look alike or perfect."""
    close = abs(mean - control) < _COARSE_PP or max(mean, control) > 99
    decimals = 1 if close else 0
    return f"{mean:.{decimals}f}", f"{control:.{decimals}f}"


def _words(best: Comparison, table: dict[Word, str]) -> str:
    words = table[best.verdict]
    if best.qualifier == "smaller than the margin":
        return f"{words}, but by less than {best.margin_pp:g} {_points(best.margin_pp)}"
    if best.verdict == "no measurable difference" and best.low_pp is None:
        return f"{words}, as both are right on every test image"
    if best.verdict == "not enough evidence" and len(best.seeds) < FEWEST_SEEDS:
        return f"{words}, which takes at least {FEWEST_SEEDS} seeds"
    return words


def _points(number: float) -> str:
    return "point" if number == 1 else "points"


def _size(best: Comparison, answers: Answers) -> str:
    """The size with the noun of its images: with 20 photos a class, with all 243 photos."""
    if best.num_images is not None:
        return f"with {amount(best.size, best.num_images, answers.noun(best))}"
    return "in these results" if best.size == ONE_SIZE else f"at size '{best.size}'"


def _gain(best: Comparison) -> str:
    gain = f"{_rounded(best.gain_pp)} points"
    if best.low_pp is not None and best.high_pp is not None:
        gain += f" [{_rounded(best.low_pp)}, {_rounded(best.high_pp)}]"
    return f"({best.arm}: {gain})"


def _rounded(pp: float) -> str:
    """Number with one decimal, or more where that would hide its side of zero."""
    return f"{pp:+.1f}" if abs(pp) >= 0.05 else signed(pp)


def _labels_saved(best: Comparison, answers: Answers) -> str:
    """How many labels the control would need, where transfer helps and an interval says it.

    Of a control that has not learnt it cannot be said: updates were short, and not labels.
    """
    labels = answers.labels(cell_of(best))
    learnt = beside(cell_of(best), best.control) not in answers.unlearnt
    if best.verdict != "helps" or not answers.wording.from_nothing or not learnt:
        return ""
    if labels is None or not labels.low:
        return ""
    noun, low = answers.noun(best), count(labels.low)
    if labels.at_least is not None:
        beyond = labels.low >= labels.at_least
        return f"; from nothing it would take {'more than' if beyond else 'at least'} {low} {noun}s"
    if labels.value is None:
        return ""
    ends = f"at least {low}" if labels.high is None else f"{low} to {count(labels.high)}"
    return f"; from nothing it would take about {count(labels.value)} {noun}s ({ends})"


def _unlearnt(preferred: tuple[Comparison, ...], answers: Answers) -> Iterator[str]:
    """A gain over a control that has not learnt is no more than a lead in time."""
    won = [
        c
        for c in preferred
        if c.verdict == "helps" and beside(cell_of(c), c.control) in answers.unlearnt
    ]
    if not won:
        return
    sizes = list(dict.fromkeys(_size(c, answers) for c in won))
    everywhere = len(won) == len(preferred) > 1
    place = "at any size" if everywhere else listed(sizes, "and")
    gain = "these gains" if everywhere else "that gain"
    yield (
        f"But {won[0].control} had learnt next to nothing {place} when its updates were used up: "
        f"more updates may shrink {gain}."
    )


def _narrow(preferred: tuple[Comparison, ...]) -> Iterator[str]:
    """What a verdict is not about: methods of single models, or test images of scores alone."""
    for c in preferred:
        if c.p_mcnemar is not None and c.p_mcnemar < NOMINAL:
            yield (
                f"The two models of {c.arm} and {c.control} differ on these test images (McNemar, "
                f"p {_equals(p_value(c.p_mcnemar))}): that is about these two models, and says "
                "nothing about the methods."
            )
    bases = {c.basis for c in preferred if c.low_pp is not None}
    if any(basis.startswith("seeds") and "images" not in basis for basis in bases):
        yield (
            "Brackets are over seeds alone: that is about these test images, for there are no "
            "answers to single ones."
        )
    if any(basis.startswith("folds") for basis in bases):
        yield "Brackets are over folds, and allow for the training images that these share."


def _equals(text: str) -> str:
    return text if text.startswith("<") else f"= {text}"


def _late_margins(preferred: tuple[Comparison, ...]) -> Iterator[str]:
    """A margin that was changed after results were seen."""
    late = dict.fromkeys(
        (c.margin_asked_pp, c.margin_pp)
        for c in preferred
        if c.margin_asked_pp is not None and c.margin_asked_pp != c.margin_pp
    )
    for asked, first in late:
        yield (
            f"The margin of {asked:g} {_points(asked)} was chosen after results were seen: no "
            f"verdict is read from it, but from the first one, {first:g} {_points(first)}."
        )


def adjustment(strictness: Strictness, arms: str = "transfer arms") -> str:
    """Adjustment of the intervals of transfer arms, or of what else they are called."""
    level = f"{100 * strictness.level:.3g} %"
    if strictness.looks_planned > 1:
        level += f" at each of {strictness.looks_planned} planned looks"
    elif strictness.look > 1:
        level += f" at look {strictness.look}"
    if strictness.family_size < 2:
        return f"at an error level of {level}"
    before = strictness.shown_before
    shown = f"{before} of them shown before in this store; " if before else ""
    return (
        f"adjusted for the {strictness.family_size} comparisons of {arms} ({shown}Holm; "
        f"{level} for all of them together)"
    )
