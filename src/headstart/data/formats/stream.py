"""Image files decoded batch by batch, ahead of who asks for them, in bounded memory."""

import math
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from PIL import Image

from headstart.core.errors import DataError
from headstart.data.errors import fault
from headstart.data.formats.archives import Reader
from headstart.data.formats.decode import Broken, decode, guarded
from headstart.data.formats.file_facts import num_threads
from headstart.study.decoding import Decoding

AHEAD = 2  # batches decoded while one is worked on
AHEAD_BYTES = 256 << 20  # of batches decoded ahead; then fewer of them are
SMALL = 16 << 10  # bytes of a file below which one thread decodes
SHOWN = 10  # broken files named


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Images decoded together. `pixels` of broken ones are zeros."""

    pixels: np.ndarray  # uint8 (n, height, width, channels)
    broken: tuple[Broken, ...]


BrokenRows = list[tuple[int, Broken]]
"""Broken files by their row in a batch."""


class ImageFiles:
    """Image files as an array that is not there: its rows are decoded when they are asked for.

    Several threads may ask at once.

    Args:
        source: the open folder or archive.
        names: of the files, one for each row.
        image: (height, width, channels) of every image once decoded.
        decoding: how they are decoded.
        file_bytes: of a file, on the mean.
    """

    def __init__(
        self,
        source: Reader,
        names: Sequence[str],
        image: tuple[int, ...],
        decoding: Decoding,
        file_bytes: float,
    ) -> None:
        self.source = source
        self.names = names
        self.decoding = decoding
        self.file_bytes = file_bytes
        self.shape = (len(names), *image)
        self.place = str(source.path)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def nbytes(self) -> int:
        """Bytes of all images, decoded."""
        return math.prod(self.shape)

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Pixels of the images at some positions, uint8 (n, height, width, channels)."""
        parts = list(self.batches(max(len(positions), 1), positions))
        return parts[0] if parts else np.empty((0, *self.shape[1:]), np.uint8)

    def batches(self, size: int, at: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """Pixels of all images or of those at some positions, in order, `size` at a time.

        Raises:
            DataError: a file is broken.
        """
        positions = np.arange(len(self)) if at is None else at
        with closing(self.decoded(size, positions)) as batches:
            for batch in batches:
                if batch.broken:
                    raise broken_fault(self.source, batch.broken, len(self))
                yield batch.pixels

    def decoded(self, size: int, positions: np.ndarray) -> Generator[Batch]:
        """Batches in order, broken files included, decoded by threads ahead of who asks."""
        Image.init()  # not by several threads at once
        chosen = [positions[first : first + size] for first in range(0, len(positions), size)]
        ahead = min(AHEAD, max(1, AHEAD_BYTES // (size * math.prod(self.shape[1:]))))
        # Threads hinder each other at small files more than they decode.
        threads = 1 if self.file_bytes < SMALL else num_threads()
        with ThreadPoolExecutor(threads) as pool:
            try:
                waiting: deque[_Pending] = deque()
                for part in chosen:
                    waiting.append(self._begun(part, threads, pool))
                    if len(waiting) > ahead:
                        yield waiting.popleft().batch()
                while waiting:
                    yield waiting.popleft().batch()
            finally:
                pool.shutdown(cancel_futures=True)

    def _begun(self, part: np.ndarray, threads: int, pool: ThreadPoolExecutor) -> "_Pending":
        """A batch that the threads share, each taking every so-manieth image."""
        pixels = np.zeros((len(part), *self.shape[1:]), np.uint8)
        rows = [range(first, len(part), threads) for first in range(min(threads, len(part)))]
        shares = [pool.submit(self._decode, part, some, pixels) for some in rows]
        return _Pending(pixels=pixels, shares=shares)

    def _decode(self, part: np.ndarray, rows: range, pixels: np.ndarray) -> BrokenRows:
        """Decode some images into their rows; gives those that are broken."""
        broken: BrokenRows = []
        for row in rows:
            found = self._image(self.names[part[row]])
            if isinstance(found, Broken):
                broken.append((row, found))
            else:
                pixels[row] = found
        return broken

    def _image(self, name: str) -> np.ndarray | Broken:
        found = guarded(name, lambda: decode(self.source.read(name), self.decoding))
        if isinstance(found, np.ndarray) and found.shape != self.shape[1:]:
            raise fault(
                f"{self.source.path}: {name}",
                f"is {found.shape} once decoded.",
                f"Expected {self.shape[1:]}, as its header said.",
                "Was it changed meanwhile? Run the same command again.",
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pending:
    """A batch that threads are at work on."""

    pixels: np.ndarray
    shares: list[Future[BrokenRows]]

    def batch(self) -> Batch:
        """The batch, once all is decoded."""
        broken = sorted((found for share in self.shares for found in share.result()), key=_row)
        return Batch(pixels=self.pixels, broken=tuple(one for _, one in broken))


def _row(found: tuple[int, Broken]) -> int:
    return found[0]


def broken_fault(source: Reader, broken: Sequence[Broken], num: int) -> DataError:
    """The error of files that cannot be decoded, among `num`."""
    shown = "; ".join(f"{one.name}: {one.reason}" for one in broken[:SHOWN])
    more = f"; and {len(broken) - SHOWN:,} more" if len(broken) > SHOWN else ""
    return fault(
        source.path,
        f"{len(broken):,} of {num:,} image files cannot be decoded ({shown}{more}).",
        "Expected whole image files.",
        "Replace them, or leave them out: `--skip-broken`, or `image = { skip_broken = true }` in "
        "the task.",
    )
