"""What the sentences of a report claim, read from their words; and what is true of the evidence.

A claim is a fact, what it is a fact of (a target, a cell, or nothing: the study), and its value.
"""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from headstart.analyse.analysis import Analysis
from headstart.analyse.cells import Cell, beside, cell_of
from headstart.analyse.gates.convergence import is_finite, learnt, still_improving
from headstart.analyse.gates.gate import Evidence
from headstart.report.first_screen import next_steps
from headstart.report.html.page import page
from headstart.report.leaks import leak_line, leak_notes
from headstart.report.notes import attribution_lines, interval_note, warnings_of
from headstart.report.run_summary import RunSummary
from headstart.report.terminal.study import print_report

Of = tuple[str, ...]
Claim = tuple[str, Of, object]
Read = Callable[[re.Match[str], Of], Iterator[Claim] | list[Claim]]

SUMMARY = RunSummary(steps_run=1, steps_reused=2, seconds=3.0, command="headstart run tiny.toml")
STUDY: Of = ()
TARGET: Of = ("target",)
COPIES, BOTH, CHOSEN = (
    "test images with a copy", "training images of both tasks", "validated on test images",
)  # fmt: skip


def sentences(analysis: Analysis, *, pages: bool) -> Iterator[tuple[str, Of, str]]:
    """(where it stands, what it is about, text) of the sentences of every report."""
    yield "headline", STUDY, analysis.headline
    for gate in analysis.gates:
        yield gate.id, STUDY, gate.message
    for c in analysis.comparisons:
        yield "why", cell_of(c), c.why
    for note in analysis.attribution_notes:
        yield "attribution", cell_of(note), note.reading
    for place, lines in (
        ("detail", analysis.detail),
        ("protocol", [f"{rule}: {how}" for rule, how in analysis.protocol]),
        ("warning", warnings_of(analysis)),
        ("interval note", [interval_note(analysis)]),
        ("attribution line", attribution_lines(analysis)),
        ("leaks", [s for leak in analysis.leaks for s in (leak_line(leak), *leak_notes(leak))]),
        ("next", [f"{step.what}: {step.command}" for step in next_steps(analysis, SUMMARY)]),
    ):
        yield from ((place, STUDY, line) for line in lines)
    if pages:
        text = io.StringIO()
        print_report(analysis, SUMMARY, Console(file=text, width=5_000), Path("page.html"))
        yield from (("terminal", STUDY, line) for line in text.getvalue().splitlines())
        plain = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page(analysis, SUMMARY), flags=re.DOTALL)
        yield from (("page", STUDY, line) for line in plain.splitlines())


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _of_study(fact: str, value: object) -> Read:
    return lambda match, of: [(fact, STUDY, value)]


def _of_cell(fact: str, value: object) -> Read:
    return lambda match, of: [(fact, of, value)] if len(of) == 4 else []


def _copies(match: re.Match[str], of: Of) -> list[Claim]:
    return [(COPIES, (match[2],), _number(match[1]))]


def _seeds(match: re.Match[str], of: Of) -> list[Claim]:
    number = _number(match[1])
    claims: list[Claim] = [("seeds", of, number)]
    if number < 5:
        claims.append(("five seeds for every arm", STUDY, False))
    return [*claims, ("several seeds", STUDY, True)] if number > 1 else claims


def _fewest(match: re.Match[str], of: Of) -> list[Claim]:
    return [("fewest seeds", STUDY, _number(match[1])), ("five seeds for every arm", STUDY, False)]


