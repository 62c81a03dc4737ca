"""Labels of any kind, with classes by number and name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.core.names import in_a_row
from headstart.data.formats.npz_set import WIDEST

ClassNames = Sequence[str] | Mapping[int | str, str]
"""Names of classes: in the order of the labels' numbers, or by label."""
EXPECTED = "Expected whole numbers, names, or rows with a single 1 (one-hot)."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbered:
    """Classes and the labels of each part as indices among them (n,), int64."""

    classes: tuple[str, ...]
    parts: tuple[np.ndarray, ...]


def are_names(given: object) -> bool:
    """Whether names of classes are such, by number or by label."""
    return hasattr(given, "__getitem__")


def are_by_task(given: Any) -> bool:
    """Whether names of classes are given apart for each task."""
    return isinstance(given, Mapping) and not any(isinstance(one, str) for one in given.values())


def names_of(given: Any, task: str) -> ClassNames | None:
    """Names of the classes of a task: of all tasks alike, or by the name of the task."""
    if are_by_task(given):
        return given.get(task)  # type: ignore[no-any-return]
    return given if are_names(given) else None


def as_labels(given: np.ndarray, num_images: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels (n,) as int64 or text, and what was done to them.

    Raises:
        DataError: they are of another number than the images, missing, or no labels.
    """
    if given.ndim == 0 or len(given) != num_images:
        number = "one value" if given.ndim == 0 else f"{len(given):,} labels"
        raise DataError(f"{number} for {num_images:,} images. Expected one label for each.")
    if given.ndim == 2 and given.shape[1] > 1:
        return _from_one_hot(given), (f"labels one-hot: {given.shape[1]} columns",)
    if given.size != num_images:
        raise DataError(f"labels have the shape {given.shape}. {EXPECTED}")
    flat = given.reshape(-1)
    missing = [at for at, one in enumerate(flat.tolist()) if _is_missing(one)]
    if missing:
        raise DataError(
            f"{len(missing):,} of {num_images:,} labels are missing (None or NaN), the first at "
            f"{missing[0]}. Leave those images out."
        )
    return _plain(flat)


def _is_missing(label: object) -> bool:
    """Whether a label is None, NaN, or what pandas has in their place."""
    try:
        return label is None or bool(label != label)
    except TypeError:  # NA of pandas is neither equal nor not
        return True


def _plain(flat: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    kind = flat.dtype.kind
    if kind == "O":
        by_kind = {isinstance(one, str): one for one in flat}
        if len(by_kind) > 1:
            raise DataError(
                f"labels are names and numbers, such as {by_kind[True]!r} and {by_kind[False]!r}. "
                f"{EXPECTED}"
            )
        flat = np.asarray(flat.tolist())
        kind = flat.dtype.kind
    if kind == "S":
        return np.asarray(np.char.decode(flat, "utf-8")), ()
    if kind in "UT":
        return flat.astype(str), ()
    if kind == "b":
        return flat.astype(np.int64), ("labels False and True as 0 and 1",)
    if kind in "iu":
        return flat.astype(np.int64), ()
    if kind == "f" and (flat == np.rint(flat)).all() and abs(flat).max(initial=0) < WIDEST:
        return flat.astype(np.int64), ("labels are floats without fractions, as whole numbers",)
    raise DataError(f"labels are {flat.dtype}, such as {flat[0]!r}. {EXPECTED}")


def _from_one_hot(rows: np.ndarray) -> np.ndarray:
    """Column of the 1 in each row."""
    if rows.dtype.kind in "biuf":
        good = ((rows == 0) | (rows == 1)).all(1) & (rows.sum(1) == 1)
        if good.all():
            return np.asarray(rows.argmax(1), np.int64)
        bad = int(np.flatnonzero(~good)[0])
        raise DataError(
            f"labels have the shape {rows.shape}, and row {bad} is {rows[bad].tolist()[:8]}. "
            f"{EXPECTED}"
        )
    raise DataError(f"labels have the shape {rows.shape} of {rows.dtype}. {EXPECTED}")


def numbered(parts: Sequence[np.ndarray], names: ClassNames | None) -> Numbered:
    """Classes of the first part, and the labels of all parts as their numbers.

    Args:
        parts: labels to train on, and those to test with.
        names: of classes; without them they are called as their labels.

    Raises:
        DataError: there is one class only, a later part has another, or a class has no name.
    """
    known = np.unique(parts[0])
    if len({part.dtype.kind in "iu" for part in parts}) > 1:
        kinds = " and ".join("numbers" if part.dtype.kind in "iu" else "names" for part in parts)
        raise DataError(f"labels are {kinds}. Expected the same kind to train on and to test with.")
    if len(known) < 2:
        raise DataError(
            f"every label is {known.tolist()[0]!r}: 1 class. Expected images of at least 2 classes."
        )
    for part in parts[1:]:
        if unknown := sorted(set(np.unique(part).tolist()) - set(known.tolist())):
            raise DataError(
                f"test labels have {_in_row(unknown)}, which no training image has. Training "
                f"labels: {_in_row(known.tolist())}."
            )
    order, classes = _ordered(known, names)
    positions = np.argsort(order, kind="stable")
    found = [
        positions[np.searchsorted(order, part, sorter=positions)].astype(np.int64) for part in parts
    ]
    return Numbered(classes=classes, parts=tuple(found))


def _ordered(known: np.ndarray, names: ClassNames | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels in the order of their classes, and what those are called."""
    labels = known.tolist()
    if names is None or (not isinstance(names, Mapping) and len(names) == 0):
        return known, tuple(map(str, labels))
    if isinstance(names, Mapping):
        called = [names.get(label) for label in labels]
    elif known.dtype.kind in "iu":
        called = [names[label] if 0 <= label < len(names) else None for label in labels]
    else:
        missing = set(labels) - set(names)
        labels = [name for name in names if name in set(labels)] + sorted(missing)
        known = np.asarray(labels)
        called = [None if label in missing else label for label in labels]
    nameless = [label for label, name in zip(labels, called, strict=True) if name is None]
    if nameless:
        raise DataError(
            f"class_names has no name for {_in_row(nameless)}. "
            f"Expected one for each label: {in_a_row(_shown(names))}."
        )
    classes = tuple(map(str, called))
    if twice := sorted({name for name in classes if classes.count(name) > 1}):
        raise DataError(f"class_names names '{twice[0]}' twice. Expected distinct names.")
    return known, classes


def _in_row(labels: Sequence[object]) -> str:
    return in_a_row([repr(label) for label in labels])


def _shown(names: ClassNames) -> list[str]:
    if isinstance(names, Mapping):
        return [f"{label!r}: {name!r}" for label, name in names.items()]
    return [f"{number}: {name!r}" for number, name in enumerate(names)]
