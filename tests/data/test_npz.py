"""Arrays in one .npz: how they are spelt, what may be missing, and every fault by its name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_sets import alone as alone
from tiny_sets import ref

from headstart.core.errors import DataError
from headstart.data.datasets import facts_of, open_part
from headstart.data.formats.npz_set import saved_npz
from headstart.data.images import Images

pytestmark = pytest.mark.usefixtures("alone")

DRAW = np.random.default_rng(3)
TRAIN = DRAW.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
TEST = DRAW.integers(0, 256, (4, 4, 5, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def saved(path: Path, **arrays: Any) -> Path:
    """A file with these arrays; what is None is left out of a sound set."""
    sound = {"x_train": TRAIN, "y_train": LABELS, "x_test": TEST, "y_test": LABELS[:4]}
    given = {name: value for name, value in (sound | arrays).items() if value is not None}
    folder = path / "arrays"
    folder.mkdir(exist_ok=True)
    np.savez(folder / "set.npz", **given)
    return folder / "set.npz"


def test_arrays_as_they_are_saved(tmp_path: Path) -> None:
    data = ref(saved(tmp_path))
    train, test = open_part(data, "train"), open_part(data, "test")
    assert (train.pixels == TRAIN).all()
    assert (test.pixels == TEST).all()
    assert train.labels.tolist() == LABELS.tolist()
    facts = facts_of(data)
    assert facts.classes == ("0", "1", "2")
    assert facts.train_counts == (2, 2, 2)
    assert facts.test_counts == (2, 1, 1)
    assert facts.shape == (4, 5, 3)
    assert not facts.floats


def test_a_folder_with_one_file_and_the_file_are_one_data_set(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert facts_of(ref(path.parent)).content == facts_of(ref(path)).content
    (path.parent / "other.npz").write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"has 2 \.npz files \(other\.npz, set\.npz\), not one"):
        facts_of(ref(path.parent))


def test_the_spelling_of_medmnist_with_columns_of_labels(tmp_path: Path) -> None:
    column = LABELS[:, np.newaxis]
    arrays: dict[str, Any] = {"train_images": TRAIN, "train_labels": column, "val_images": TEST[:2]}
    arrays |= {"val_labels": column[:2], "test_images": TEST, "test_labels": column[:4]}
    np.savez(tmp_path / "set.npz", **arrays)
    train = open_part(ref(tmp_path / "set.npz"), "train")
    assert (train.pixels == np.concatenate([TRAIN, TEST[:2]])).all()
    assert train.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_validation_images_are_the_test_part_where_there_is_no_other(tmp_path: Path) -> None:
    path = saved(tmp_path, x_test=None, y_test=None, x_val=TEST, y_val=LABELS[:4])
    assert (open_part(ref(path), "test").pixels == TEST).all()
    facts = facts_of(ref(path))
    assert (facts.test_from, facts.place) == ("x_val", str(path))
    assert facts.values == (min(TRAIN.min(), TEST.min()), max(TRAIN.max(), TEST.max()))


def test_a_set_without_a_test_part(tmp_path: Path) -> None:
    path = saved_npz(tmp_path, Images(TRAIN.copy(), LABELS.copy()), ("a", "b", "c"))
    facts = facts_of(ref(path))
    assert facts.classes == ("a", "b", "c")
    assert facts.test_counts == (0, 0, 0)
    assert open_part(ref(path), "test").shape == (4, 5, 3)


def test_names_as_labels_are_sorted_and_names_of_numbers_are_given(tmp_path: Path) -> None:
    names = np.array(["wasp", "ant", "bee"])
    path = saved(tmp_path, y_train=names[LABELS], y_test=names[LABELS[:4]])
    assert facts_of(ref(path)).classes == ("ant", "bee", "wasp")
    assert open_part(ref(path), "train").labels.tolist() == [2, 0, 1, 2, 0, 1]
    path = saved(tmp_path, classes=names)
    assert facts_of(ref(path)).classes == ("wasp", "ant", "bee")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_are_not_quantised(tmp_path: Path, kind: type[np.floating]) -> None:
    pixels = DRAW.normal(size=(6, 4, 5)).astype(kind)
    path = saved(tmp_path, x_train=pixels, x_test=None, y_test=None)
    train = open_part(ref(path), "train")
    assert train.pixels.dtype == np.float32
    assert (train.pixels[..., 0] == pixels.astype(np.float32)).all()
    assert facts_of(ref(path)).floats


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x_train": TRAIN[:, 0]}, None),
        ({"x_train": TRAIN[0, :, :, 0]}, r"x_train: has the shape \(4, 5\)\..*\(images, height"),
        ({"x_train": TRAIN[..., :2]}, r"has the shape \(6, 4, 5, 2\).*1 or 3 channels"),
        ({"y_train": LABELS[:5]}, r"has 6 images, but y_train is \(5,\).*one label for each"),
        ({"y_train": np.eye(3)[LABELS]}, r"has 6 images, but y_train is \(6, 3\)"),
        ({"x_train": TRAIN.astype(np.int64)}, r"pixels of type int64\..*Expected uint8, or floats"),
        ({"x_train": TRAIN * np.float32("nan")}, "pixels that are not finite in float32"),
        ({"y_train": LABELS - 1}, r"labels: are int64 from -1 to 1\..*whole numbers from 0"),
        ({"y_train": LABELS / 2}, "labels: are float64 from 0.0 to 1.0"),
        ({"classes": ["a", "b"]}, r"from 0 to 2\..*whole numbers from 0 to 1"),
        ({"classes": ["a", "b", "a"]}, "classes: names a class twice"),
        ({"x_train": None}, r"has no x_train\."),
        ({"y_test": None}, r"has no y_test\."),
        ({"x_train": None, "y_train": None}, r"has no x_train, no y_train\."),
        ({"y_train": np.array(list("abcabc")), "y_test": np.array(list("abcd"))}, "'d' is none of"),
        ({"y_train": np.array(list("abcabc"), object)}, "cannot be read: Object arrays cannot"),
    ],
)
def test_faults(tmp_path: Path, arrays: dict[str, Any], text: str | None) -> None:
    path = saved(tmp_path, **arrays)
    if text is None:  # (n, height, width) of training images, another shape of test images
        text = r"training images are \(5, 3, 1\), test images are \(4, 5, 3\)"
    with pytest.raises(DataError, match=f"(?s){text}") as caught:
        facts_of(ref(path))
    assert str(path) in str(caught.value)


def test_other_arrays_are_listed(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=TRAIN, labels=LABELS)
    with pytest.raises(DataError, match=r"set\.npz: holds images, labels\.\n.*x_train and y_train"):
        facts_of(ref(tmp_path / "set.npz"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"no zip at all"])
def test_a_torn_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"(?s)set\.npz: cannot be read: .*get it again"):
        facts_of(ref(path))


def test_a_single_array_is_no_data_set(tmp_path: Path) -> None:
    with (tmp_path / "set.npz").open("wb") as file:
        np.save(file, TRAIN)
    with pytest.raises(DataError, match=r"set\.npz: "):
        facts_of(ref(tmp_path / "set.npz"))
