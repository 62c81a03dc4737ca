"""From the data part of a payload to arrays, kept for the next step of this process."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import cast

import numpy as np

from headstart.core.hashing import Json, canonical_json, digest
from headstart.core.lru import SizedLRU
from headstart.core.seeds import stream
from headstart.data.corrupt import altered
from headstart.data.datasets import Images
from headstart.data.images import StreamedPixels
from headstart.data.preprocess import (
    Scaling,
    Standardiser,
    network_scaling,
    scaling_of,
    statistics,
)
from headstart.data.tasks import (
    TrainingPart,
    subset,
    subset_per_class,
    test_part,
    test_positions,
    training_part,
)
from headstart.plan.payload_types import DataPayload
from headstart.plan.payloads import images_name
from headstart.study.tasks import DataRef, PreprocessingSpec, SplitSpec
from headstart.train.loop import Examples

KEPT_BYTES = 128_000_000

Datasets = dict[str, DataRef]
"""Name of some images (`images_name`) -> how to find and decode them."""

_kept: SizedLRU[Examples] = SizedLRU(KEPT_BYTES, lambda found: found.bytes)


def training_examples(
    data: DataPayload, preprocessing: Json, datasets: Datasets
) -> tuple[Examples, Examples]:
    """Network inputs and labels for training (its subset, in drawing order) and validation."""
    task = _without_subset(data)

    def validation() -> Examples:
        return _examples(training_images(task, datasets).validation, preprocessing, datasets)

    return (
        chosen_examples(data, preprocessing, datasets),
        _kept_examples({"validation": task}, validation, preprocessing, datasets),
    )


def chosen_examples(data: DataPayload, preprocessing: Json, datasets: Datasets) -> Examples:
    """Network inputs and labels of a training subset, in drawing order."""

    def whole() -> Examples:
        return _examples(training_images(data, datasets).train, preprocessing, datasets)

    def drawn() -> Examples:
        train = training_images(data, datasets).train
        rows = _drawn(train.labels, data)
        pool = _kept_examples({"train": task}, whole, preprocessing, datasets)
        found = _examples(train.taken(rows), preprocessing, datasets)
        return replace(found, pool=(pool, rows))

    task = _without_subset(data)
    return _kept_examples(
        {"train": data}, drawn if "subset" in data else whole, preprocessing, datasets
    )


def input_facts(examples: Examples) -> Json:
    """The range of what the network is given, for the gate that asks whether it was scaled."""
    least, greatest = examples.ends
    return {"min": least, "max": greatest}


def _kept_examples(
    what: Json, make: Callable[[], Examples], preprocessing: Json, datasets: Datasets
) -> Examples:
    """Examples for the next steps too: arms share training images, and all share validation."""
    name = digest({**what, "preprocessing": preprocessing})
    # Where the data lies is part of the key, so that what has gone is missed.
    return _kept.get((name, *datasets.items()), lambda: replace(make(), name=name))


def test_examples(data: DataPayload, preprocessing: Json, datasets: Datasets) -> Examples:
    """Network inputs and labels of the test images of a task."""
    name = digest({"test": data, "preprocessing": preprocessing})
    return replace(_examples(test_images(data, datasets), preprocessing, datasets), name=name)


def test_images(data: DataPayload, datasets: Datasets) -> Images:
    """The test images of a task."""
    split, _ = _split_of(cast(Json, data))
    found = test_part(datasets[images_name(data)], data["groups"], split)
    positions = tested_positions(data, datasets)
    if positions is not None:
        found = found.taken(positions)
    return altered(found, data.get("alter", ()))


def tested_positions(data: DataPayload, datasets: Datasets) -> np.ndarray | None:
    """Where the test images of a seed lie among all images of the task, in a repeated split."""
    split, seed = _split_of(cast(Json, data))
    if seed is None:
        return None
    return test_positions(datasets[images_name(data)], data["groups"], split, seed)


def _split_of(given: Json) -> tuple[SplitSpec, int | None]:
    """The split that a payload means, and the seed whose split it is where it is repeated."""
    fields = {name: given[name] for name in SplitSpec.model_fields if name in given}
    if "split_seed" in given:
        fields["seed"] = given["split_seed"]
    return SplitSpec(**fields), given.get("test_seed")


def training_images(data: DataPayload, datasets: Datasets) -> TrainingPart:
    """All training and validation images of a task, whatever subset an arm draws."""
    return _part_of(canonical_json(_without_subset(data)), datasets[images_name(data)])


def _without_subset(data: DataPayload) -> DataPayload:
    task = data.copy()
    task.pop("subset", None)
    return task


# A source and a target, or the splits of a few seeds.
@lru_cache(maxsize=8)
def _part_of(task: str, dataset: DataRef) -> TrainingPart:
    data = json.loads(task)
    split, seed = _split_of(data["split"])
    found = training_part(dataset, data["groups"], split, seed)
    done = data.get("alter", ())
    return TrainingPart(
        train=altered(found.train, done), validation=altered(found.validation, done)
    )


def _chosen(part: TrainingPart, data: DataPayload) -> Images:
    return part.train.taken(_drawn(part.train.labels, data)) if "subset" in data else part.train


def _drawn(labels: np.ndarray, data: DataPayload) -> np.ndarray:
    """Positions of a subset's images among the training images of the task."""
    drawn, classes = data["subset"], len(data["groups"])
    seed = stream(drawn["seed"], drawn["role"], "subset")
    if "per_class" in drawn:
        return subset_per_class(labels, classes, drawn["per_class"], seed)
    return subset(labels, classes, drawn["images"], seed)


def _examples(images: Images, preprocessing: Json, datasets: Datasets) -> Examples:
    """Images as the bytes that they are, and how they are scaled."""
    return Examples(
        inputs=_channels_first(images.stored),
        labels=np.array(images.labels),  # a copy, because torch wants arrays it may write to
        at=images.at,
        scaling=scaling_for(preprocessing, datasets),
    )


def _channels_first(stored: np.ndarray | StreamedPixels) -> np.ndarray | StreamedPixels:
    """Arrays as PyTorch has them; image files stay as they are decoded."""
    return stored.transpose(0, 3, 1, 2) if isinstance(stored, np.ndarray) else stored


def scaling_for(preprocessing: Json, datasets: Datasets) -> Scaling:
    """From pixels to network inputs, with the statistics that the payload names."""
    if preprocessing["standardise"] == "network":
        return network_scaling(
            preprocessing["mean"],
            preprocessing["deviation"],
            preprocessing["channels"],
            preprocessing.get("order", "rgb"),
            1.0 if preprocessing["scale"] == "none" else 255.0,
        )
    standardiser = None
    if "measured_on" in preprocessing:
        standardiser = _standardiser(canonical_json(preprocessing), tuple(datasets.items()))
    return scaling_of(_spec(preprocessing), standardiser, preprocessing.get("channels"))


def _spec(preprocessing: Json) -> PreprocessingSpec:
    names = ("scale", "standardise", "floor")
    return PreprocessingSpec(**{n: preprocessing[n] for n in names if n in preprocessing})


@lru_cache(maxsize=4)
def _standardiser(
    preprocessing: str, datasets: tuple[tuple[str, DataRef], ...]
) -> Standardiser | None:
    payload = json.loads(preprocessing)
    data = payload["measured_on"]
    train = _chosen(training_images(data, dict(datasets)), data)
    return statistics(train, _spec(payload))
