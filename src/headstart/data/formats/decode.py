"""Image files to arrays of one shape: upright, in one colour and size; broken files are counted."""

import io
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from headstart.core.errors import DataError
from headstart.data.decoded_cache import Sink
from headstart.data.errors import fault
from headstart.data.formats.archives import DamagedFile, Source
from headstart.study.tasks import DataRef

FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM")
MODES = {"L": "grey", "RGB": "rgb"}  # what is taken as it is
LIMIT = 64 << 30  # bytes decoded, of one part
CHUNK = 32 << 20  # bytes decoded at a time
GAP = 3.0  # an image is first reduced roughly, to this many times the size asked for at least
SMALL = 16 << 10  # bytes of a file below which threads hinder each other more than they decode
MOST_THREADS = 16
SHOWN = 3  # broken files named
TOLD_EVERY = 5.0  # seconds

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    """One image decoded, and what its file is."""

    name: str
    pixels: np.ndarray  # uint8 (height, width, channels)
    size: tuple[int, int]  # (height, width) of the file, upright
    mode: str  # Pillow's, of the file

    def __str__(self) -> str:
        return f"{self.name} is {self.size[0]}x{self.size[1]} {MODES.get(self.mode, self.mode)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Broken:
    name: str
    reason: str


class _Unfit(Exception):
    """A sound image that cannot be made grey or RGB."""


def decode(
    source: Source, names: Sequence[str], labels: np.ndarray, data: DataRef, sink: Sink
) -> tuple[str, ...]:
    """Decode the files `names` in order into `sink`; a note says how many were left out.

    Raises:
        DataError: files are broken and not to be skipped, or their sizes or colours differ and
            `data` does not say what to make of them.
    """
    first: _Picture | None = None
    broken: list[_Broken] = []
    done, rows, tell = 0, MOST_THREADS, _telling(source, len(names))
    with _mapper(source, names) as mapped:
        while done < len(names):
            taken = mapped(lambda name: _read(source, name, data), names[done : done + rows])
            good = [one for one in taken if isinstance(one, _Picture)]
            broken += [one for one in taken if isinstance(one, _Broken)]
            for one in good:
                _check(source, first or one, one, data)
                if first is None:
                    first = one
                    rows = _rows(source, len(names), one.pixels)
                    sink.start(len(names), one.pixels.shape)
            if good:
                sound = [isinstance(one, _Picture) for one in taken]
                chosen = labels[done : done + len(taken)][sound]
                sink.add(np.stack([one.pixels for one in good]), chosen)
            done += len(taken)
            tell(done)
    if broken and not (data.skip_broken and first):
        raise _broken_fault(source, broken, len(names))
    return (f"{len(broken):,} broken image files left out",) if broken else ()


def _telling(source: Source, num: int) -> Callable[[int], None]:
    """What is told how many of the images are decoded, and logs it now and then."""
    started = last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TOLD_EVERY and done < num:
            last = now
            left = (now - started) * (num - done) / done
            text = "decoding images, once: %s of %s in %s, about %.0f s left"
            _log.info(text, f"{done:,}", f"{num:,}", source.path, left)

    return tell


Mapped = Callable[[Callable[[str], _Picture | _Broken], Sequence[str]], list[_Picture | _Broken]]


@contextmanager
def _mapper(source: Source, names: Sequence[str]) -> Iterator[Mapped]:
    """A `map` by threads (Pillow lets them run side by side), or a plain one for small files."""
    Image.init()  # not by several threads at once
    sizes = source.listing.files
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    num_threads = min(MOST_THREADS, cores or 1)
    if num_threads == 1 or sum(sizes[name][0] for name in names) < SMALL * len(names):
        yield lambda function, chunk: [function(name) for name in chunk]
        return
    with ThreadPoolExecutor(num_threads) as pool:
        yield lambda function, chunk: list(pool.map(function, chunk))


