"""Audits of sentences: their statements are parsed and compared with the numbers."""

import re
from collections.abc import Iterator

from headstart.analyse.analysis import Analysis, Attribution, Comparison, Word
from headstart.analyse.cells import ONE_SIZE, Cell, beside, cell_of
from headstart.analyse.evidence import AnswerEvidence
from headstart.analyse.gates.gate import AnswerAuditSpec, Finding, check, on_cells

LEAST_SEEDS = 3

_NUMBER = r"([+-]\d+(?:\.\d+)?)"
_GAIN = re.compile(rf"^gain {_NUMBER} pp")
_INTERVAL = re.compile(rf"interval(?: \(Holm\))? {_NUMBER} to {_NUMBER}")
_SIZE = re.compile(
    r"[Ww]ith (?:all )?([\d,]+) (?:image|photo)s?( a class)?|[Aa]t size '(.*?)'(?= )"
    r"|[Ii]n these results"
)
_PLACE = re.compile(rf"\(([^(),/\\]+?): {_NUMBER} points(?: \[{_NUMBER}, {_NUMBER}\])?\)")
_RIGHT = re.compile(r"is right ([\d.]+) times in 100[^,:]*, [^:]*? ([\d.]+) times: ")
_CLAIMS: dict[str, Word] = {
    "it helps": "helps",
    "it hurts": "hurts",
    "it makes no measurable difference": "no measurable difference",
    "not enough evidence for a verdict": "not enough evidence",
    "there is no valid verdict": "invalid",
    "an estimate of an unfinished study": "unfinished",
    "not finished yet": "unfinished",
}
_PUT_DOWN_TO_SOURCE = "so the gain is put down to what the source learnt"


@check("CHK-19", "invalid", "Sentences say what the numbers do", needs="scores")
def _verdicts(analysis: Analysis, _: AnswerEvidence) -> Iterator[Finding]:
    """Read again, every verdict and the headline say what their intervals do."""
    wrong = {cell_of(c) for c in analysis.comparisons if not _agrees(c, analysis)}
    wrong |= {cell_of(row) for row in analysis.attributions if not _attribution_agrees(row)}
    yield from on_cells(wrong, "the verdict on {cells} is not what its interval says.")
    yield from _headline(analysis)
    yield from _readings(analysis)


def _word_of(comparison: Comparison, analysis: Analysis) -> Word:
    """Verdict that the numbers of a comparison allow (docs/verdict.md)."""
    low, high = comparison.low_pp, comparison.high_pp
    if low is None and len(comparison.seeds) > 1 and _all_right(comparison, analysis):
        return "no measurable difference"
    seeds = (comparison.seeds, comparison.seeds_of_control)
    if low is None or high is None or min(map(len, seeds)) < LEAST_SEEDS:
        return "not enough evidence"
    if low > 0:
        return "helps"
    if high < 0:
        return "hurts"
    p = comparison.p_equivalence
    small = p is not None and p < comparison.level
    return "no measurable difference" if small else "not enough evidence"


def _all_right(comparison: Comparison, analysis: Analysis) -> bool:
    """Whether both arms are right on every test image in every seed that they share."""
    cells = (cell_of(comparison), beside(cell_of(comparison), comparison.control))
    results = [result for result in analysis.arms if cell_of(result) in cells]
    return len(results) == len(cells) and all(
        result.by_seed.get(seed) == 1 for result in results for seed in comparison.seeds
    )


def _agrees(comparison: Comparison, analysis: Analysis) -> bool:
    c = comparison
    if c.verdict == "invalid":
        return True
    if c.verdict == "unfinished":
        return c.low_pp is None
    if c.verdict != _word_of(c, analysis):
        return False
    low, high = c.low_pp, c.high_pp
    clear = low is not None and high is not None and max(low, -high) > c.margin_pp
    decided = c.verdict in ("helps", "hurts")
    if (c.qualifier == "beyond the margin") != (decided and clear):
        return False
    return _same(_GAIN.search(c.why), c.gain_pp) and _same(_INTERVAL.search(c.why), low, high)


