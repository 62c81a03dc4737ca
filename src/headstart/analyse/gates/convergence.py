"""Gates of learning: whether trainings converged, and whether they learnt at all."""

from collections.abc import Callable, Iterable, Iterator, Set
from math import log, sqrt

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check, on_cells
from headstart.analyse.records import Record, Records
from headstart.plan.pilot import effective_validation
from headstart.study.arms import SOURCE

CONVERGED_SHARE, CONVERGED_CHANGE = 0.2, 0.01
CONVERGED_PROGRESS = 0.05
CLEAR_OF_CHANCE = 2  # standard errors
FAR_ABOVE_A_GUESS = 10  # times its loss: no training that settles ends there


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
    fall, progress = earlier - best, _loss_of_a_guess(record) - best
    return fall > CONVERGED_CHANGE * earlier or 0 < CONVERGED_PROGRESS * progress < fall


def _loss_of_a_guess(record: Record) -> float:
    """Loss of the same probability for every class with images."""
    groups = record.steps[0].payload["data"]["groups"]
    return log(max(sum(1 for group in groups if group), 2))


def learnt(record: Record) -> bool:
    """Whether validation accuracy was ever clear of always giving one answer, the best of them.

    What that is worth is taken from the test images. True where validation was not measured.
    """
    highest = record.highest_accuracy
    num_validation = effective_validation(record.train_rows[0].result)
    if highest is None or not num_validation or not len(record.labels):
        return True
    return highest > _clear_of_chance(record, num_validation)


def _clear_of_chance(record: Record, num_images: float) -> float:
    """Accuracy on so many images that always giving one answer hardly reaches."""
    chance = record.chance
    return chance + CLEAR_OF_CHANCE * sqrt(chance * (1 - chance) / num_images)


def unlearnt_cells(records: Records) -> frozenset[Cell]:
    """Cells of which more than half of the trainings never got clear of chance."""
    return frozenset(
        cell
        for cell, by_seed in records.items()
        if 2 * sum(1 for r in by_seed.values() if r.train_rows and not learnt(r)) > len(by_seed)
    )


def is_finite(record: Record) -> bool:
    """Whether all weights and losses of a trial stayed finite."""
    return all(row.result["finite"] for row in record.train_rows)


def diverged(record: Record) -> bool:
    """Whether a training blew up: numbers not finite, or a loss far above that of a guess.

    Of one that learnt the loss at its end counts, of another the highest: a schedule that ends at a
    rate of zero brings down a loss that had blown up, but what was learnt is gone.
    """
    # Of points without an accuracy nothing was measured.
    losses = [point[2] for point in record.curve if point[3] is not None]
    if not is_finite(record) or None in losses:
        return True
    counted = losses[-1:] if learnt(record) else losses
    return max(counted, default=0.0) > FAR_ABOVE_A_GUESS * _loss_of_a_guess(record)


def _behind(evidence: Evidence, record: Record) -> Record | None:
    """The source run that a trial rests on, if it is on record."""
    trial = record.trial
    if not evidence.study.rests_on(SOURCE, evidence.arm(trial.arm)):
        return None
    for cell, by_seed in evidence.sources.items():
        if cell[0] == trial.source and trial.seed in by_seed and by_seed[trial.seed].train_rows:
            return by_seed[trial.seed]
    return None


def from_diverged_source(evidence: Evidence, record: Record) -> bool:
    """Whether a trial rests on a source run that blew up, so that the fault is not its own."""
    source = _behind(evidence, record)
    return source is not None and diverged(source)


def _from_unlearnt_source(evidence: Evidence, record: Record) -> bool:
    """Whether a trial rests on a source run that blew up or learnt nothing."""
    source = _behind(evidence, record)
    return source is not None and (diverged(source) or not learnt(source))


@check("CHK-08", "caveat", "Converged at this budget")
def _converged(evidence: Evidence) -> Iterator[Finding]:
    """Where validation loss was measured, that of no finished trial was still falling at the end,
    the control's included."""
    yield from on_cells(
        evidence.cells_where(lambda record: still_improving(record) and not diverged(record)),
        f"validation loss still fell over the last {CONVERGED_SHARE:.0%} of the "
        f"updates in {{cells}} (by more than {CONVERGED_CHANGE:.0%}, or "
        f"{CONVERGED_PROGRESS:.0%} of all that it had fallen): a longer budget may change the "
        "picture.",
    )


