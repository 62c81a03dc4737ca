"""Gates of learning: whether trainings converged, and whether they learnt at all."""

from collections.abc import Callable, Iterator
from math import log, sqrt

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check, on_cells
from headstart.analyse.records import Record
from headstart.plan.pilot import effective_validation
from headstart.study.arms import SOURCE

CONVERGED_SHARE, CONVERGED_CHANGE = 0.2, 0.01
CONVERGED_PROGRESS = 0.05
CLEAR_OF_CHANCE = 2  # standard errors


def still_improving(record: Record) -> bool:
    """Whether validation loss was still falling at the end of a trial.

    Over the last fifth of the updates it fell by more than 1 % of its value, or by more than 5 % of
    its total fall below the loss of a guess: an optimiser that hardly moves never falls by 1 % of
    anything, and has not converged.
    """
    points = record.curve
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
    """Number of classes with images."""
    return sum(1 for group in record.steps[0].payload["data"]["groups"] if group)


def learnt(record: Record) -> bool:
    """Whether validation accuracy was ever clear of always giving one answer, the best of them.

    What that is worth is taken from the test images. True where validation was not measured.
    """
    measured = [float(point[3]) for point in record.curve if point[3] is not None]
    num_validation = effective_validation(record.train_rows[0].result)
    if not measured or not num_validation or not len(record.labels):
        return True
    chance = record.metric.chance(record.labels)
    error = sqrt(chance * (1 - chance) / num_validation)
    return max(measured) > chance + CLEAR_OF_CHANCE * error


@check("CHK-08", "caveat", "Converged at this budget")
def _converged(evidence: Evidence) -> Iterator[Finding]:
    """No arm's validation loss was still falling, the control's included."""
    yield from on_cells(
        evidence.cells_where(still_improving),
        f"validation loss still fell over the last {CONVERGED_SHARE:.0%} of the "
        f"updates in {{cells}} (by more than {CONVERGED_CHANGE:.0%}, or "
        f"{CONVERGED_PROGRESS:.0%} of all that it had fallen): a longer budget may change the "
        "picture.",
    )


@check("CHK-08-learns", "caveat", "Every training learns")
def _learning(evidence: Evidence) -> Iterator[Finding]:
    """Every training got clear of chance on validation."""
    yield from on_cells(
        evidence.cells_where(lambda record: not learnt(record)),
        "{cells} did not learn: validation accuracy was never clearly above that of always "
        "giving one answer. More updates or another learning rate are needed.",
    )
    for source, cells, runs in _sources_where(evidence, lambda record: not learnt(record)):
        yield Finding(
            message=f"the source '{source}' was not learnt in {runs}: there is little to transfer.",
            cells=cells,
        )


@check("CHK-08-source", "caveat", "The source had converged")
def _sources_converged(evidence: Evidence) -> Iterator[Finding]:
    """No source run's validation loss was still falling."""
    for source, cells, runs in _sources_where(evidence, still_improving):
        yield Finding(
            message=f"source not converged: the validation loss of '{source}' was still falling at "
            f"the end of {runs}. A longer source run may transfer better.",
            cells=cells,
        )


def _sources_where(
    evidence: Evidence, wrong: Callable[[Record], bool]
) -> Iterator[tuple[str, frozenset[Cell], str]]:
    """Sources with runs for which `wrong` holds: the cells behind which they are, and a count."""
    transfer = {a.name for a in evidence.study.all_arms if evidence.study.rests_on(SOURCE, a)}
    for cell, by_seed in evidence.sources.items():
        runs = [record for record in by_seed.values() if record.train_rows]
        num_wrong = sum(1 for record in runs if wrong(record))
        if num_wrong:
            cells = (c for c in evidence.records if c[0] == cell[0] and c[3] in transfer)
            yield cell[0], frozenset(cells), f"{num_wrong} of {len(runs)} source runs"


GATES: tuple[GateSpec, ...] = (_converged, _learning, _sources_converged)