PATTERNS: tuple[tuple[str, Read], ...] = (
    # copies
    (r"([\d,]+) of [\d,]+ test images? of '(\w+)' are also", _copies),
    (r"([\d,]+) of [\d,]+ test images? of '(\w+)' left out as copies", _copies),
    (r"image was found for any test image of '(\w+)'", lambda m, of: [(COPIES, (m[1],), 0)]),
    (r"Among the images that were compared no test image was found",
     lambda m, of: [(COPIES, TARGET, 0), (BOTH, TARGET, 0), (CHOSEN, TARGET, False)]),
    (r"([\d,]+) of the target's [\d,]+ training images are the source's",
     lambda m, of: [(BOTH, TARGET, _number(m[1]))]),
    (r"([\d,]+) training images of '(\w+)' are also training images",
     lambda m, of: [(BOTH, (m[2],), _number(m[1]))]),
    (r"on the same images \(([\d,]+) shared\)", lambda m, of: [(BOTH, TARGET, _number(m[1]))]),
    (r"validation images of '(\w+)' are its test images", lambda m, of: [(CHOSEN, (m[1],), True)]),
    (r"validation images of no target are its", lambda m, of: [(CHOSEN, TARGET, False)]),
    (r"no test image is left", _of_study("a test image is left", False)),
    (r"Every class that a finished trial was trained on", _of_study("a test image is left", True)),
    # seeds and intervals
    (r"^gain [-+.\d]+ pp from ([\d,]+) seeds?: no interval", _seeds),
    (r"^gain [-+.\d]+ pp from ([\d,]+) of [\d,]+ seeds?: an estimate", _seeds),
    (r"; (\d+) seeds are too few for a verdict", _seeds),
    (r"([\d,]+) finished seeds? where 5", _fewest),
    (r"Every arm shares five seeds or more", _of_study("five seeds for every arm", True)),
    (r"One seed only|takes at least two seeds|(?<!by )the one seed there is|headstart: one seed",
     _of_study("several seeds", False)),
    (r"±: standard deviation over seeds|mean over seeds|mean ± sd|mean over ([2-9]|1\d) seeds",
     _of_study("several seeds", True)),
    (r"interval(?: \(Holm\))? [-+]\d", _of_cell("interval", True)),
    (r"no interval|an estimate, which says nothing yet|both at 100 %|no variance to judge by",
     _of_cell("interval", False)),
    (r"In brackets: [\d.]+ %.* intervals over seeds|Thin line: the interval",
     _of_study("any interval", True)),
    (r"There is no interval|no interval can be given", _of_study("any interval", False)),
    (r"brackets hold the interval|In brackets: the range",
     _of_study("interval in headline", True)),
    (r"points \[", _of_study("interval in headline", True)),
    # trials
    (r"([\d,]+) trials? (?:is|are) missing;",
     lambda m, of: [("missing", STUDY, _number(m[1]))]),
    (r"Incomplete: ([\d,]+) of ([\d,]+) trial",
     lambda m, of: [("missing", STUDY, _number(m[2]) - _number(m[1]))]),
    (r"are estimates yet, without verdicts\.$", _of_study("verdicts on fewer seeds", False)),
    (r"verdicts rest on the seeds that are there", _of_study("verdicts on fewer seeds", True)),
    # learning
    (r"validation loss still fell", _of_study("still falling", True)),
    (r"that of no finished trial was still falling", _of_study("still falling", False)),
    (r"had learnt next to nothing|did not learn: ", _of_study("every trial learns", False)),
    (r"every finished training got clear of chance", _of_study("every trial learns", True)),
    (r"met numbers that are not finite", _of_study("finite", False)),
    (r"All weights and (?:training )?losses", _of_study("finite", True)),
    # controls
    (r"no random-trunk control|cannot be told from [^:;]*random trunk[^:;]*: not run;",
     _of_study("a random trunk", False)),
    (r"the study has a random trunk", _of_study("a random trunk", True)),
    (r"Every control that would explain", _of_study("further controls", True)),
    (r"cannot be told from [^:;]*(?:compute|shuffled|selffer)[^:;]*: not run;|^no [^;]* beside ",
     _of_study("further controls", False)),
    (r"so the gain is put down to what the source", _of_study("put down to the source", True)),
    (r"gain cannot be put down to what the source", _of_study("put down to the source", False)),
    (r"The control trains everything from nothing|training from nothing [\d.]+ times",
     _of_study("the control starts from nothing", True)),
    (r"does not start from scratch", _of_study("the control starts from nothing", False)),
    # what to do
    (r"^for a surer verdict: .* --seeds", _of_study("more seeds help", True)),
)  # fmt: skip
"""Words of a sentence, and what they claim."""

