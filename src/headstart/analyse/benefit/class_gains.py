"""Gains by class, each on its own test images, corrected for the number of classes."""

from collections.abc import Iterator, Sequence

import numpy as np

from headstart.analyse.analysis import ClassGain
from headstart.analyse.cells import Cell, beside
from headstart.analyse.multiplicity import NOMINAL, holm
from headstart.analyse.records import Records
from headstart.analyse.statistics import crossed
from headstart.analyse.verdict import FEWEST_SEEDS
from headstart.study.facts import Facts
from headstart.study.study import StudySpec


def class_gains(
    study: StudySpec, facts: Facts, records: Records, withheld: dict[Cell, str]
) -> tuple[ClassGain, ...]:
    """Gain of every transfer arm in each class with two test images or more.

    Holm's correction is over the classes of one arm at one size. Arms whose verdict is withheld
    are left out.
    """
    transfer = {arm.name for arm in study.all_arms if arm.transfers} - {study.control}
    gains: list[ClassGain] = []
    for cell in records:
        control = beside(cell, study.control)
        if cell[3] in transfer and not {cell, control} & withheld.keys():
            gains += _of_cell(study, facts, records, cell)
    return tuple(gains)


def _of_cell(study: StudySpec, facts: Facts, records: Records, cell: Cell) -> Iterator[ClassGain]:
    control = records.get(beside(cell, study.control), {})
    seeds = [seed for seed in study.seeds if seed in records[cell] and seed in control]
    if not seeds:
        return
    arm, other = (
        np.stack([by_seed[seed].correct for seed in seeds]).astype(np.int8)
        for by_seed in (records[cell], control)
    )
    labels = control[seeds[0]].labels
    task = study.tasks[cell[1]]
    classes = []
    for number, name in enumerate(task.groups(facts.of(task).classes)):
        images = labels == number
        if images.sum() > 1:
            classes.append((name, arm[:, images], other[:, images]))
    tests = [_test(own - base) for _, own, base in classes]
    adjusted = _adjusted([p for _, _, p in tests])
    for (name, own, base), (low, high, p), after in zip(classes, tests, adjusted, strict=True):
        yield ClassGain(
            arm=cell[3],
            control=study.control,
            size=cell[2],
            source=cell[0],
            target=cell[1],
            class_name=name,
            num_images=own.shape[1],
            recall=float(own.mean()),
            control_recall=float(base.mean()),
            gain_pp=100 * float(own.mean() - base.mean()),
            low_pp=low,
            high_pp=high,
            p_value=p,
            p_adjusted=after,
            why=_why(len(seeds), p, low),
        )


def _adjusted(p_values: Sequence[float | None]) -> Sequence[float | None]:
    """Holm's p-values over the classes; with too few seeds no class has one."""
    known = [p for p in p_values if p is not None]
    return holm(known, [NOMINAL] * len(known)).adjusted if len(known) == len(p_values) else p_values


def _test(differences: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Ends of the interval in percentage points, and the p-value."""
    if len(differences) < FEWEST_SEEDS:
        return None, None, None
    if not differences.any():
        return None, None, 1.0
    difference = crossed(differences)
    low, high = difference.interval(1 - NOMINAL)
    return 100 * low, 100 * high, difference.p_value


def _why(num_seeds: int, p: float | None, low: float | None) -> str:
    if p is None:
        return f"no interval: {num_seeds} seeds, and {FEWEST_SEEDS} are the least"
    return "" if low is not None else "no answer differs"
