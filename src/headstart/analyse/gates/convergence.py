"""Gates of learning: whether trainings had levelled off, and whether they learnt at all."""

from collections.abc import Callable, Iterator
from math import log, sqrt

import numpy as np

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, named
from headstart.analyse.records import Record
from headstart.study.arms import SOURCE

CONVERGED_SHARE, CONVERGED_CHANGE = 0.2, 0.01
CONVERGED_PROGRESS = 0.05
CLEAR_OF_CHANCE = 2  # standard errors


def still_improving(record: Record) -> bool:
    """Whether validation loss was still falling at the end of a trial.

    Over the last fifth of the updates it fell by more than 1 % of what it was, or by more than 5 %
    of all that it fell below the loss of a guess: an optimiser that hardly moves never falls by 1 %
    of anything, and has not converged.
    """
    points = [point for row in record.train_rows for point in row.result["curve"]]
    if len(points) < 2 or any(point[2] is None for point in points):
        return False
    losses = [(int(point[0]), float(point[2])) for point in points]
    before = [loss for at, loss in losses if at <= (1 - CONVERGED_SHARE) * record.trial.updates]
    if not before:
        return False
    best, earlier = min(loss for _, loss in losses), min(before)
    fall, progress = earlier - best, log(_num_classes(record)) - best
    return fall > CONVERGED_CHANGE * earlier or 0 < CONVERGED_PROGRESS * progress < fall


def _num_classes(record: Record) -> int:
    """Classes that have images."""
    return sum(1 for group in record.steps[0].payload["data"]["groups"] if group)


def learnt(record: Record) -> bool:
    """Whether validation accuracy ever got clear of always giving the commonest answer.

    What is commonest is counted on the test images. True where validation was not measured.
    """
    accuracies = [point[3] for row in record.train_rows for point in row.result["curve"]]
    measured = [float(accuracy) for accuracy in accuracies if accuracy is not None]
    num_validation = record.train_rows[0].result["num_validation"]
    if not measured or not num_validation or not len(record.labels):
        return True
    chance = float(np.bincount(record.labels).max()) / len(record.labels)
    error = sqrt(chance * (1 - chance) / num_validation)
    return max(measured) > chance + CLEAR_OF_CHANCE * error


def _converged(seen: Evidence) -> Iterator[Finding]:
    if cells := seen.cells_where(still_improving):
        yield Finding(
            message=f"validation loss still fell over the last {CONVERGED_SHARE:.0%} of the "
            f"updates in {named(cells)} (by more than {CONVERGED_CHANGE:.0%}, or "
            f"{CONVERGED_PROGRESS:.0%} of all that it had fallen): a longer budget may change the "
            "picture.",
            cells=cells,
        )


def _sources_converged(seen: Evidence) -> Iterator[Finding]:
    for source, found, told in _sources_where(seen, still_improving):
        yield Finding(
            message=f"source not converged: the validation loss of '{source}' was still falling at "
            f"the end of {told}. A longer source run may transfer better.",
            cells=found,
        )


def _learning(seen: Evidence) -> Iterator[Finding]:
    if cells := seen.cells_where(lambda record: not learnt(record)):
        yield Finding(
            message=f"{named(cells)} did not learn: validation accuracy never got clear of that of "
            "always giving the commonest answer. More updates or another learning rate are needed.",
            cells=cells,
        )
    for source, found, told in _sources_where(seen, lambda record: not learnt(record)):
        yield Finding(
            message=f"the source '{source}' was not learnt in {told}: there is little to transfer.",
            cells=found,
        )


def _sources_where(
    seen: Evidence, wrong: Callable[[Record], bool]
) -> Iterator[tuple[str, frozenset[Cell], str]]:
    """Sources with runs that are wrong: the cells that rest on them, and how many runs of all."""
    resting = {a.name for a in seen.study.all_arms if seen.study.rests_on(SOURCE, a)}
    for cell, by_seed in seen.sources.items():
        runs = [record for record in by_seed.values() if record.train_rows]
        num_wrong = sum(1 for record in runs if wrong(record))
        if num_wrong:
            cells = (c for c in seen.records if c[0] == cell[0] and c[3] in resting)
            yield cell[0], frozenset(cells), f"{num_wrong} of {len(runs)} source runs"


CONVERGENCE_GATES: tuple[GateSpec, ...] = (
    GateSpec(
        id="CHK-08",
        title="Converged at this budget",
        severity="caveat",
        good="No arm's validation loss was still falling, the control's included.",
        look=_converged,
    ),
    GateSpec(
        id="CHK-08-learns",
        title="Every training learns",
        severity="caveat",
        good="Every training got clear of chance on validation.",
        look=_learning,
    ),
    GateSpec(
        id="CHK-08-source",
        title="The source had converged",
        severity="caveat",
        good="No source run's validation loss was still falling.",
        look=_sources_converged,
    ),
)
