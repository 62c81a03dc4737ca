"""Sentences to read with the headline: missing trials, failed gates, what a gain is."""

from collections.abc import Iterator

from headstart.analyse.analysis import Comparison, Gate, Strictness
from headstart.analyse.headline import adjustment
from headstart.analyse.text import plural
from headstart.metrics import METRICS
from headstart.study.facts import Facts
from headstart.study.study import StudySpec


def details(
    study: StudySpec,
    facts: Facts,
    gates: tuple[Gate, ...],
    missing: int,
    strictness: Strictness,
    comparisons: tuple[Comparison, ...],
) -> tuple[str, ...]:
    """Sentences to read with the headline: missing trials, failed gates, meaning of a gain.

    Caveats that could turn a verdict of the headline around come before the others.
    """
    failed = sorted((g for g in gates if not g.passed), key=lambda gate: not gate.could_turn)
    lines = [
        *_missing(study, missing, comparisons),
        *(f"Invalid: {g.message}" for g in failed if g.severity == "invalid"),
        *(f"Caveat: {g.message}" for g in failed if g.severity == "caveat"),
        *_meaning(study, strictness, comparisons),
    ]
    for name in study.repeated_targets:
        noun = facts.of(study.tasks[name]).noun
        lines.append(
            f"Each seed was tested on a new fifth of the {noun}s of '{name}' and trained on the "
            f"rest: a verdict is about {noun}s like these, split anew."
        )
    if any(source.pretrained for source in study.sources.values()):
        lines.append("All seeds share one checkpoint, so the verdict is about this checkpoint.")
    return tuple(lines)


def _missing(study: StudySpec, missing: int, comparisons: tuple[Comparison, ...]) -> Iterator[str]:
    """Number of missing trials, and what that leaves: estimates, or verdicts on fewer seeds."""
    if not missing:
        return
    without = [c for c in comparisons if c.verdict == "unfinished"]
    judged = [c for c in comparisons if c.verdict not in ("unfinished", "invalid")]
    parts = [f"{missing} {'trial is' if missing == 1 else 'trials are'} missing"]
    if without or not judged:
        parts.append("comparisons that need them are estimates yet, without verdicts")
    fewest = min((len(c.seeds) for c in judged), default=len(study.seeds))
    if fewest < len(study.seeds):
        least = plural(fewest, "seed")
        parts.append(f"verdicts rest on the seeds that are there, at least {least}")
    yield f"{'; '.join(parts)}."


def _meaning(
    study: StudySpec, strictness: Strictness, comparisons: tuple[Comparison, ...]
) -> Iterator[str]:
    """What a gain, a bracket and the arm named are, of those that there are."""
    if not comparisons:
        return
    preferred = [c for c in comparisons if c.preferred]
    brackets = ""
    if any(c.low_pp is not None for c in preferred):
        brackets = (
            "; brackets hold the interval over seeds and test images that the verdict is read "
            f"from, {adjustment(strictness)}"
        )
    named = (
        " The arm named at each size is the transfer arm that validation prefers, of equals the "
        "first."
    )
    yield (
        f"Gains are over {study.control} in percentage points of "
        f"{METRICS[study.metric].on('test')}, seed by seed on the same test images{brackets}."
        f"{named if preferred else ''}"
    )
