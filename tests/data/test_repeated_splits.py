"""Repeated splits: test parts of seeds, dealt from all images of a task."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data import tasks
from headstart.data.images import Images
from headstart.data.repeated import dealt
from headstart.study.data_checks import _rarest
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.tasks import FOLDS, DataRef, SplitSpec, TaskSpec

SPLIT = SplitSpec(test="repeated", validation=0.25)
ALL = ((0,), (1,), (2,))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(FOLDS, 30), min_size=2, max_size=4), st.integers(0, 3))
def test_five_seeds_in_a_row_test_every_image_once(counts: list[int], deal: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    seeds = range(FOLDS * deal, FOLDS * deal + FOLDS)
    parts = [dealt(labels, len(counts), 0, seed) for seed in seeds]
    assert {len(part) for part in parts} == {len(labels) // FOLDS}
    every = np.concatenate(parts)
    assert len(np.unique(every)) == len(every) >= len(labels) - FOLDS + 1
    for label, count in enumerate(counts):
        shares = [int((labels[part] == label).sum()) for part in parts]
        # Parts lose an image each where there are a few too many.
        assert max(shares) <= -(-count // FOLDS)
        assert min(shares) >= count // FOLDS - 1


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(FOLDS, 25), min_size=2, max_size=4), st.integers(0, 9))
def test_every_seed_leaves_as_many_images_of_a_class_as_the_checks_count_on(
    counts: list[int], seed: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    kept = np.delete(labels, dealt(labels, len(counts), 0, seed))
    train, _ = tasks.split_indices(kept, len(counts), SPLIT, seed=seed)
    left = np.bincount(kept[train], minlength=len(counts))
    names = tuple(map(str, range(len(counts))))
    facts = DatasetFacts(
        name="x",
        content="",
        shape=(4, 4, 1),
        classes=names,
        train_counts=tuple(counts),
        test_counts=(0,) * len(counts),
    )
    task = TaskSpec(dataset="x", split=SPLIT)
    assert left[np.argmin(counts)] >= _rarest(task, facts)


def test_each_deal_and_each_seed_of_the_split_is_another() -> None:
    labels = np.arange(60) % 3
    parts = [dealt(labels, 3, split, seed).tolist() for split in (0, 1) for seed in (0, 5, 10)]
    assert len({tuple(part) for part in parts}) == 6
    assert dealt(labels, 3, 0, 7).tolist() == dealt(labels, 3, 0, 7).tolist()


@pytest.fixture
def data(tmp_path: Path) -> DataRef:
    """A set of 40 training and 20 test images, each of a grey of its own."""
    pixels = np.arange(60, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    labels = np.arange(60) % 3
    path = tmp_path / "set.npz"
    np.savez(path, x_train=pixels[:40], y_train=labels[:40], x_test=pixels[40:], y_test=labels[40:])
    return DataRef(dataset=str(path))


def greys(images: Images) -> list[int]:
    return [int(value) for value in images.pixels[:, 0, 0, 0]]


def test_parts_of_a_seed_conserve_all_images_published_test_images_included(data: DataRef) -> None:
    every = tasks.test_part(data, ALL, SPLIT)
    assert greys(every) == list(range(60))
    for seed in range(FOLDS):
        at = tasks.test_positions(data, ALL, SPLIT, seed)
        part = tasks.training_part(data, ALL, SPLIT, seed)
        train, validation = greys(part.train), greys(part.validation)
        tested = greys(every.taken(at))
        assert sorted([*train, *validation, *tested]) == list(range(60))
        assert (len(tested), len(validation)) == (12, 12)
        assert [int(label) for label in part.train.labels] == [grey % 3 for grey in train]
    assert any(grey >= 40 for grey in train)  # a published test image is trained on


def test_positions_are_those_among_the_images_of_the_classes_taken(data: DataRef) -> None:
    groups = ((2,), (0,))
    every = tasks.test_part(data, groups, SPLIT)
    at = tasks.test_positions(data, groups, SPLIT, 3)
    assert len(every) == 40
    assert {grey % 3 for grey in greys(every.taken(at))} == {0, 2}
    assert at.max() < 40


def test_validation_images_are_drawn_anew_for_each_seed(data: DataRef) -> None:
    parts = [greys(tasks.training_part(data, ALL, SPLIT, seed).validation) for seed in (0, 5)]
    assert parts[0] != parts[1]
