"""Tasks as arrays: merged classes, splits that keep every image once, nested subsets."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_sets import alone as alone
from tiny_sets import ref, write_set

from headstart.core.errors import DataError
from headstart.core.seeds import stream
from headstart.data import tasks
from headstart.data.datasets import open_part
from headstart.data.sampling import apportion
from headstart.data.tasks import (
    split_indices,
    subset,
    subset_per_class,
    training_part,
)
from headstart.study.tasks import SplitSpec

pytestmark = pytest.mark.usefixtures("alone")

COUNTS = st.lists(st.integers(1, 30), min_size=2, max_size=6)


def labels_of(counts: list[int], seed: int = 0) -> np.ndarray:
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(seed).permutation(labels)


@given(COUNTS, st.integers(0, 9), st.data())
def test_subsets_are_nested_distinct_and_the_same_again(
    counts: list[int], seed: int, data: st.DataObject
) -> None:
    labels, total = labels_of(counts, seed), sum(counts)
    small = data.draw(st.integers(0, total))
    large = data.draw(st.integers(small, total))
    chosen = subset(labels, len(counts), large, seed)
    assert len(chosen) == large == len(set(chosen.tolist()))
    assert (subset(labels, len(counts), small, seed) == chosen[:small]).all()
    assert (subset(labels, len(counts), large, seed) == chosen).all()


@given(COUNTS, st.integers(0, 9), st.data())
def test_subsets_are_stratified(counts: list[int], seed: int, data: st.DataObject) -> None:
    labels, total = labels_of(counts, seed), sum(counts)
    num = data.draw(st.integers(len(counts), total))
    drawn = np.bincount(labels[subset(labels, len(counts), num, seed)], minlength=len(counts))
    assert (drawn >= 1).all()
    # The first image of a class may come early; otherwise no class strays by more than the others
    # can push it.
    shares = np.array(counts) * num / total
    assert (np.abs(drawn - shares) <= len(counts)).all()


def test_the_order_of_a_subset_is_the_formula() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1])
    drawn = labels[subset(labels, 2, 6, 5)]
    # Positions: class 0 at 0, 1.5/4, 2.5/4, 3.5/4; class 1 at 0, 1.5/2.
    assert drawn.tolist() == [0, 1, 0, 0, 1, 0]


def test_a_subset_is_the_same_for_ever() -> None:
    # Other indices would make every old store useless.
    chosen = subset(np.arange(12) % 3, 3, 6, stream(3, "subset"))
    assert chosen.tolist() == [6, 4, 8, 0, 1, 11]


def test_another_seed_draws_other_images() -> None:
    labels = labels_of([50, 50])
    assert subset(labels, 2, 20, 1).tolist() != subset(labels, 2, 20, 2).tolist()


@given(COUNTS, st.integers(0, 9), st.data())
def test_subsets_per_class_are_nested_and_even(
    counts: list[int], seed: int, data: st.DataObject
) -> None:
    labels, num_classes = labels_of(counts, seed), len(counts)
    large = data.draw(st.integers(1, min(counts)))
    small = data.draw(st.integers(1, large))
    chosen = subset_per_class(labels, num_classes, large, seed)
    assert (np.bincount(labels[chosen], minlength=num_classes) == large).all()
    fewer = subset_per_class(labels, num_classes, small, seed)
    assert (fewer == chosen[: len(fewer)]).all()
    everything = subset(labels, num_classes, len(labels), seed)
    for index in range(num_classes):
        first = [image for image in everything if labels[image] == index][:large]
        assert [image for image in chosen if labels[image] == index] == first


def test_subsets_that_cannot_be_had() -> None:
    labels = np.array([0, 0, 0, 1])
    with pytest.raises(DataError, match="5 images are asked for, but there are 4"):
        subset(labels, 2, 5, 0)
    with pytest.raises(DataError, match="2 images per class are asked for, but class 1 has 1"):
        subset_per_class(labels, 2, 2, 0)


@given(COUNTS, st.data())
def test_shares_add_up_and_are_in_proportion(counts: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(counts)))
    drawn = apportion(counts, total)
    assert sum(drawn) == total
    assert all(0 <= share <= count for share, count in zip(drawn, counts, strict=True))
    room = sum(count - 1 for count in counts)
    if len(counts) <= total <= room:
        assert all(share >= 1 for share, count in zip(drawn, counts, strict=True) if count > 1)
    if total <= room:
        assert all(share < count for share, count in zip(drawn, counts, strict=True))


@pytest.mark.parametrize(
    ("counts", "total", "expected"),
    [
        ((10, 10, 10), 6, (2, 2, 2)),
        ((10, 10, 10), 4, (2, 1, 1)),
        ((6, 3, 1), 5, (3, 2, 0)),  # the only image of a class stays for training
        ((98, 2), 2, (1, 1)),
        ((5, 0), 2, (2, 0)),
        ((2, 2), 4, (2, 2)),
    ],
)
def test_shares_by_hand(counts: tuple[int, ...], total: int, expected: tuple[int, ...]) -> None:
    assert apportion(counts, total) == expected


@given(
    COUNTS,
    st.sampled_from(["stratified", "random", "head"]),
    st.integers(0, 3),
    st.floats(0.01, 0.9),
)
def test_splits_keep_every_image_once(
    counts: list[int], by: str, seed: int, validation: float
) -> None:
    split = SplitSpec.model_validate({"by": by, "seed": seed, "validation": validation})
    labels = labels_of(counts)
    if split.num_validation(len(labels)) >= len(labels):
        return
    train, held_out = split_indices(labels, len(counts), split)
    assert len(held_out) == split.num_validation(len(labels))
    assert sorted([*train, *held_out]) == list(range(len(labels)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(held_out) > 0).all()
    if by == "stratified":
        shares = apportion(counts, len(held_out))
        assert tuple(np.bincount(labels[held_out], minlength=len(counts))) == shares
    if by == "head":
        assert held_out.tolist() == list(range(len(held_out)))


def test_a_split_has_its_own_seed() -> None:
    labels = labels_of([40, 40])
    for by in ("random", "stratified"):
        drawn = [
            split_indices(
                labels, 2, SplitSpec.model_validate({"by": by, "seed": seed, "validation": 10})
            )[1].tolist()
            for seed in (0, 0, 1)
        ]
        assert drawn[0] == drawn[1] != drawn[2]


def test_a_split_that_takes_everything() -> None:
    with pytest.raises(DataError, match="4 of 4 images leaves none for training"):
        split_indices(np.array([0, 0, 1, 1]), 2, SplitSpec(validation=4))


def test_classes_are_merged_and_renumbered_in_the_published_order(tmp_path: Path) -> None:
    folder = str(write_set(tmp_path / "mine", [2, 0, 1, 2, 3, 1, 0, 2], [3, 2, 1, 0]))
    published = open_part(ref(folder), "train")
    groups = ((2,), (0, 3))
    part = training_part(ref(folder), groups, SplitSpec(by="head", validation=2))
    kept = [0, 1, 3, 4, 6, 7]
    assert part.validation.labels.tolist() == [0, 1]
    assert part.train.labels.tolist() == [0, 1, 1, 0]
    assert (part.validation.pixels == published.pixels[kept[:2]]).all()
    assert (part.train.pixels == published.pixels[kept[2:]]).all()
    test = tasks.test_part(ref(folder), groups, SplitSpec())
    assert test.labels.tolist() == [1, 0, 1]
    assert (test.pixels == open_part(ref(folder), "test").pixels[[0, 1, 3]]).all()


def test_all_classes_in_another_order(tmp_path: Path) -> None:
    folder = str(write_set(tmp_path / "mine", [0, 1, 1], [0, 1]))
    assert tasks.test_part(ref(folder), ((1,), (0,)), SplitSpec()).labels.tolist() == [1, 0]


def test_a_class_without_images(tmp_path: Path) -> None:
    folder = str(write_set(tmp_path / "mine", [0, 2, 0, 2], [1]))
    with pytest.raises(DataError, match="class 1 of the task has no training images") as caught:
        training_part(ref(folder), ((0,), (1,), (2,)), SplitSpec(validation=1))
    assert "Leave this class out" in str(caught.value)


def test_a_head_split_that_takes_a_whole_class(tmp_path: Path) -> None:
    folder = str(write_set(tmp_path / "mine", [0, 0, 1, 1, 1], [0, 1]))
    with pytest.raises(DataError, match="class 0 of the task has no training images") as caught:
        training_part(ref(folder), ((0,), (1,)), SplitSpec(by="head", validation=2))
    assert "split by 'stratified'" in str(caught.value)


def test_the_mini_set_divides_evenly() -> None:
    groups = tuple((index,) for index in range(10))
    part = training_part(ref("fashion-mini"), groups, SplitSpec())
    assert np.bincount(part.train.labels).tolist() == [900] * 10
    assert np.bincount(part.validation.labels).tolist() == [100] * 10
    assert not part.train.pixels.flags.writeable