def _rows(source: Source, num: int, pixels: np.ndarray) -> int:
    """How many images to decode at a time, if all of them are no bomb."""
    if num * pixels.nbytes > LIMIT:
        raise fault(
            source.path,
            f"{num:,} images of {'x'.join(map(str, pixels.shape))} are "
            f"{num * pixels.nbytes >> 30:,} GiB once decoded.",
            f"Expected at most {LIMIT >> 30} GiB.",
            "Make them smaller: `image = { size = [64, 64] }` in the task.",
        )
    return min(max(CHUNK // pixels.nbytes, MOST_THREADS), 2_048)


def _read(source: Source, name: str, data: DataRef) -> _Picture | _Broken:
    try:
        return _picture(name, source.read(name), data)
    except (DataError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise fault(
            f"{source.path}: {name}",
            f"is too large to be decoded safely: {error}",
            fix="Make it smaller, or remove it.",
        ) from error
    except DamagedFile as error:
        return _Broken(name=name, reason=str(error))
    except Exception as error:  # whatever Pillow's readers meet in damaged bytes
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
        return _Broken(name=name, reason=reason or type(error).__name__)


def _picture(name: str, content: bytes, data: DataRef) -> _Picture:
    image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    if data.size:
        # A JPEG may be read at a half, a quarter or an eighth, still larger than it is reduced from
        # below, whichever way up: photos of 12 megapixels take a third of the time.
        side = round(GAP * max(data.size))
        image.draft(None, (side, side))
    ImageOps.exif_transpose(image, in_place=True)
    mode, size = image.mode, (image.height, image.width)
    if data.colour:
        image = _coloured(image, "L" if data.colour == "grey" else "RGB")
    if data.size and data.size != size:
        height, width = data.size
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=GAP)
    pixels = np.frombuffer(image.tobytes(), dtype=np.uint8)
    return _Picture(
        name=name,
        pixels=pixels.reshape(image.height, image.width, -1) if image.mode in MODES else pixels,
        size=size,
        mode=mode,
    )


def _coloured(image: Image.Image, mode: str) -> Image.Image:
    """In 8 bits, over white where it is transparent, in one mode."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if image.mode == "I" and not (values.min() >= 0 and values.max() < 1 << 16):
            raise _Unfit("has more than 16 bits per pixel")
        image = Image.fromarray((values >> 8).astype(np.uint8))
    if image.mode == "F":
        raise _Unfit("has floating-point pixels")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)


def _check(source: Source, first: _Picture, one: _Picture, data: DataRef) -> None:
    """Whether `one` is as the first image, where nothing says what to make of it."""
    if not data.colour and one.mode not in MODES:
        raise fault(
            source.path,
            f"{one}: neither grey nor RGB of 8 bits.",
            "Expected only grey images or only RGB images.",
            'To convert all of them: `image = { colour = "rgb" }` (or "grey") in the task.',
        )
    if not data.colour and one.mode != first.mode:
        raise fault(
            source.path,
            f"images of different colours: {first}, {one}.",
            "Expected only grey images or only RGB images.",
            'To convert all of them: `image = { colour = "rgb" }` (or "grey") in the task.',
        )
    if not data.size and one.size != first.size:
        raise fault(
            source.path,
            f"images of different sizes: {first}, {one}.",
            "Expected images of one size.",
            "To resize all of them: `image = { size = [64, 64] }` (height, width) in the task.",
        )


def _broken_fault(source: Source, broken: Sequence[_Broken], num: int) -> DataError:
    shown = "; ".join(f"{one.name}: {one.reason}" for one in broken[:SHOWN])
    more = "; ..." if len(broken) > SHOWN else ""
    return fault(
        source.path,
        f"{len(broken):,} of {num:,} image files cannot be decoded ({shown}{more}).",
        "Expected whole image files.",
        "Replace or remove them, or leave them out: `image = { skip_broken = true }` in the task.",
    )
