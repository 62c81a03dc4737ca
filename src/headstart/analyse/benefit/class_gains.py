"""Gains by class, each on its own test images, corrected for the number of classes."""

from collections.abc import Iterator, Sequence

import numpy as np

from headstart.analyse.analysis import FEWEST_SEEDS, ClassGain
from headstart.analyse.cells import Cell, beside
from headstart.analyse.evidence import AnswerEvidence, Tested
from headstart.analyse.multiplicity import NOMINAL, holm
from headstart.analyse.repeated import crossed_of, mean_of, tabled


def class_gains(evidence: AnswerEvidence, withheld: dict[Cell, str]) -> tuple[ClassGain, ...]:
    """Gain of every transfer arm in each class with two test images or more in every seed.

    Holm's correction is over the classes of one arm at one size. Arms whose verdict is withheld
    are left out.
    """
    study = evidence.study
    transfer = {arm.name for arm in study.all_arms if arm.transfers} - {study.control}
    gains: list[ClassGain] = []
    for cell in evidence.records:
        control = beside(cell, study.control)
        if cell[3] in transfer and not {cell, control} & withheld.keys():
            gains += _of_cell(evidence, cell)
    return tuple(gains)


def _of_cell(evidence: AnswerEvidence, cell: Cell) -> Iterator[ClassGain]:
    study, records = evidence.study, evidence.records
    control = records.get(beside(cell, study.control), {})
    seeds = [seed for seed in study.seeds if seed in records[cell] and seed in control]
    if not seeds:
        return
    classes = []
    for number, name in enumerate(evidence.class_names(cell[1])):
        (own, tested), (base, _) = (
            _in_class([by_seed[seed] for seed in seeds], number)
            for by_seed in (records[cell], control)
        )
        if tested.sum(1).min() > 1:
            classes.append((name, own, base, tested))
    tests = [
        _test(own - base, None if tested.all() else tested) for _, own, base, tested in classes
    ]
    adjusted = _adjusted([p for _, _, p in tests])
    for (name, own, base, tested), (low, high, p), after in zip(
        classes, tests, adjusted, strict=True
    ):
        recall, control_recall = mean_of(own, tested), mean_of(base, tested)
        yield ClassGain(
            arm=cell[3],
            control=study.control,
            size=cell[2],
            source=cell[0],
            target=cell[1],
            class_name=name,
            num_images=own.shape[1],
            recall=recall,
            control_recall=control_recall,
            gain_pp=100 * (recall - control_recall),
            low_pp=low,
            high_pp=high,
            p_value=p,
            p_adjusted=after,
            why=_why(len(seeds), p, low),
        )


def _in_class(records: Sequence[Tested], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Right answers to the images of a class (seeds, images), and which images a seed tested."""
    own = [record.labels == number for record in records]
    table, tested = tabled(
        [
            record.correct[images].astype(np.int8)
            for record, images in zip(records, own, strict=True)
        ],
        [
            None if record.images is None else record.images[images]
            for record, images in zip(records, own, strict=True)
        ],
    )
    return table, np.ones(table.shape, bool) if tested is None else tested


def _adjusted(p_values: Sequence[float | None]) -> Sequence[float | None]:
    """Holm's p-values over the classes; with too few seeds no class has one."""
    known = [p for p in p_values if p is not None]
    return holm(known, [NOMINAL] * len(known)).adjusted if len(known) == len(p_values) else p_values


def _test(
    differences: np.ndarray, tested: np.ndarray | None
) -> tuple[float | None, float | None, float | None]:
    """Ends of the interval in percentage points, and the p-value."""
    if len(differences) < FEWEST_SEEDS:
        return None, None, None
    if not differences.any():
        return None, None, 1.0
    difference = crossed_of(differences, tested)
    low, high = difference.interval(1 - NOMINAL)
    return 100 * low, 100 * high, difference.p_value


def _why(num_seeds: int, p: float | None, low: float | None) -> str:
    if p is None:
        return f"no interval: {num_seeds} seeds, and {FEWEST_SEEDS} are the least"
    return "" if low is not None else "no answer differs"
