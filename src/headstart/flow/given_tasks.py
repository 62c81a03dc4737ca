"""Images with labels as they are in memory, as a task of a study: kept in the cache by content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import DataError, Problem
from headstart.core.files import cache_folder
from headstart.data.catalogue import KNOWN
from headstart.data.dealing import TEST_SHARE, dealt_test, units_of
from headstart.data.find import is_path
from headstart.data.formats.npz_set import saved_npz
from headstart.data.given.examples import Examples, array_of, examples_of, is_pair
from headstart.data.given.labels import ClassNames, as_labels, numbered
from headstart.data.given.pixels import Pixels, Sides, as_pixels
from headstart.data.images import Images
from headstart.flow.frames import Frame, is_frame, saved_table
from headstart.study.network_facts import Shape
from headstart.study.photo_study import FEWEST_TESTED, VALIDATION
from headstart.study.tasks import FOLDS

FOLDER = "arrays"
"""Below the cache, where arrays that were in memory are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTask:
    """A task in the words of a study.

    Attributes:
        table: as `[tasks.NAME]` has it.
        image: (height, width, channels); None for files, whose size the study says.
        notes: what was given, and what was done to it.
    """

    table: dict[str, Any]
    image: Shape | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is said of a task besides its images.

    Attributes:
        name: of the task.
        test: images to test with, of any kind; None for a part of the others.
        labels: of image files, the table of their labels.
        class_names: of its labels.
        sides: the input of the model that the images are for.
        is_target: whether arms are compared on it; a test part for each seed is for these.
    """

    name: str
    test: Any = None
    labels: str | None = None
    class_names: ClassNames | None = None
    sides: Sides | None = None
    is_target: bool = False


def is_data(given: object) -> bool:
    """Whether something is images with labels, or says where they lie; else it is a network."""
    if isinstance(given, str):
        return given in KNOWN or is_path(given)
    if isinstance(given, PathLike) or is_frame(given):
        return True
    if is_pair(given):
        return not all(isinstance(one, str) for one in given)  # type: ignore[attr-defined]
    methods = ("as_numpy_iterator", "column_names", "dataset")
    items = hasattr(given, "__getitem__") and not callable(given)
    return any(hasattr(given, name) for name in methods) or (
        items and not isinstance(given, Mapping | tuple | list)
    )


def task_of(given: Any, asked: Asked) -> tuple[GivenTask | None, list[Problem]]:
    """The task of what was given, or what is wrong with it.

    Paths and data frames stay files; all else is read once and kept as arrays.
    """
    given, asked = _with_test(given, asked)
    frame = _frame_of(given)
    if frame is not None or isinstance(given, str | PathLike):
        return _of_files(given if frame is None else frame, asked)
    return _of_arrays(given, asked)


def _with_test(given: Any, asked: Asked) -> tuple[Any, Asked]:
    """Images to test with, where they come along, as in `mnist.load_data()`."""
    train, test = None, None
    if is_pair(given) and all(isinstance(one, tuple | list) and len(one) == 2 for one in given):
        inner = given[0][0]
        if hasattr(inner, "shape") and len(inner.shape) > 1:
            train, test = given
    elif isinstance(given, Mapping) and "train" in given:  # as Hugging Face's DatasetDict
        train = given["train"]
        test = next((given[name] for name in ("test", "validation") if name in given), None)
    if train is None:
        return given, asked
    if test is not None and asked.test is not None:
        raise DataError("brings a test part, and test= gives another. Leave one of them out.")
    return train, asked if test is None else replace(asked, test=test)


def _frame_of(given: Any) -> Frame | None:
    """A data frame, or lists of paths and labels as one."""
    if is_frame(given) and not hasattr(given, "column_names"):
        return given
    if not is_pair(given) or hasattr(given[0], "detach"):
        return None
    first = given[0]
    paths = list(first) if isinstance(first, list | tuple) or getattr(first, "ndim", 0) == 1 else []
    if not paths or not all(isinstance(one, str | PathLike) for one in paths):
        return None
    return _Columns(path=[fspath(one) for one in paths], label=array_of(given[1]).tolist())


class _Columns(dict[str, Any]):
    """Columns by name, as a frame."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self)


def _of_files(
    given: str | PathLike[str] | Frame, asked: Asked
) -> tuple[GivenTask | None, list[Problem]]:
    problems = []
    if asked.test is not None:
        problems.append(
            Problem(
                where="test" if asked.is_target else "source_test",
                message="goes with arrays, and these are files.",
                fix="Say in a column 'split' of the table which rows test, or put those images "
                "into a folder test/.",
            )
        )
    if asked.class_names is not None:
        problems.append(
            Problem(
                where="class_names",
                message="goes with arrays, and these are files, whose folders or labels name them.",
            )
        )
    try:
        place = str(saved_table(given, alone=True) if is_frame(given) else fspath(given))  # type: ignore[arg-type]
    except DataError as error:
        problems.append(Problem(where=asked.name, message=str(error)))
    if problems:
        return None, problems
    labels = {} if asked.labels is None else {"labels": asked.labels}
    return GivenTask(table={"dataset": place, **labels, "split": {"validation": VALIDATION}}), []


