"""Tasks as arrays: merged classes, splits that keep every image once, nested subsets."""

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_sets import alone as alone
from tiny_sets import ref, write_set

from headstart.core.errors import DataError
from headstart.core.seeds import stream
from headstart.data import tasks
from headstart.data.draws import apportion
from headstart.data.images import Images, open_part
from headstart.data.tasks import (
    split_indices,
    subset,
    subset_per_class,
    training_part,
)
from headstart.spec.tasks import DataRef, SplitSpec

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


def _positions(images: Images, published: Images) -> list[int]:
    """Where images lie among the published ones; no two of those are alike."""
    at = {pixels.tobytes(): index for index, pixels in enumerate(published.pixels)}
    return [at[pixels.tobytes()] for pixels in images.pixels]


SPLITS = st.fixed_dictionaries(
    {
        "by": st.sampled_from(["stratified", "random", "head", "test"]),
        "validation": st.integers(0, 20) | st.floats(0.01, 0.5),
        "seed": st.integers(0, 3),
        "test": st.just("published") | st.floats(0.05, 0.5),
        "drop_last": st.integers(0, 3),
        "take": st.sampled_from([(0, 1), (0, 0.8), (0.25, 1)]),
    }
)
EVERY_FIFTH = tuple(((index,) if index != 3 else ()) for index in range(5))


@given(SPLITS)
def test_train_validation_and_test_are_disjoint_and_add_up(given_split: dict[str, Any]) -> None:
    split = SplitSpec.model_validate(given_split)
    data, published = _set_of_five()
    kept = np.flatnonzero(published.labels != 3)
    part = training_part(data, EVERY_FIFTH, split)
    test = tasks.test_part(data, EVERY_FIFTH, split)
    train = _positions(part.train, published)
    assert train == sorted(set(train))
    assert (part.train.labels == published.labels[train]).all()
    assert len(train) == split.num_left(len(kept))
    taken = kept[split.taken(len(kept))].tolist()
    if split.test == "published":
        rest: list[int] = []
        assert (test.pixels == _of_classes(data)).all()
    else:
        cut = split.num_test_cut(len(taken))
        rest = taken[len(taken) - cut :]
        assert _positions(test, published) == rest[: cut - split.drop_last]
    if split.by == "test":
        assert (part.validation.pixels == test.pixels).all()
        assert (part.validation.labels == test.labels).all()
        validation: list[int] = []
    else:
        validation = _positions(part.validation, published)
        assert len(validation) == split.num_validation(len(taken) - len(rest))
    assert sorted([*train, *validation, *rest]) == taken
    assert set(np.unique(part.train.labels)) <= {0, 1, 2, 4}


@lru_cache(maxsize=1)
def _set_of_five() -> tuple[DataRef, Images]:
    """300 images of five classes, no two alike."""
    labels = [index % 5 for index in range(300)]
    folder = write_set(Path(tempfile.mkdtemp(prefix="headstart-tests-")), labels, labels[:20])
    atexit.register(shutil.rmtree, folder)
    return ref(folder), open_part(ref(folder), "train")


def _of_classes(data: DataRef) -> np.ndarray:
    published = open_part(data, "test")
    kept: np.ndarray = published.pixels[published.labels != 3]
    return kept


def test_a_test_share_leaves_the_published_test_part_alone(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", [0, 1] * 10, [0, 1])
    for path in folder.glob("t10k-*"):
        path.write_bytes(b"torn")
    split = SplitSpec(by="head", validation=0, test=0.2, drop_last=1)
    published = open_part(ref(folder), "train")
    groups = ((0,), (1,))
    part = training_part(ref(folder), groups, split)
    assert (part.train.pixels == published.pixels[:16]).all()
    assert len(part.validation) == 0
    assert part.validation.pixels.shape == (0, 4, 5, 1)
    test = tasks.test_part(ref(folder), groups, split)
    assert (test.pixels == published.pixels[16:19]).all()
    with pytest.raises(DataError, match="is not an idx file"):
        tasks.test_part(ref(folder), groups, SplitSpec())


@pytest.mark.parametrize("by", ["stratified", "random", "head"])
def test_no_validation_images_at_all(tmp_path: Path, by: str) -> None:
    folder = write_set(tmp_path / "mine", [0, 1] * 10, [0, 1])
    split = SplitSpec.model_validate({"by": by, "validation": 0})
    part = training_part(ref(folder), ((0,), (1,)), split)
    assert len(part.train) == 20
    assert part.validation.pixels.shape == (0, 4, 5, 1)
    assert part.validation.labels.dtype == np.int64


def test_pixels_side_by_side_are_not_copied(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", [0, 1] * 10, [0, 1])
    published = open_part(ref(folder), "train")
    part = training_part(ref(folder), ((0,), (1,)), SplitSpec(by="head", validation=4))
    assert np.shares_memory(part.train.pixels, published.pixels)
    assert np.shares_memory(part.validation.pixels, published.pixels)


def test_original_labels_leave_gaps(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", [0, 1, 2] * 10, [0, 1, 2])
    groups = ((), (1,), (2,))
    part = training_part(ref(folder), groups, SplitSpec(validation=4))
    assert np.bincount(part.train.labels, minlength=3).tolist() == [0, 8, 8]
    assert np.bincount(part.validation.labels, minlength=3).tolist() == [0, 2, 2]
    assert tasks.test_part(ref(folder), groups, SplitSpec()).labels.tolist() == [1, 2]
    drawn = part.train.labels[subset(part.train.labels, 3, 2, 0)]
    assert sorted(drawn.tolist()) == [1, 2]
    per_class = part.train.labels[subset_per_class(part.train.labels, 3, 5, 0)]
    assert np.bincount(per_class, minlength=3).tolist() == [0, 5, 5]


def test_shares_skip_empty_classes() -> None:
    assert apportion((0, 98, 2, 0, 0), 2) == (0, 1, 1, 0, 0)


PAIR = ((0,), (1,))


@pytest.mark.parametrize(
    ("split", "text"),
    [
        (SplitSpec(test=0.1, drop_last=2), "split.drop_last: 2 of 2 test images leaves none."),
        (SplitSpec(test=0.97), "split.test: the share 0.97 of 20 images leaves none for training."),
        (SplitSpec(take=(0.5, 0.5)), "split.take: from 0.5 to 0.5 of 20 images are none."),
    ],
)
def test_cuts_that_take_everything(tmp_path: Path, split: SplitSpec, text: str) -> None:
    folder = write_set(tmp_path / "mine", [0, 1] * 10, [0, 1])
    with pytest.raises(DataError) as caught:
        (training_part if split.drop_last == 0 else tasks.test_part)(ref(folder), PAIR, split)
    assert str(caught.value).startswith(text)


def test_a_test_share_that_takes_a_whole_class(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", [0] * 10 + [1] * 5, [0, 1])
    with pytest.raises(DataError, match="class 1 of the task has no training images") as caught:
        training_part(ref(folder), ((0,), (1,)), SplitSpec(test=0.4))
    assert "The test part cut off takes them all" in str(caught.value)


def test_the_mini_set_divides_evenly() -> None:
    groups = tuple((index,) for index in range(10))
    part = training_part(ref("fashion-mini"), groups, SplitSpec())
    assert np.bincount(part.train.labels).tolist() == [900] * 10
    assert np.bincount(part.validation.labels).tolist() == [100] * 10
    assert not part.train.pixels.flags.writeable
