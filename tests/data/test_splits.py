"""Splits of a task: training, validation and test images apart, cuts, empty classes."""

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
from headstart.data import tasks
from headstart.data.datasets import Images, open_part
from headstart.data.sampling import apportion, subset, subset_per_class
from headstart.data.tasks import training_part
from headstart.study.tasks import DataRef, SplitSpec

pytestmark = pytest.mark.usefixtures("alone")


def _positions(images: Images, published: Images) -> list[int]:
    """Where images lie among the published ones; no two of those are alike."""
    at = {pixels.tobytes(): index for index, pixels in enumerate(published.pixels)}
    return [at[pixels.tobytes()] for pixels in images.pixels]


SPLITS = st.fixed_dictionaries(
    {
        "by": st.sampled_from(["stratified", "random", "head", "tail", "test"]),
        "validation": st.integers(0, 20) | st.floats(0.01, 0.5),
        "seed": st.integers(0, 3),
        "test": st.just("published") | st.floats(0.05, 0.5),
        "drop_last": st.integers(0, 3),
        "take": st.sampled_from([(0, 1), (0, 0.8), (0.25, 1)]),
    }
)
ALL_BUT_ONE = tuple(((index,) if index != 3 else ()) for index in range(5))


@given(SPLITS)
def test_train_validation_and_test_are_disjoint_and_add_up(given_split: dict[str, Any]) -> None:
    split = SplitSpec.model_validate(given_split)
    data, published = _set_of_five()
    kept = np.flatnonzero(published.labels != 3)
    part = training_part(data, ALL_BUT_ONE, split)
    test = tasks.test_part(data, ALL_BUT_ONE, split)
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


@pytest.mark.parametrize("by", ["stratified", "random", "head", "tail"])
def test_no_validation_images_at_all(tmp_path: Path, by: str) -> None:
    folder = write_set(tmp_path / "mine", [0, 1] * 10, [0, 1])
    split = SplitSpec.model_validate({"by": by, "validation": 0})
    part = training_part(ref(folder), ((0,), (1,)), split)
    assert len(part.train) == 20
    assert part.validation.pixels.shape == (0, 4, 5, 1)
    assert part.validation.labels.dtype == np.int64


def test_the_tail_validates_so_that_the_first_images_train(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", [0, 1] * 10, [0, 1])
    part = training_part(ref(folder), ((0,), (1,)), SplitSpec(by="tail", validation=4))
    published = open_part(ref(folder), "train")
    assert np.array_equal(part.train.pixels, published.pixels[:16])
    assert np.array_equal(part.validation.pixels, published.pixels[16:])


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
