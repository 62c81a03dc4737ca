"""Results of other programs, written as their users leave them behind."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LABELS = ("cat", "dog", "dog", "owl", "cat", "owl") * 10


def answers_of(arm: str, seed: int, accuracy: float) -> list[str]:
    """Answers to the test images; the same arm and seed give the same ones."""
    random = np.random.default_rng([len(arm), seed])
    wrong = {"cat": "dog", "dog": "owl", "owl": "cat"}
    return [label if random.random() < accuracy else wrong[label] for label in LABELS]


def rows_of(
    arms: Mapping[str, float], seeds: Iterable[int] = range(4), **more: Any
) -> Iterator[dict[str, Any]]:
    """A row for each answer, in plain names."""
    seeds = list(seeds)
    for arm, accuracy in arms.items():
        for seed in seeds:
            for image, answer in enumerate(answers_of(arm, seed, accuracy)):
                yield {
                    "arm": arm,
                    "seed": seed,
                    "image": f"{image}.jpg",
                    "label": LABELS[image],
                    "answer": answer,
                    **more,
                }


def written(path: Path, rows: Iterable[Mapping[str, Any]], names: Sequence[str] = ()) -> str:
    """Rows as a CSV file; its path."""
    every = list(rows)
    keys = list(every[0])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names or keys)
        writer.writerows([row[key] for key in keys] for row in every)
    return str(path)


ARMS = {"scratch": 0.6, "frozen": 0.9}