USELESS = re.compile(
    r"more seeds alone would not|(?:harder|More) test images are needed|neither [\d,]+ seeds"
)
TOO_FEW = re.compile(r"seeds are too few for a verdict")


def claims(analysis: Analysis, *, pages: bool = False) -> Iterator[tuple[str, str, Claim]]:
    """(where, text, claim) of everything that the reports of an analysis say."""
    for where, of, text in sentences(analysis, pages=pages):
        for pattern, read in PATTERNS:
            for match in re.finditer(pattern, text):
                yield from ((where, text, claim) for claim in read(match, of))
    undecided = [c for c in analysis.preferred if c.verdict == "not enough evidence"]
    if undecided and all(USELESS.search(c.why) and not TOO_FEW.search(c.why) for c in undecided):
        yield "why", undecided[0].why, ("more seeds help", STUDY, False)


def contradictions(analysis: Analysis, *, pages: bool = False) -> list[str]:
    """Pairs of sentences that give a fact two values."""
    first: dict[tuple[str, Of], tuple[object, str]] = {}
    found = []
    for where, text, (fact, of, value) in claims(analysis, pages=pages):
        said = f"{where}: {text.strip()}"
        other, before = first.setdefault((fact, of), (value, said))
        if other != value:
            found.append(f"{fact} {of}: {other} by '{before}', {value} by '{said}'")
    return found


def truth(evidence: Evidence, analysis: Analysis) -> dict[tuple[str, Of], object]:
    """Facts that can be read from the evidence, by what they are facts of."""
    study, records = evidence.study, evidence.records
    each = [record for _, record in evidence.each()]
    trained = [record for record in each if record.train_rows]
    tested = {cell: {s for s, r in by.items() if len(r.labels)} for cell, by in records.items()}
    control = evidence.arm(study.control)
    shared = [len(by.keys() & records[beside(cell, control.name)].keys())
              for cell, by in records.items()]  # fmt: skip
    judged = [c for c in analysis.comparisons if c.verdict not in ("invalid", "unfinished")]
    facts: dict[tuple[str, Of], object] = {
        ("a test image is left", STUDY): any(tested.values()) or not each,
        ("fewest seeds", STUDY): min(shared),
        ("five seeds for every arm", STUDY): min(shared) >= 5,
        ("several seeds", STUDY): max(map(len, records.values())) > 1,
        ("any interval", STUDY): any(c.low_pp is not None for c in analysis.comparisons),
        ("interval in headline", STUDY): any(c.low_pp is not None for c in analysis.preferred),
        ("missing", STUDY): analysis.num_trials - len(each),
        ("verdicts on fewer seeds", STUDY): any(len(c.seeds) < len(study.seeds) for c in judged),
        ("still falling", STUDY): any(map(still_improving, trained)),
        ("every trial learns", STUDY): all(learnt(r) for r in trained if is_finite(r)),
        ("finite", STUDY): all(row.result["finite"] for r in trained for row in r.train_rows),
        ("the control starts from nothing", STUDY): not control.origins,
        ("a random trunk", STUDY): "random_trunk" in {arm.name for arm in study.all_arms},
    }
    for (_, target), overlap in evidence.overlaps.items():
        facts[COPIES, (target,)] = len(overlap.leaked)
        facts[BOTH, (target,)] = overlap.result["shared_train"]
        facts[CHOSEN, (target,)] = study.tasks[target].split.by == "test"
    for c in analysis.comparisons:
        cell: Cell = cell_of(c)
        facts["seeds", cell] = len(tested[cell] & tested[beside(cell, c.control)])
        facts["interval", cell] = c.low_pp is not None
    return facts


def untrue(evidence: Evidence, analysis: Analysis) -> list[str]:
    """Claims that are not true of the evidence."""
    facts = truth(evidence, analysis)
    return [
        f"{where}: {text.strip()} ({fact} {of} is {facts[fact, of]})"
        for where, text, (fact, of, value) in claims(analysis)
        if (fact, of) in facts and facts[fact, of] != value
    ]
