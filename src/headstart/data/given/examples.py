"""Images and labels of whatever holds them in memory, as two arrays; no library is imported.

    (x, y)                  arrays of NumPy, tensors of PyTorch or TensorFlow, lists of images
    torch Dataset           items (image, label); a DataLoader stands for its data set
    tf.data.Dataset         elements (image, label), in batches or one by one
    Hugging Face dataset    a column of images and one of labels

Each is known by the methods that it has. What gives its examples one by one is read once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.core.names import in_a_row

ACCEPTED = (
    "Expected (x, y) of arrays or tensors, a torch Dataset, a tf.data or Hugging Face dataset, a "
    "data frame with paths, or the path of a folder."
)
IMAGES = ("image", "img", "images", "pixel_values", "x")
LABELS = ("label", "labels", "fine_label", "target", "class", "y")
INFINITE = -1  # what tf.data gives as the number of elements of a data set without an end


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """Images and labels as they were given.

    Attributes:
        images: in any order of axes.
        labels: of any kind.
        names: of classes by their number, where what was given says them.
        notes: how they were read, where that is worth a sentence.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def examples_of(given: Any) -> Examples:
    """Images and labels of what was given, read once.

    Raises:
        DataError: it is nothing that holds images with labels.
    """
    if is_pair(given):
        return Examples(images=array_of(given[0]), labels=array_of(given[1]))
    if hasattr(given, "as_numpy_iterator"):
        return _of_tensorflow(given)
    if hasattr(given, "features") and hasattr(given, "column_names"):
        return _of_columns(given)
    if hasattr(given, "dataset") and hasattr(given, "batch_size"):
        return examples_of(given.dataset)
    if len(getattr(given, "tensors", ())) == 2:  # TensorDataset: its arrays, without a loop
        return examples_of(tuple(given.tensors))
    if hasattr(given, "__iter__") and not _is_plain(given):
        return _of_items(iter(given), given)
    if hasattr(given, "__getitem__") and hasattr(given, "__len__") and not _is_plain(given):
        return _of_items((given[index] for index in range(len(given))), given)
    raise DataError(f"got {type(given).__name__}. {ACCEPTED}")


def is_pair(given: object) -> bool:
    """Whether something is images and labels in two pieces."""
    return isinstance(given, tuple | list) and len(given) == 2


def array_of(given: Any) -> np.ndarray:
    """An array of NumPy of what is like one: a tensor, a column, a list of images.

    Raises:
        DataError: images of a list have different shapes.
    """
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        return np.asarray((given.float() if "bfloat16" in str(given.dtype) else given).numpy())
    for method in ("to_numpy", "numpy"):
        if callable(getattr(given, method, None)):
            return np.asarray(getattr(given, method)())
    if isinstance(given, list | tuple) and len(given) and hasattr(given[0], "shape"):
        return _stacked([array_of(one) for one in given])
    if isinstance(given, list | tuple) and len(given) and hasattr(given[0], "getbands"):  # Pillow
        return _stacked([np.asarray(one) for one in given])
    try:
        # NumPy would make the text 'nan' of a number that is missing among names.
        named = isinstance(given, list | tuple) and any(isinstance(one, str) for one in given)
        return np.asarray(given, object if named else None)
    except ValueError as error:
        raise DataError(f"is a {type(given).__name__} that is no array: {error}.") from None


def _is_plain(given: object) -> bool:
    return isinstance(given, str | bytes | Mapping | np.ndarray | list | tuple)