@check("CHK-08-learns", "caveat", "Every training learns", could_turn=True)
def _learning(evidence: Evidence) -> Iterator[Finding]:
    """Where validation was measured, every finished training got clear of chance in it, but for
    those that CHK-22 names and those that start from a source that did not learn."""
    # Numbers that are not finite are named by CHK-22, and a source that was not learnt by itself.
    own = [
        (cell, record)
        for cell, record in evidence.each()
        if record.train_rows and is_finite(record) and not _from_unlearnt_source(evidence, record)
    ]
    blown_up = {cell: record for cell, record in own if diverged(record)}
    lost = {cell: record for cell, record in blown_up.items() if not learnt(record)}
    if lost:
        yield from on_cells(
            lost, f"{{cells}} diverged ({_loss_of(lost.values())}): lower the learning rate."
        )
    loud = {cell: record for cell, record in blown_up.items() if cell not in lost}
    if loud:
        yield from on_cells(
            loud,
            f"{{cells}} learnt, but answer far too surely at the end ({_loss_of(loud.values())}): "
            "a lower learning rate may do better.",
        )
    unlearnt = {cell for cell, record in own if cell not in blown_up and not learnt(record)}
    sound = {cell for cell, _ in own} - blown_up.keys()
    for target, cells in _all_at_chance(evidence, sound).items():
        unlearnt -= cells
        yield from on_cells(
            cells, f"{{cells}} did not learn: {_unlearnable(evidence, target, cells)}"
        )
    yield from on_cells(
        unlearnt,
        "{cells} did not learn: validation accuracy was never clearly above that of always "
        "giving one answer. More updates or another learning rate are needed.",
    )
    yield from _sources_unlearnt(evidence)


def _all_at_chance(evidence: Evidence, trained: Set[Cell]) -> dict[str, frozenset[Cell]]:
    """Cells, by target, of targets that no arm learnt at any size, the control among several."""
    unlearnt = unlearnt_cells(evidence.records)
    known = {cell[1] for cell, r in evidence.each() if r.train_rows and cell not in unlearnt}
    by_target: dict[str, set[Cell]] = {}
    for cell in trained:
        by_target.setdefault(cell[1], set()).add(cell)
    return {
        target: frozenset(cells)
        for target, cells in by_target.items()
        if target not in known
        and len(cells) > 1
        and any(cell[3] == evidence.study.control for cell in cells)
    }


def _unlearnable(evidence: Evidence, target: str, cells: Set[Cell]) -> str:
    """Why no arm may have learnt a task: its labels and images, not the number of updates."""
    task = evidence.study.tasks[target]
    if "shuffled_labels" in task.alter:
        return f"the labels of '{target}' are shuffled on purpose, so there is nothing to learn."
    fits = [
        (record, record.fit)
        for cell, record in evidence.each()
        if cell in cells and record.fit and len(record.labels)
    ]
    fitted = [
        fit["accuracy"]
        for record, fit in fits
        if fit["accuracy"] > _clear_of_chance(record, fit["images"])
    ]
    look = f"look at some (headstart data show {task.dataset})"
    lead = (
        "in most runs of every arm, the control included, validation accuracy was never clearly "
        "above that of always giving one answer"
    )
    if 2 * len(fitted) > len(fits):
        return (
            f"{lead}, though up to {max(fitted):.0%} of the training images are answered "
            f"correctly. The labels may not belong to these images: {look}. Or the images are too "
            "few to learn from."
        )
    return (
        f"{lead}. The labels may not belong to these images: {look}. If they do, another learning "
        "rate is needed."
    )


def _loss_of(records: Iterable[Record]) -> str:
    """The highest loss beside that of a guess."""
    highest = {
        max(losses): record
        for record in records
        if (losses := [point[2] for point in record.curve if point[2] is not None])
    }
    if not highest:
        return "validation loss not finite"
    loss = max(highest)
    guess = _loss_of_a_guess(highest[loss])
    return f"validation loss up to {loss:.2g}, where a guess has {guess:.2g}"


def _sources_unlearnt(evidence: Evidence) -> Iterator[Finding]:
    """Source runs that blew up or never got clear of chance."""

    def blown_up(record: Record) -> bool:
        return is_finite(record) and diverged(record)

    for source, cells, runs in sources_where(evidence, blown_up):
        lost = (r for c, by in evidence.sources.items() if c[0] == source for r in by.values())
        yield Finding(
            message=f"the source '{source}' diverged in {runs} ({_loss_of(filter(blown_up, lost))})"
            ": there is little to transfer. Lower the learning rate of its training "
            "(source_training).",
            cells=cells,
        )
    unlearnt = sources_where(evidence, lambda r: not diverged(r) and not learnt(r))
    for source, cells, runs in unlearnt:
        yield Finding(
            message=f"the source '{source}' was not learnt in {runs}: there is little to transfer.",
            cells=cells,
        )


@check("CHK-08-source", "caveat", "The source had converged")
def _sources_converged(evidence: Evidence) -> Iterator[Finding]:
    """Where validation loss was measured, that of no finished source run was still falling at the
    end."""
    falling = sources_where(evidence, lambda r: still_improving(r) and not diverged(r))
    for source, cells, runs in falling:
        yield Finding(
            message=f"source not converged: the validation loss of '{source}' was still falling at "
            f"the end of {runs}. A longer source run may transfer better.",
            cells=cells,
        )


def sources_where(
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
