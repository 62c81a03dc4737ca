"""Sets of samples by the way they were selected, so that overlaps can be proved.

A path begins with an origin and goes on with selections: a part, a slice, a mask, one side of a
split. Two paths overlap for certain where one begins with the other.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal, TypeAlias

Path: TypeAlias = tuple[Hashable, ...]
Holds: TypeAlias = Literal["images", "labels", "both"]

RAW_SETS = frozenset({"mnist", "fashion_mnist", "cifar10", "cifar100"})
"""Sets whose loaders in Keras give pixels from 0 to 255."""


_LARGEST_KEY = 400
_large = count()


def bounded(key: Hashable) -> Hashable:
    """The key, or one that equals no other if it is so large that comparing it takes time."""
    waiting, size = [key], 0
    while waiting:
        part = waiting.pop()
        size += 1
        if size > _LARGEST_KEY:
            return ("large", next(_large))
        if isinstance(part, tuple | frozenset):
            waiting += part
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Samples: which ones, what of them, and what was done to their values.

    `scale` names the scalings that were applied; `opaque` is true where code that cannot be read
    touched the values. `statistics` are the samples whose mean and deviation were used. Arrays with
    one `buffer` share their memory. `splits` is the place of a split that is not unpacked yet.
    """

    paths: frozenset[Path]
    holds: Holds = "both"
    scale: frozenset[str] = frozenset()
    opaque: bool = False
    statistics: frozenset[Path] | None = None
    buffer: int = 0
    batch_size: int | None = None
    is_batch: bool = False
    splits: Hashable = None
    images_of: "Data | None" = None
    labels_of: "Data | None" = None

    def selected(self, *selection: Hashable) -> "Data":
        """A subset of the samples; its array is a new one."""
        subset = replace(self, paths=frozenset(_longer(p, selection) for p in self.paths), buffer=0)
        return subset._with_halves(lambda half: half.selected(*selection))

    def scaled(self, name: str) -> "Data":
        """The same samples with values that were scaled."""
        return replace(self, scale=self.scale | {name}, buffer=0)

    def half(self, which: Holds) -> "Data":
        """Images or labels of pairs."""
        known = self.images_of if which == "images" else self.labels_of
        if known is not None:
            return replace(known, batch_size=self.batch_size, is_batch=self.is_batch)
        return replace(self, holds=which, buffer=0) if self.holds == "both" else self

    def updated(self, **changes: object) -> "Data":
        """The same with changed fields, in both halves."""
        mine = replace(self, **changes)  # type: ignore[arg-type]
        return mine._with_halves(lambda half: replace(half, **changes))  # type: ignore[arg-type]

    def _with_halves(self, change: "Callable[[Data], Data]") -> "Data":
        if self.images_of is None:
            return self
        labels = change(self.labels_of) if self.labels_of is not None else None
        return replace(self, images_of=change(self.images_of), labels_of=labels)


def _longer(path: Path, selection: tuple[Hashable, ...]) -> Path:
    longer = (*path, *selection)
    return longer if bounded(longer) is longer else (("origin", next(_large)),)


def joined(parts: Iterable[Data]) -> Data:
    """All samples of several sets."""
    known = list(parts)
    return replace(
        known[0],
        paths=frozenset(path for part in known for path in part.paths),
        opaque=any(part.opaque for part in known),
        scale=frozenset.intersection(*(part.scale for part in known)),
        buffer=0,
        images_of=None,
        labels_of=None,
    )


def paired(images: Data, labels: Data | None) -> Data:
    """Pairs of images and labels."""
    return replace(
        images, holds="both", images_of=replace(images, holds="images"), labels_of=labels
    )


def begins(whole: Path, part: Path) -> bool:
    """Whether `part` was selected of `whole`."""
    return part[: len(whole)] == whole


def overlap(one: Data, other: Data) -> bool:
    """Whether some samples are certainly in both."""
    return any(begins(a, b) or begins(b, a) for a in one.paths for b in other.paths)


def within(part: Data, whole: Data) -> bool:
    """Whether all samples of `part` are certainly in `whole`."""
    return all(any(begins(a, b) for a in whole.paths) for b in part.paths)


def smaller(part: Data, whole: Data) -> bool:
    """Whether `part` is certainly a part of `whole` and not all of it."""
    return part.paths != whole.paths and within(part, whole)


def origins(data: Data) -> frozenset[Path]:
    """Where the samples come from: the data set and its part."""
    return frozenset(path[:1] for path in data.paths)


def other_classes(one: Data, other: Data) -> bool:
    """Whether both are chosen from one data set by different conditions on the labels."""
    return all(_parted_by_masks(a, b) for a in one.paths for b in other.paths)


def _parted_by_masks(one: Path, other: Path) -> bool:
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            return _is_mask(mine) and _is_mask(theirs)
    return False


def _is_mask(selection: Hashable) -> bool:
    return isinstance(selection, tuple) and bool(selection) and selection[0] == "mask"


def is_test_part(data: Data) -> bool:
    """Whether the set itself, or the name of its folder or file, calls these samples a test."""
    return any(_says_test(step) for path in data.paths for step in path)


def _says_test(step: Hashable) -> bool:
    if not isinstance(step, tuple) or len(step) != 2:
        return False
    if step[0] == "part":
        return bool(step[1] == "test")
    return step[0] == "origin" and _in_key("test", step[1])


def _in_key(word: str, key: Hashable) -> bool:
    if isinstance(key, tuple):
        return any(_in_key(word, part) for part in key)
    return isinstance(key, str) and word in key.lower().replace("\\", "/").rsplit("/", 1)[-1]
