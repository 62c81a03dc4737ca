"""Audits of sentences: what they say is read again and held against the numbers."""

import re
from collections.abc import Iterator

from headstart.analyse.analysis import Analysis, Attribution, AttributionNote, Comparison, Word
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import AuditSpec, Evidence, Finding, named

LEAST_SEEDS = 3

_NUMBER = r"([+-]\d+(?:\.\d+)?)"
_GAIN = re.compile(rf"^gain {_NUMBER} pp")
_INTERVAL = re.compile(rf"interval(?: \(Holm\))? {_NUMBER} to {_NUMBER}")
_PLACE = re.compile(
    rf"with ([\d,]+) images \(([^,/\\]+?): {_NUMBER} pp(?: \[{_NUMBER}, {_NUMBER}\])?\)"
)
_CLAIMS: dict[str, Word] = {
    "Transfer helps": "helps",
    "Transfer hurts": "hurts",
    "Transfer makes no measurable difference": "no measurable difference",
    "There is not enough evidence either way": "not enough evidence",
    "There is no valid verdict": "invalid",
}
_PUT_DOWN_TO_SOURCE = "so the gain is put down to what the source learnt"


def word_of(told: Comparison, level: float) -> Word:
    """The word that the numbers of a comparison allow (docs/verdict.md)."""
    if told.low_pp is None or told.high_pp is None or len(told.seeds) < LEAST_SEEDS:
        return "not enough evidence"
    if told.low_pp > 0:
        return "helps"
    if told.high_pp < 0:
        return "hurts"
    small = told.p_equivalence is not None and told.p_equivalence < level
    return "no measurable difference" if small else "not enough evidence"


def _agrees(told: Comparison, level: float) -> bool:
    if told.verdict == "invalid":
        return True
    if told.verdict != word_of(told, level):
        return False
    low, high = told.low_pp, told.high_pp
    clear = low is not None and high is not None and max(low, -high) > told.margin_pp
    decided = told.verdict in ("helps", "hurts")
    if (told.qualifier == "beyond the margin") != (decided and clear):
        return False
    return _same(_GAIN.search(told.why), told.gain_pp) and _same(
        _INTERVAL.search(told.why), low, high
    )


def _same(found: re.Match[str] | None, *numbers: float | None) -> bool:
    """Whether the numbers in a text are these, as far as the text's decimals tell."""
    if found is None:
        return True
    return all(
        text is None if number is None else text is not None and _rounds_to(number, text)
        for text, number in zip(found.groups()[-len(numbers) :], numbers, strict=True)
    )


def _rounds_to(number: float, text: str) -> bool:
    unit = 0.1 ** len(text.partition(".")[2])
    return abs(float(text) - number) <= unit / 2 + 1e-6


def _verdicts(analysis: Analysis, seen: Evidence) -> Iterator[Finding]:
    wrong = {_cell(c) for c in analysis.comparisons if not _agrees(c, analysis.level)}
    wrong |= {_cell(row) for row in analysis.attributions if not _attribution_agrees(row)}
    if wrong:
        yield Finding(
            message=f"the verdict on {named(wrong)} is not what its interval says.",
            cells=frozenset(wrong),
        )
    yield from _headline(analysis)
    yield from _readings(analysis)


def _attribution_agrees(row: Attribution) -> bool:
    """As far as it can be told without the test against the margin."""
    if row.verdict == "invalid" or row.low_pp is None or row.high_pp is None:
        return row.verdict not in ("helps", "hurts")
    enough = len(row.seeds) >= LEAST_SEEDS
    helps, hurts = enough and row.low_pp > 0, enough and row.high_pp < 0
    return (row.verdict == "helps", row.verdict == "hurts") == (helps, hurts)


def _headline(analysis: Analysis) -> Iterator[Finding]:
    """Every place that the headline names is a comparison, and is told in that one's word."""
    text = analysis.headline
    claims = sorted((m.start(), word) for said, word in _CLAIMS.items() for m in _all(said, text))
    for place in _PLACE.finditer(text):
        number, arm = int(place[1].replace(",", "")), place[2]
        before = [word for at, word in claims if at < place.start()]
        meant = [
            told
            for told in analysis.comparisons
            if (told.arm, told.num_images) == (arm, number)
            and _same(place, told.gain_pp, told.low_pp, told.high_pp)
        ]
        if not meant:
            yield Finding(message=f"the headline says '{place[0]}', which no comparison does.")
        elif not before or all(told.verdict != before[-1] for told in meant):
            yield Finding(
                message=f"the headline's word for '{place[0]}' is not that of its comparison.",
                cells=frozenset(_cell(told) for told in meant),
            )


def _all(said: str, text: str) -> Iterator[re.Match[str]]:
    return re.finditer(re.escape(said), text)


def _readings(analysis: Analysis) -> Iterator[Finding]:
    """What a gain is put down to: never to the source where there is none, or a control has it."""
    helped = {_cell(told) for told in analysis.comparisons if told.verdict == "helps"}
    matched = {
        _cell(row)
        for row in analysis.attributions
        if row.alike and row.verdict in ("hurts", "no measurable difference")
    }
    for note in analysis.attribution_notes:
        cell = _cell(note)
        better = note.reading.startswith("better than")
        to_source = _PUT_DOWN_TO_SOURCE in note.reading
        if better != (cell in helped) or (to_source and cell in matched):
            yield Finding(
                message=f"what is said of {named([cell])} is more than its comparisons show.",
                cells=frozenset({cell}),
            )


def _cell(told: Comparison | Attribution | AttributionNote) -> Cell:
    return (told.source, told.target, told.size, told.arm)


SENTENCE_AUDITS: tuple[AuditSpec, ...] = (
    AuditSpec(
        id="CHK-19",
        title="Sentences say what the numbers do",
        severity="invalid",
        good="Read again, every verdict and the headline say what their intervals do.",
        look=_verdicts,
    ),
)