def _same(match: re.Match[str] | None, *numbers: float | None) -> bool:
    """Whether the last numbers of a text are these, to the text's decimals."""
    if match is None:
        return True
    return all(
        text is None if number is None else text is not None and _rounds_to(number, text)
        for text, number in zip(match.groups()[-len(numbers) :], numbers, strict=True)
    )


def _rounds_to(number: float, text: str) -> bool:
    unit = 0.1 ** len(text.partition(".")[2])
    return abs(float(text) - number) <= unit / 2 + 1e-6


def _attribution_agrees(row: Attribution) -> bool:
    """Whether a verdict agrees with its interval, without the test against the margin."""
    if row.verdict == "invalid" or row.low_pp is None or row.high_pp is None:
        return row.verdict not in ("helps", "hurts")
    enough = len(row.seeds) >= LEAST_SEEDS
    helps, hurts = enough and row.low_pp > 0, enough and row.high_pp < 0
    return (row.verdict == "helps", row.verdict == "hurts") == (helps, hurts)


def _headline(analysis: Analysis) -> Iterator[Finding]:
    """Every gain that the headline names is that of a comparison with the same verdict."""
    text = analysis.headline
    claims = sorted(
        (match.start(), word)
        for claim, word in _CLAIMS.items()
        for match in re.finditer(claim, text, re.IGNORECASE)
    )
    for place in _PLACE.finditer(text):
        before = text[: place.start()]
        size = [*_SIZE.finditer(before)][-1:]
        said = f"{size[0][0] if size else ''} {place[0]}".strip()
        meant = [
            c
            for c in analysis.comparisons
            if size and c.arm == place[1] and _is_size(c, size[0])
            and _same(place, c.gain_pp, c.low_pp, c.high_pp)
        ]  # fmt: skip
        words = [word for at, word in claims if at < place.start()]
        if not meant:
            yield Finding(message=f"the headline says '{said}', which no comparison does.")
        elif not words or all(c.verdict != words[-1] for c in meant):
            yield Finding(
                message=f"the headline's word for '{said}' is not that of its comparison.",
                cells=frozenset(cell_of(c) for c in meant),
            )
        elif (right := [*_RIGHT.finditer(before)][-1:]) and right[0].end() > size[0].start():
            yield from _right(analysis, right[0], meant)


def _is_size(comparison: Comparison, said: re.Match[str]) -> bool:
    if said[1] is None:  # of another program, which need not say on how many images it trained
        return comparison.num_images is None and comparison.size == (said[3] or ONE_SIZE)
    number = int(said[1].replace(",", ""))
    if said[2]:
        return comparison.size == f"{number} per class"
    return comparison.num_images == number


def _right(analysis: Analysis, said: re.Match[str], meant: list[Comparison]) -> Iterator[Finding]:
    """The times in 100 are the mean accuracies of both arms over the seeds that were compared."""
    shares = {cell_of(r): r.by_seed for r in analysis.arms}

    def mean(cell: Cell, seeds: tuple[int, ...]) -> float | None:
        own = [shares[cell][seed] for seed in seeds if seed in shares.get(cell, {})]
        return 100 * sum(own) / len(own) if own else None

    if not any(
        _same(
            said, mean(cell_of(c), c.seeds), mean(beside(cell_of(c), c.control), c.seeds_of_control)
        )
        for c in meant
    ):
        yield Finding(
            message=f"the headline says '{said[0].rstrip(': ')}', which no result does.",
            cells=frozenset(cell_of(c) for c in meant),
        )


def _readings(analysis: Analysis) -> Iterator[Finding]:
    """A gain is put down to the source only where there is one and no control has it too."""
    helped = {cell_of(c) for c in analysis.comparisons if c.verdict == "helps"}
    matched = {
        cell_of(row)
        for row in analysis.attributions
        if row.alike and row.verdict in ("hurts", "no measurable difference")
    }
    for note in analysis.attribution_notes:
        cell = cell_of(note)
        better = note.reading.startswith("better than")
        to_source = _PUT_DOWN_TO_SOURCE in note.reading
        if better != (cell in helped) or (to_source and cell in matched):
            yield from on_cells(
                {cell}, "the conclusion on {cells} claims more than its comparisons show."
            )


SENTENCE_AUDITS: tuple[AnswerAuditSpec, ...] = (_verdicts,)
