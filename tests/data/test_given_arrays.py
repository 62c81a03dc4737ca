"""Arrays and data sets in memory: every kind that is taken, what is said of it, what is refused."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from headstart.core.errors import DataError
from headstart.data.given.examples import examples_of
from headstart.data.given.labels import as_labels, numbered
from headstart.data.given.pixels import as_pixels

BYTES = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
LABELS = np.array([3, 1, 3, 1, 1, 3])


class Items(Dataset[tuple[Any, int]]):
    """A data set of PyTorch with pictures, as torchvision's folders give them."""

    classes = ("cat", "dog", "eel", "fox")

    def __len__(self) -> int:
        return len(BYTES)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return Image.fromarray(BYTES[index]), int(LABELS[index])


class Elements:
    """What tf.data gives, in batches or one by one; `cardinality` is -1 without an end."""

    def __init__(self, batch: int = 0, cardinality: int = 6) -> None:
        self._batch, self._cardinality = batch, cardinality

    def cardinality(self) -> int:
        return self._cardinality

    def as_numpy_iterator(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for at in range(0, 6, self._batch or 1):
            part = slice(at, at + self._batch) if self._batch else at
            yield BYTES[part], LABELS[part]


class ClassLabel:
    names = ("cat", "dog", "eel", "fox")


class Columns:
    """What a data set of Hugging Face has: features by column, and rows by number."""

    def __init__(self, image: str = "picture") -> None:
        self.features: dict[str, Any] = {"id": object(), "kind": ClassLabel()}
        self.column_names = ["id", image, "kind"]
        self._image = image

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for at, label in enumerate(LABELS.tolist()):
            yield {"id": at, self._image: Image.fromarray(BYTES[at]), "kind": label}


class Stream:
    """Items without a number, each of which comes once."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter([{"image": BYTES[at], "label": LABELS[at]} for at in range(6)])


class Rows(IterableDataset[tuple[Any, Any]]):
    """A data set of PyTorch that gives its items in order alone, and knows how many."""

    def __init__(self, items: Iterable[tuple[Any, Any]]) -> None:
        self._items = list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return iter(self._items)


TENSORS = torch.from_numpy(BYTES.copy()), torch.from_numpy(LABELS)
KINDS: dict[str, Any] = {
    "arrays": (BYTES, LABELS),
    "lists": (BYTES.tolist(), LABELS.tolist()),
    "list of arrays": (list(BYTES), list(LABELS)),
    "list of pictures": ([Image.fromarray(one) for one in BYTES], LABELS),
    "tensors": TENSORS,
    "TensorDataset": TensorDataset(*TENSORS),
    "Dataset": Items(),
    "DataLoader": DataLoader(TensorDataset(*TENSORS), batch_size=4, shuffle=True),
    "tf.data": Elements(),
    "tf.data in batches": Elements(batch=4),
    "Hugging Face": Columns("image"),
    "stream": Stream(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_images_and_labels(kind: str) -> None:
    found = examples_of(KINDS[kind])
    pixels = as_pixels(found.images, None)
    labels, _ = as_labels(found.labels, len(found.images))
    assert (pixels.array == BYTES[..., None]).all()
    assert pixels.array.dtype == np.uint8
    assert labels.tolist() == LABELS.tolist()
    has_names = kind in ("Dataset", "Hugging Face")
    assert found.names == (("cat", "dog", "eel", "fox") if has_names else ())


@pytest.mark.parametrize(
    "given",
    [
        (BYTES, ["cat", float("nan"), "cat", "dog", "dog", "cat"]),
        Rows(zip(BYTES, ["cat", float("nan"), "cat", "dog", "dog", "cat"], strict=True)),
    ],
)
def test_a_missing_name_is_not_the_name_nan(given: Any) -> None:
    with pytest.raises(DataError, match=r"1 of 6 labels are missing.* the first at 1"):
        as_labels(examples_of(given).labels, 6)


def test_a_stream_that_knows_its_length_is_read_in_its_order() -> None:
    # A data set of PyTorch has __getitem__ even where it can only be iterated.
    assert (examples_of(Rows(zip(BYTES, LABELS, strict=True))).images == BYTES).all()


def test_what_is_read_once_is_said() -> None:
    assert examples_of(Items()).notes == ("6 images read once from Items, as it gave them",)
    assert examples_of(Columns("img")).notes[0] == "columns 'img' and 'kind'"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (7, "got int. Expected \\(x, y\\)"),
        ({"x": 1}, "got dict. Expected \\(x, y\\)"),
        (Elements(cardinality=-1), "has no end \\(repeat\\(\\)\\). Take a part"),
        (([np.zeros((2, 2)), np.zeros((3, 2))], [0, 1]), "several shapes: \\(2, 2\\), \\(3, 2\\)"),
        (Columns("scan"), "has id, scan, kind. Expected one of image, img"),
        ([1, 2, 3], "got list"),
    ],
)
def test_what_holds_no_images_is_refused(given: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        examples_of(given)


@pytest.mark.parametrize(
    ("shape", "model", "becomes", "said"),
    [
        ((9, 8, 7), None, (9, 8, 7, 1), ""),
        ((9, 8, 7, 3), None, (9, 8, 7, 3), ""),
        ((9, 3, 8, 7), None, (9, 8, 7, 3), "channels were first; put last"),
        ((9, 1, 8, 7), None, (9, 8, 7, 1), "channels were first; put last"),
        ((9, 1, 8, 1), (1, 8, 1), (9, 1, 8, 1), ""),
        ((9, 16), (4, 4, 1), (9, 4, 4, 1), "rows of 16 numbers as images of 4 x 4 x 1, the"),
        ((9, 16), (4, 4), (9, 4, 4, 1), "rows of 16 numbers as images of 4 x 4, the model's"),
        ((9, 16), (16,), (9, 1, 16, 1), "rows of 16 numbers, as the model takes"),
        ((9, 15), (None,), (9, 1, 15, 1), "rows of 15 numbers, as the model takes"),
    ],
)
def test_axes_of_images(
    shape: tuple[int, ...], model: Any, becomes: tuple[int, ...], said: str
) -> None:
    given = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape).astype(np.uint8)
    found = as_pixels(given, model)
    assert found.array.shape == becomes
    assert not said or found.notes[0].startswith(said)
    if shape[1] == 3:
        assert (found.array == np.moveaxis(given, 1, -1)).all()


@pytest.mark.parametrize(
    ("given", "model", "said"),
    [
        (np.zeros((0, 4, 4)), None, "is empty: \\(0, 4, 4\\)"),
        (np.zeros((9, 3, 8, 3)), None, "channels may be in front or at the end"),
        (np.zeros((9, 8, 7, 4)), None, "neither 1 nor 3 channels"),
        (np.zeros((9, 16)), None, "images of 4 x 4 are x.reshape\\(-1, 4, 4\\)"),
        (np.zeros((9, 15)), None, "images are x.reshape\\(-1, height, width\\)"),
        (np.zeros((9, 16)), (17,), "rows of 16 numbers, and the model takes rows of 17"),
        (np.zeros(9), None, "has the shape \\(9,\\)"),
        (np.full((9, 4, 4), -1), None, "whole numbers from -1 to -1"),
        (np.array([[["a"]]]), None, "holds values of type <U1"),
        (np.array([np.zeros((2, 2)), np.full((2, 2), np.nan)]), None, "NaN in 1 of 2 images.* 1"),
        (np.full((2, 2, 2), 1e300), None, "too large for float32 in 2 of 2"),
    ],
)
def test_arrays_that_are_no_images(given: np.ndarray, model: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        as_pixels(given, model)


@pytest.mark.parametrize(
    ("scale", "shift", "said"),
    [
        (1 / 255, 0.0, "floats from 0 to 1 (a scale of 0 to 1), given to networks as they are"),
        (2 / 255, -1.0, "floats from -1 to 1 (a scale of -1 to 1), given to networks as they are"),
        (1.0, 0.0, "floats from 0 to 255, given to networks as they are: not divided by 255, as "),
        (1.0, 7.0, "floats from 7 to 262, given to networks as they are"),
    ],
)
def test_floats_are_never_rescaled_and_their_range_is_said(
    scale: float, shift: float, said: str
) -> None:
    given = np.linspace(0, 255, 64).reshape(4, 4, 4) * scale + shift
    found = as_pixels(given, None)
    assert found.notes[0].startswith(said)
    assert (found.array[..., 0] == given.astype(np.float32)).all()


def test_whole_numbers_are_bytes_and_truth_values_are_floats() -> None:
    whole = as_pixels(BYTES.astype(np.int64), None)
    assert whole.array.dtype == np.uint8
    assert "int64 from" in whole.notes[0]
    assert as_pixels(BYTES > 9, None).array.dtype == np.float32


@pytest.mark.parametrize(
    ("given", "becomes", "said"),
    [
        (np.array([[2], [0]]), [2, 0], ""),
        (np.array([2.0, 0.0]), [2, 0], "labels are floats without fractions, as whole numbers"),
        (np.array([True, False]), [1, 0], "labels False and True as 0 and 1"),
        (np.array(["b", "a"], object), ["b", "a"], ""),
        (np.array([b"b", b"a"]), ["b", "a"], ""),
        (np.eye(3)[[2, 0]], [2, 0], "labels one-hot: 3 columns"),
    ],
)
def test_labels_of_every_kind(given: np.ndarray, becomes: list[Any], said: str) -> None:
    labels, notes = as_labels(given, 2)
    assert labels.tolist() == becomes
    assert "".join(notes) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.array([1, 2, 3]), "3 labels for 2 images. Expected one label for each"),
        (np.array(1), "one value for 2 images"),
        (np.array([1.0, np.nan]), "1 of 2 labels are missing \\(None or NaN\\), the first at 1"),
        (np.array([None, "a"], object), "1 of 2 labels are missing"),
        (np.array([pd.NA, 1], object), "1 of 2 labels are missing"),
        (np.array([1, "1"], object), "labels are names and numbers, such as '1' and 1"),
        (np.array([0.5, 1.0]), "labels are float64, such as .*0.5"),
        (np.array([[0.2, 0.8], [0, 1]]), "row 0 is \\[0.2, 0.8\\]. Expected whole numbers, names"),
        (np.array([["a", "b"], ["c", "d"]]), "labels have the shape \\(2, 2\\) of <U1"),
        (np.zeros((2, 1, 2)), "labels have the shape \\(2, 1, 2\\)"),
    ],
)
def test_labels_that_are_none(given: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=said):
        as_labels(given, 2)


@pytest.mark.parametrize(
    ("train", "names", "classes", "indices"),
    [
        ([9, 5, 9], None, ("5", "9"), [1, 0, 1]),
        (["b", "a", "b"], None, ("a", "b"), [1, 0, 1]),
        ([1, 0, 1], ["ant", "bee"], ("ant", "bee"), [1, 0, 1]),
        ([9, 5, 9], {5: "five", 9: "nine"}, ("five", "nine"), [1, 0, 1]),
        (["b", "a", "b"], ["b", "a"], ("b", "a"), [0, 1, 0]),
        (["b", "a", "b"], {"b": "bee", "a": "ant"}, ("ant", "bee"), [1, 0, 1]),
    ],
)
def test_classes_are_numbered_and_named(
    train: list[Any], names: Any, classes: tuple[str, ...], indices: list[int]
) -> None:
    found = numbered([np.array(train), np.array(train[:2])], names)
    assert found.classes == classes
    assert [part.tolist() for part in found.parts] == [indices, indices[:2]]


@pytest.mark.parametrize(
    ("parts", "names", "said"),
    [
        ([[4, 4]], None, "every label is 4: 1 class"),
        ([[0, 1], [0, 2]], None, "test labels have 2, which no training image has.* 0, 1"),
        ([[0, 1], ["a", "b"]], None, "labels are numbers and names"),
        ([[0, 5]], ["a", "b"], "class_names has no name for 5.* 0: 'a', 1: 'b'"),
        ([["a", "c"]], ["a", "b"], "class_names has no name for 'c'"),
        ([[0, 1]], {0: "a"}, "class_names has no name for 1"),
        ([[0, 1]], ["a", "a"], "class_names names 'a' twice"),
    ],
)
def test_classes_that_do_not_fit(parts: list[list[Any]], names: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        numbered([np.array(part) for part in parts], names)
