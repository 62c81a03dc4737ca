"""Sentences on results from elsewhere: what a gain is, what is not known, how it was judged."""

from headstart.analyse.analysis import Analysis, Strictness, interval_over
from headstart.analyse.given import GivenEvidence, Pairing
from headstart.analyse.given_images import GivenImages
from headstart.analyse.headline import adjustment
from headstart.analyse.text import comma_list, plural
from headstart.data.results.runs import Results
from headstart.metrics import ACCURACY, METRICS

ASKED_FIRST = ("CHK-07", "CHK-09", "CHK-10", "CHK-01-leaks", "CHK-17-paired", "CHK-08")
"""Checks whose answers a reader of other people's results wants first."""

_PAIRINGS: dict[Pairing, str] = {
    "same images": "the same for all runs",
    "a part each": "for each seed a part, the same for all arms",
    "other images": "others in each arm",
    "folds of each arm": "split into folds, by each arm for itself",
}


def judged_details(analysis: Analysis) -> tuple[str, ...]:
    """Sentences to read with the headline: failed checks, what is not known, what a gain is."""
    lines = [f"Invalid: {gate.message}" for gate in analysis.failed_gates("invalid")]
    lines += [f"Caveat: {gate.message}" for gate in analysis.failed_gates("caveat")]
    return (*lines, not_known(analysis), *_meaning(analysis))


def not_known(analysis: Analysis) -> str:
    """What these results do not say, in one sentence."""
    titles = {gate.id: gate.title for gate in analysis.unknown_gates}
    first = [f"'{titles[id_].lower()}'" for id_ in ASKED_FIRST if id_ in titles]
    others = len(titles) - len(first)
    more = f", and {plural(others, 'other check')} that need its records of a training"
    return (
        f"Not known of these results, which headstart did not make: {', '.join(first)}"
        f"{more if others else ''}."
    )


def _meaning(analysis: Analysis) -> list[str]:
    brackets = (
        f"; brackets hold the interval over {interval_over(analysis.comparisons)} that the verdict "
        f"is read from, {adjustment(analysis.strictness, 'arms')}"
        if any(c.low_pp is not None for c in analysis.comparisons)
        else ""
    )
    named = (
        "The arm named at each size is the one that validation prefers."
        if all(result.validation_mean is not None for result in analysis.arms)
        else "No validation accuracy chooses an arm, so the headline is about all of them."
    )
    return [
        f"Gains are over {analysis.control} in percentage points of "
        f"{METRICS[analysis.metric].on('test')}{brackets}. {named}",
        "A verdict holds for results that nobody chose among others: of runs that were left out, "
        "and of earlier looks at these, nothing is known.",
    ]


def judged_protocol(
    results: Results, evidence: GivenEvidence, margin_pp: float, strictness: Strictness
) -> tuple[tuple[str, str], ...]:
    """(rule, its setting) of how results were read and judged."""
    metric = METRICS[evidence.study.metric]
    read = tuple(("Read", note) for note in results.notes)
    pairings = dict.fromkeys(_PAIRINGS[pairing] for pairing in evidence.pairings.values())
    images = (
        f"{len(results.images):,}, {comma_list(pairings)}"
        if results.answered
        else "not known singly"
    )
    alone = "folds, Nadeau and Bengio's (2003) variance" if results.folds else "seeds alone"
    crossed = results.answered and not results.folds
    images_meant = "groups of test images" if evidence.groups else "test images"
    over = f"crossed seeds x {images_meant}" if crossed else alone
    held = adjustment(strictness, "arms")
    return (
        ("Control", evidence.study.control),
        ("Runs", f"{len(results.runs):,}; seeds {comma_list(evidence.study.seeds)}"),
        *read,
        *([("Metric", metric.noun)] if metric is not ACCURACY else []),
        ("Test images", images),
        *([("Copies", _copies(evidence.images))] if evidence.images else []),
        ("Interval", f"{over}, t with Satterthwaite's df, {held}"),
        ("Margin", f"{margin_pp:g} percentage points, as given"),
    )


def _copies(images: GivenImages) -> str:
    """How many test images are left out, and what they were compared with."""
    left_out = ", left out of all scores" if images.copies else ""
    return f"{images.sentence}{left_out}; compared at 32 x 32 pixels"
