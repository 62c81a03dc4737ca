"""One part of a data set as arrays, and what its files said besides pixels and labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from headstart.data.errors import fault

BLOCK_BYTES = 4 << 20  # of images that are worked on at a time; what is made of them is larger


class StreamedPixels(Protocol):
    """Images that are decoded anew each time, for all of them would take too much space."""

    shape: tuple[int, ...]
    place: str

    def __len__(self) -> int:
        """How many images there are."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Pixels of some images, uint8 (n, height, width, channels)."""

    def batches(self, size: int, at: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """Pixels of all images or of those at some positions, in order, decoded ahead."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images with their labels, in one order. The arrays are read-only.

    They are all that is stored, or what is stored `at` some positions (n,), and then they are
    copied only when they are looked at. What is stored is resident, mapped into memory, or streamed
    from image files; `batches` and `blocks` are the same for all. `names` are those of image files.
    `units` are what is dealt together where parts are dealt by hashes: images of the same bytes, or
    of one group.
    """

    # uint8, or float32 that is not scaled (images, height, width, channels)
    stored: np.ndarray | StreamedPixels
    labels: np.ndarray  # int64 (n,), indices among the classes
    at: np.ndarray | None = None
    names: np.ndarray | None = None  # text (n,); None where images are no files
    units: np.ndarray | None = None  # uint64 (n,); None where a seed and the order decide

    def __post_init__(self) -> None:
        assert len(self.labels) == len(self.stored if self.at is None else self.at)
        if isinstance(self.stored, np.ndarray):
            self.stored.flags.writeable = False
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels of an image."""
        return self.stored.shape[1:]

    @property
    def streamed(self) -> bool:
        """Whether images are decoded each time they are asked for."""
        return not isinstance(self.stored, np.ndarray)

    @property
    def array(self) -> np.ndarray:
        """What is stored, as an array.

        Raises:
            DataError: images are streamed.
        """
        if isinstance(self.stored, np.ndarray):
            return self.stored
        raise fault(
            self.stored.place,
            f"{len(self.stored):,} images of {'x'.join(map(str, self.shape))} are "
            f"{np.prod(self.stored.shape, dtype=np.int64) >> 30:,} GiB once decoded, and streamed.",
            "Expected images that can be decoded once and kept.",
            "Make them smaller: `image = { size = [64, 64] }` in the task.",
        )

    @property
    def pixels(self) -> np.ndarray:
        """All of them (n, height, width, channels)."""
        return self.array if self.at is None else self.array[self.at]

    def batches(self, size: int, order: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """Pixels, `size` images at a time (size, height, width, channels).

        Args:
            size: of a batch; the last one may be smaller.
            order: positions among these images; left out, all of them in order.
        """
        at = self.at if order is None else order if self.at is None else self.at[order]
        yield from _batches(self.stored, at, size)

    def blocks(self) -> Iterator[np.ndarray]:
        """Pixels in order, a few megabytes at a time."""
        return blocks(self.stored, self.at)

    def image(self, position: int) -> np.ndarray:
        """Pixels of one of them (height, width, channels)."""
        at = position if self.at is None else int(self.at[position])
        return np.asarray(self.stored[np.array([at])][0])

    def file(self, position: int) -> str:
        """Name of an image file, as text that a row can hold; empty where images are no files."""
        name = "" if self.names is None else str(self.names[position])
        return name.encode(errors="surrogateescape").decode(errors="replace")

    def taken(self, positions: np.ndarray) -> "Images":
        """Some of the images.

        Those of a mapped file, which all processes share, stay there, as do those of image files.
        Others are a view where they lie side by side, and else a copy.
        """
        labels = self.labels[positions]
        names, units = (None if one is None else one[positions] for one in (self.names, self.units))
        if self.at is not None:
            return Images(self.stored, labels, self.at[positions], names, units)
        if not isinstance(self.stored, np.ndarray):
            return Images(self.stored, labels, positions, names, units)
        if len(positions) and (np.diff(positions) == 1).all():
            side_by_side = self.stored[positions[0] : positions[-1] + 1]
            return Images(side_by_side, labels, None, names, units)
        if isinstance(self.stored, np.memmap):
            return Images(self.stored, labels, positions, names, units)
        return Images(self.stored[positions], labels, None, names, units)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Content:
    """One part as its files hold it.

    `classes` is empty where the files name none. `origin` is what the part was read from, by the
    name it has there; empty where there is no such part.
    """

    images: Images
    origin: str = ""
    classes: tuple[str, ...] = ()


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Images (n, height, width, channels) as uint8 to look at or to compare.

    Those of floats are stretched, each from its least to its greatest value, to the range of bytes.
    """
    if pixels.dtype == np.uint8:
        return pixels
    axes = (1, 2, 3)
    low, high = pixels.min(axes, keepdims=True), pixels.max(axes, keepdims=True)
    spread = np.where(high > low, high - low, 1)
    return np.asarray(np.rint((pixels - low) / spread * 255).astype(np.uint8))


def blocks(stored: np.ndarray | StreamedPixels, at: np.ndarray | None) -> Iterator[np.ndarray]:
    """Images in order, all or those at some positions, a few megabytes of them at a time."""
    image_bytes = int(np.prod(stored.shape[1:], dtype=np.int64))
    if isinstance(stored, np.ndarray):
        image_bytes *= stored.itemsize
    return _batches(stored, at, max(BLOCK_BYTES // max(image_bytes, 1), 1))


def _batches(
    stored: np.ndarray | StreamedPixels, at: np.ndarray | None, size: int
) -> Iterator[np.ndarray]:
    if not isinstance(stored, np.ndarray):
        yield from stored.batches(size, at)
        return
    for first in range(0, len(stored if at is None else at), size):
        part = slice(first, first + size)
        yield stored[part if at is None else at[part]]