def _of_arrays(given: Any, asked: Asked) -> tuple[GivenTask | None, list[Problem]]:
    problems: list[Problem] = []
    if asked.labels is not None:
        message = (
            "is a table of files, and the target is arrays, which have their labels with them."
        )
        problems.append(Problem(where="labels", message=message))
    test_word = "test" if asked.is_target else f"{asked.name}_test"
    train = _read(given, asked.name, asked.sides, problems)
    test = None if asked.test is None else _read(asked.test, test_word, asked.sides, problems)
    if train is None or problems:
        return None, problems
    if test is not None:
        problems += _unlike(train, test, test_word)
    parts = [train.labels, *([test.labels] if test is not None else [])]
    names = asked.class_names if asked.class_names is not None else train.names or None
    try:
        found = numbered(parts, names)
    except DataError as error:
        problems.append(Problem(where=asked.name, message=str(error)))
    if problems:
        return None, problems
    images = Images(train.pixels, found.parts[0])
    if test is not None:
        tested = Images(test.pixels, found.parts[1])
        return _kept(images, tested, found.classes, {}, (*train.notes, *_of_test(test.notes))), []
    return _dealt(images, found.classes, train.notes, asked), []


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    pixels: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    notes: tuple[str, ...]


def _read(given: Any, word: str, sides: Sides | None, problems: list[Problem]) -> _Part | None:
    """Images and labels of one part; what is wrong joins the problems."""
    try:
        examples: Examples = examples_of(given)
    except DataError as error:
        problems.append(Problem(where=word, message=str(error)))
        return None
    pixels: Pixels | None = None
    try:
        pixels = as_pixels(examples.images, sides)
    except DataError as error:
        problems.append(Problem(where=f"{word}, images", message=str(error)))
    try:
        labels, of_labels = as_labels(examples.labels, len(examples.images))
    except DataError as error:
        problems.append(Problem(where=f"{word}, labels", message=str(error)))
        return None
    if pixels is None:
        return None
    notes = (*examples.notes, *pixels.notes, *of_labels)
    return _Part(pixels=pixels.array, labels=labels, names=examples.names, notes=notes)


def _unlike(train: _Part, test: _Part, word: str) -> list[Problem]:
    """What the images to test with have otherwise than those to train on."""
    found = []
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        found.append(
            f"has images of {test.pixels.shape[1:]}, and training images are "
            f"{train.pixels.shape[1:]}. Expected one shape."
        )
    if train.pixels.dtype != test.pixels.dtype:
        kinds = {"u": "bytes", "f": "floats"}
        found.append(
            f"has {kinds[test.pixels.dtype.kind]}, and training images are "
            f"{kinds[train.pixels.dtype.kind]}. Expected the same preparation of both."
        )
    return [Problem(where=word, message=message) for message in found]


def _of_test(notes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"test part: {note}" for note in notes)


def _dealt(
    images: Images, classes: tuple[str, ...], notes: tuple[str, ...], asked: Asked
) -> GivenTask:
    """A task without a test part: one is dealt by the bytes of its images, as of image files."""
    counts = np.bincount(images.labels)
    if asked.is_target and len(images) < FOLDS * FEWEST_TESTED and counts.min() >= FOLDS:
        note = "no test images: each seed tests another fifth of these"
        return _kept(images, None, classes, {"test": "repeated"}, (*notes, note))
    hashes = [hashlib.sha256(image.tobytes()).hexdigest() for image in images.pixels]
    tests = dealt_test(units_of(hashes), images.labels)
    note = f"no test images: about {TEST_SHARE:.0%} of these test, dealt by their bytes"
    kept, tested = (images.taken(np.flatnonzero(side)) for side in (~tests, tests))
    return _kept(kept, tested, classes, {}, (*notes, note))


def _kept(
    train: Images,
    test: Images | None,
    classes: tuple[str, ...],
    split: dict[str, Any],
    notes: tuple[str, ...],
) -> GivenTask:
    path: Path = saved_npz(cache_folder().absolute() / FOLDER, train, classes, test)
    height, width, channels = train.shape
    return GivenTask(
        table={"dataset": str(path), "split": {"validation": VALIDATION, **split}},
        image=(height, width, channels),
        notes=notes,
    )