def _stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of one shape as one.

    Raises:
        DataError: they have several, or there are none.
    """
    if not arrays:
        return np.empty(0)
    shapes = dict.fromkeys(array.shape for array in arrays)
    if len(shapes) > 1:
        some = in_a_row([str(shape) for shape in shapes][:3])
        raise DataError(
            f"images have several shapes: {some}. Expected one for all: "
            "resize them, or give paths of image files, which a study resizes."
        )
    return np.stack(arrays)


def _of_items(items: Iterator[Any], given: Any) -> Examples:
    """Items (image, label, ...), one by one."""
    images, labels = [], []
    for item in items:
        image, label = _halves(item, type(given).__name__)
        images.append(np.asarray(image) if hasattr(image, "getbands") else array_of(image))
        labels.append(np.asarray(array_of(label)).reshape(-1))
    names = getattr(given, "classes", ())
    return Examples(
        images=_stacked(images),
        labels=_labels(labels),
        names=tuple(map(str, names)) if isinstance(names, list | tuple) else (),
        notes=(_once(given, len(images)),),
    )


def _labels(labels: Sequence[np.ndarray]) -> np.ndarray:
    """One label a row; a row of one is a number or a name."""
    if len({one.dtype.kind == "U" for one in labels}) > 1:
        labels = [one.astype(object) for one in labels]
    stacked = _stacked(labels)
    return stacked.reshape(-1) if stacked.ndim == 2 and stacked.shape[1] == 1 else stacked


def _halves(item: Any, kind: str) -> tuple[Any, Any]:
    """Image and label of an item."""
    if isinstance(item, Mapping):
        return item[_column(item, IMAGES, kind)], item[_column(item, LABELS, kind)]
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    raise DataError(f"an item of the {kind} is {type(item).__name__}. Expected (image, label).")


def _column(names: Iterable[str], known: Sequence[str], kind: str) -> str:
    """The first known name among some.

    Raises:
        DataError: there is none.
    """
    for name in known:
        if name in names:
            return name
    raise DataError(
        f"the {kind} has {in_a_row(list(names))}. Expected one of {in_a_row(known)} in it, or give "
        "(x, y)."
    )


def _of_tensorflow(given: Any) -> Examples:
    """Elements of a tf.data data set, in batches or one by one."""
    if callable(getattr(given, "cardinality", None)) and int(given.cardinality()) == INFINITE:
        raise DataError("the tf.data dataset has no end (repeat()). Take a part: dataset.take(n).")
    elements = (_halves(one, "tf.data dataset") for one in given.as_numpy_iterator())
    first = next(elements, None)
    if first is None:
        return Examples(images=np.empty(0), labels=np.empty(0))
    images, labels = zip(*chain([first], elements), strict=True)
    if _is_batch(*map(np.asarray, first)):
        images, labels = (
            tuple(one for batch in part for one in batch) for part in (images, labels)
        )
    return Examples(
        images=_stacked([np.asarray(image) for image in images]),
        labels=_labels([np.asarray(label).reshape(-1) for label in labels]),
        names=tuple(map(str, getattr(given, "class_names", ()))),
        notes=(_once(given, len(images)),),
    )


def _is_batch(images: np.ndarray, labels: np.ndarray) -> bool:
    """Whether an element holds many: as many labels as images, and images of two axes or more."""
    return (
        labels.ndim > 0
        and images.ndim > 2
        and len(images) == len(labels)
        and (images.ndim == 4 or labels.ndim == 2 or len(images) not in (1, 3))
    )


def _of_columns(given: Any) -> Examples:
    """A data set of Hugging Face: its features say which column holds what."""
    features = given.features or {}
    names = list(given.column_names or ())
    kinds = {name: type(feature).__name__ for name, feature in features.items()}
    image = next((name for name, kind in kinds.items() if kind == "Image"), None)
    label = next((name for name, kind in kinds.items() if kind == "ClassLabel"), None)
    image = image or _column(names, IMAGES, "dataset")
    label = label or _column(names, LABELS, "dataset")
    rows = [(row[image], row[label]) for row in given]
    known = getattr(features.get(label), "names", None)
    return Examples(
        images=array_of([one for one, _ in rows]),
        labels=array_of([one for _, one in rows]),
        names=tuple(map(str, known or ())),
        notes=(f"columns '{image}' and '{label}'", _once(given, len(rows))),
    )


def _once(given: Any, number: int) -> str:
    return f"{number:,} images read once from {type(given).__name__}, as it gave them"
