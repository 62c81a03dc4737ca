"""Evidence of results from elsewhere: answers put beside each other, or scores, by cell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from headstart.analyse.aligned import Aligned, aligned, copies_among
from headstart.analyse.cells import Cell
from headstart.analyse.evidence import Fact, TestedCells
from headstart.analyse.given import (
    GivenArm,
    GivenDesign,
    GivenEvidence,
    cell_at,
    known_updates,
    num_training,
    size_name,
)
from headstart.analyse.given_images import GivenImages
from headstart.analyse.unpaired import Scores
from headstart.data.results.run_keys import Run
from headstart.data.results.runs import Results
from headstart.metrics import METRICS
from headstart.study.training import MetricName


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of results: their name, the control, the metric and the margin."""

    name: str
    control: str
    metric: MetricName
    margin_pp: float


def evidence_of(results: Results, asked: Asked, images: GivenImages | None) -> GivenEvidence:
    """Evidence of some results: their answers as they can be compared, or their scores.

    `images` are the files of the test images, where they are known.

    Raises:
        DataError: arms or seeds were tested on images that have nothing to do with each other.
    """
    by_cell = _runs_by_cell(results)
    places, copies = _placed(results, by_cell, asked)
    records = {cell: places[cell[2]].tested[cell[3]] for cell in by_cell} if places else {}
    numbers = {c: tuple(run.numbers for run in by.values()) for c, by in by_cell.items()}
    known: set[Fact] = {"scores"}
    known |= {"answers"} if places else set()
    known |= {"images"} if images is not None else set()
    known |= {"updates"} if known_updates(numbers.values()) else set()
    return GivenEvidence(
        study=_design(results, asked),
        records=records,
        known=frozenset(known),
        classes=results.classes,
        scores=_scores(by_cell, records),
        num_folds=results.folds,
        pairings={size: place.pairing for size, place in places.items()},
        groups=_groups_of(results, places),
        grouped=results.groups is not None,
        left_out=tuple(place.left_out for place in places.values() if place.left_out),
        copies=copies,
        names=results.images,
        tested={size: place.images for size, place in places.items() if place.images is not None},
        images=images,
        numbers=numbers,
    )


RunsByCell = dict[Cell, dict[int, Run]]


def _runs_by_cell(results: Results) -> RunsByCell:
    """Runs by cell and seed, sizes from small to large, arms in the order of the file."""
    by_cell: RunsByCell = {}
    for run in results.runs:
        by_cell.setdefault(cell_at(run), {})[run.seed] = run
    sizes = {size_name(size): at for at, size in enumerate(results.sizes)}
    arms = {name: at for at, name in enumerate(results.arms)}
    return dict(sorted(by_cell.items(), key=lambda one: (sizes[one[0][2]], arms[one[0][3]])))


def _placed(
    results: Results, by_cell: RunsByCell, asked: Asked
) -> tuple[dict[str, Aligned], tuple[str, ...]]:
    """Answers at each size as they can be compared, and runs that are like copies."""
    places: dict[str, Aligned] = {}
    copies: list[str] = []
    for size in dict.fromkeys(cell[2] for cell in by_cell) if results.answered else ():
        runs = {cell[3]: by_seed for cell, by_seed in by_cell.items() if cell[2] == size}
        places[size] = aligned(
            runs, asked.control, METRICS[asked.metric], results.images, results.folds
        )
        copies += copies_among(runs)
    return places, tuple(copies)


def _design(results: Results, asked: Asked) -> GivenDesign:
    return GivenDesign(
        name=asked.name,
        control=asked.control,
        all_arms=tuple(GivenArm(name=arm, transfers=arm != asked.control) for arm in results.arms),
        seeds=tuple(sorted({run.seed for run in results.runs})),
        metric=asked.metric,
    )


def _scores(by_cell: RunsByCell, records: TestedCells) -> dict[Cell, Scores]:
    return {
        cell: Scores(
            num_images=num_training(cell[2]),
            seeds=tuple(by_seed),
            scores=np.array([_score(cell, seed, run, records) for seed, run in by_seed.items()]),
        )
        for cell, by_seed in by_cell.items()
    }


def _groups_of(results: Results, places: Mapping[str, Aligned]) -> dict[str, np.ndarray]:
    """Groups of the test images at each size, numbered from 0 on."""
    groups = {}
    for size, place in places.items():
        if results.groups is not None and place.images is not None:
            own = results.groups[place.images]
            groups[size] = np.unique(own, return_inverse=True)[1].reshape(-1)
    return groups


def _score(cell: Cell, seed: int, run: Run, records: TestedCells) -> float:
    score = run.score if run.score is not None else records[cell][seed].score
    assert score is not None  # a run without any answer is none
    return score
