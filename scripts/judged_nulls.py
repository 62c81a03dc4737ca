"""How often `headstart judge` finds a difference where there is none, by design of the results.

    python scripts/judged_nulls.py [STUDIES]

Two arms whose expected accuracy is the same are judged, in each design that `judge` knows: answers
to the same images and seeds, to other seeds, to other images; scores alone; folds of a
cross-validation, by answers and by scores. Answers are drawn (images are hard or easy, a training
has good or bad luck, an arm has its own hard images); folds are of two classifiers that are trained
on sets of Gaussian features, each on other features, which say as much.
"""

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from headstart.data.results.opening import results_from
from headstart.data.results.tabular import ArraySource
from headstart.flow.judge import JudgeOptions, judged

Columns = dict[str, Any]
SEEDS, IMAGES, LEVEL, SLACK = 5, 200, 0.05, 0.01


def main() -> None:
    """Print a row for each design."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    most = int(scipy.stats.binom.ppf(1 - SLACK, studies, LEVEL))
    print(f"| design | false verdicts of {studies} | at most |\n| --- | ---: | ---: |")
    for name, drawn in DESIGNS.items():
        words = Counter(
            _verdict(drawn(np.random.default_rng([study, 7]))) for study in range(studies)
        )
        false = words["helps"] + words["hurts"]
        print(f"| {name} | {false} ({100 * false / studies:.1f} %) | {most} |", flush=True)


def _verdict(columns: Columns) -> str:
    results = results_from([("drawn", ArraySource(columns), {})], {})
    done = judged(results, "drawn", JudgeOptions(control="scratch"), "", 0.0)
    (comparison,) = done.analysis.comparisons
    return comparison.verdict


def _right(random: np.random.Generator, seeds: int, own: np.ndarray) -> np.ndarray:
    """Right answers (seeds, images) of one arm; `own` is how easy each image is for it."""
    luck = random.normal(0, 0.1, (seeds, 1))
    return np.asarray(random.logistic(size=(seeds, len(own))) < own + luck)


def _answers(
    random: np.random.Generator, *, others: bool = False, apart: bool = False, group: int = 0
) -> Columns:
    """Answers of two arms: to the same seeds or others, to the same images or others."""
    ease = random.normal(1.5, 1.5, IMAGES)
    columns: dict[str, list[Any]] = {n: [] for n in ("arm", "seed", "image", "label", "answer")}
    for number, arm in enumerate(("scratch", "other")):
        if apart:
            ease = random.normal(1.5, 1.5, IMAGES)
        own = random.normal(0, 0.7, IMAGES)
        if group:
            own = np.repeat(own[: IMAGES // group], group)
        right = _right(random, SEEDS, ease + own)
        for seed, row in enumerate(right):
            columns["arm"] += [arm] * IMAGES
            columns["seed"] += [seed + SEEDS * number * others] * IMAGES
            columns["image"] += [image + IMAGES * number * apart for image in range(IMAGES)]
            columns["label"] += [1] * IMAGES
            columns["answer"] += row.astype(int).tolist()
    arrays = {name: np.array(column) for name, column in columns.items()}
    return arrays | ({"group": arrays["image"] // group} if group else {})


def _scores(random: np.random.Generator, *, others: bool) -> Columns:
    """Scores of two arms that are the same method: of seeds, on one set of test images."""
    ease = random.normal(1.5, 1.5, IMAGES)
    scores = [_right(random, SEEDS, ease).mean(1) for _ in range(2)]
    return {
        "arm": np.repeat(["scratch", "other"], SEEDS),
        "seed": np.concatenate([np.arange(SEEDS), np.arange(SEEDS) + SEEDS * others]),
        "accuracy": np.concatenate(scores),
    }


def _folds(
    random: np.random.Generator, *, folds: int, repeats: int, alone: bool, own: bool, images: int
) -> Columns:
    """Folds of two nearest-centroid classifiers, each on other features, which say as much."""
    labels = random.integers(0, 2, images)
    features = [random.normal(0, 1, (images, 10)) + 0.35 * labels[:, None] for _ in range(2)]
    columns: dict[str, list[Any]] = {
        n: [] for n in ("arm", "seed", "fold", "image", "label", "answer", "accuracy")
    }
    splits = [random.permutation(images) % folds for _ in range(2 * repeats)]
    for number, arm in enumerate(("scratch", "other")):
        for repeat in range(repeats):
            split = splits[repeat + repeats * number * own]
            for fold in range(folds):
                test = np.flatnonzero(split == fold)
                answers = _nearest(features[number], labels, split != fold, test)
                columns["arm"] += [arm] * len(test)
                columns["seed"] += [repeat] * len(test)
                columns["fold"] += [fold] * len(test)
                columns["image"] += test.tolist()
                columns["label"] += labels[test].tolist()
                columns["answer"] += answers.tolist()
                columns["accuracy"] += [float((answers == labels[test]).mean())] * len(test)
    arrays = {name: np.array(column) for name, column in columns.items()}
    if not alone:
        return arrays
    named = (arrays[name].tolist() for name in ("arm", "seed", "fold"))
    keys = [f"{arm} {seed} {fold}" for arm, seed, fold in zip(*named, strict=True)]
    first = np.unique(keys, return_index=True)[1]
    return {name: arrays[name][first] for name in ("arm", "seed", "fold", "accuracy")}


def _nearest(
    features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    centres = [features[train & (labels == label)].mean(0) for label in (0, 1)]
    distances = [((features[test] - centre) ** 2).sum(1) for centre in centres]
    return np.asarray(distances[1] < distances[0]).astype(int)


def _fold_design(**given: Any) -> Callable[[np.random.Generator], Columns]:
    return lambda random: _folds(random, **given)


DESIGNS: dict[str, Callable[[np.random.Generator], Columns]] = {
    "answers, seeds and images paired": lambda random: _answers(random),
    "answers, other seeds": lambda random: _answers(random, others=True),
    "answers, other seeds and images": lambda random: _answers(random, others=True, apart=True),
    "answers, images in groups of ten": lambda random: _answers(random, group=10),
    "scores of seeds, paired": lambda random: _scores(random, others=False),
    "scores of other seeds": lambda random: _scores(random, others=True),
    **{
        f"{'scores' if alone else 'answers'} of {folds} folds, "
        f"{f'{repeats} times, ' if repeats > 1 else ''}{'split apart' if own else 'paired'}, "
        f"{images} images": _fold_design(
            folds=folds, repeats=repeats, alone=alone, own=own, images=images
        )
        for alone in (False, True)
        for folds, repeats in ((5, 1), (10, 1), (5, 4))
        for own in (False, True)
        for images in (60, 200)
    },
}


if __name__ == "__main__":
    main()
