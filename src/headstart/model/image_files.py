"""Image files to predict: single ones, those of a folder, those of an archive."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.core.errors import DataError
from headstart.core.files import open_regular, text_of
from headstart.core.printable import printable_name
from headstart.data.formats.archives import DamagedFile, Reader, Source, open_source
from headstart.data.formats.decode import Broken
from headstart.data.formats.file_kinds import is_decodable, read_suffixes
from headstart.data.formats.listing import check_size
from headstart.data.formats.stream import ImageFiles
from headstart.study.archives import is_archive
from headstart.study.decoding import CHANNELS, Decoding
from headstart.study.network_facts import Shape

AT_ONCE = 256  # images decoded at a time
LARGE = 1 << 20  # bytes of a photo, so that several threads decode
SHOWN = 3  # broken files named


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageBatch:
    """Decoded images: titles, pixels uint8 (n, height, width, channels), and why files are broken.

    Pixels of broken files are zeros.
    """

    titles: tuple[str, ...]
    pixels: np.ndarray
    broken: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGroup:
    """Files read from one place; `titles` are their names as a user knows them."""

    reader: Reader
    names: tuple[str, ...]
    titles: tuple[str, ...]
    file_bytes: float  # of a file, on the mean

    def __len__(self) -> int:
        return len(self.names)

    def batches(self, decoding: Decoding, pixels: Shape, size: int) -> Iterator[ImageBatch]:
        """Decoded images, `size` at a time, in order."""
        files = ImageFiles(self.reader, self.names, pixels, decoding, self.file_bytes)
        titles, first = dict(zip(self.names, self.titles, strict=True)), 0
        for batch in files.decoded(size, np.arange(len(files))):
            yield ImageBatch(
                titles=self.titles[first : first + size],
                pixels=batch.pixels,
                broken={titles[found.name]: found.reason for found in batch.broken},
            )
            first += size


class _SingleFiles:
    """Files named one by one; one that cannot be read is a broken image like any other."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.path = common_folder(path.parent for path in paths)

    def read(self, name: str) -> bytes:
        try:
            with open_regular(name) as file:
                check_size(os.fstat(file.fileno()).st_size)
                return file.read()
        except OSError as error:
            raise DamagedFile(f"cannot be read: {error.strerror or error}") from error


def image_groups(given: Sequence[Path]) -> list[ImageGroup]:
    """The images at some paths in their order: files as they are named, folders by name.

    Raises:
        DataError: paths that are not there, and folders or archives without images, all at once.
    """
    groups: list[ImageGroup] = []
    singles: list[Path] = []
    problems: list[str] = []
    for path in given:
        if not path.exists():
            problems.append(
                f"{path} is not there. Expected an image, a folder or an archive of images."
            )
        elif path.is_dir() or is_archive(path):
            source = open_source(path, follow_links=True)
            names = [name for name in source.listing.files if is_decodable(name)]
            if not names:
                problems.append(
                    f"{path} holds no image files (of {len(source.listing.files):,} files). "
                    f"Image files end in {', '.join(read_suffixes())}."
                )
            else:
                groups += [*_singles(singles), _group(source, names)]
                singles = []
        else:
            singles.append(path)
    if problems:
        raise DataError("\n".join(problems))
    return [*groups, *_singles(singles)]


def decode_images(paths: Sequence[Path], decoding: Decoding) -> np.ndarray:
    """Pixels of image files, one for each path, uint8 (n, height, width, channels).

    Args:
        paths: of the files.
        decoding: how they are decoded, with size and colour.

    Raises:
        DataError: files are missing or broken, all of them at once.
    """
    assert decoding.size
    assert decoding.colour
    shape = (*decoding.size, CHANNELS[decoding.colour])
    pixels = np.empty((len(paths), *shape), np.uint8)
    files = ImageFiles(_SingleFiles(paths), [str(path) for path in paths], shape, decoding, LARGE)
    broken: list[Broken] = []
    first = 0
    for batch in files.decoded(AT_ONCE, np.arange(len(paths))):
        pixels[first : first + len(batch.pixels)] = batch.pixels
        broken += batch.broken
        first += len(batch.pixels)
    if broken:
        shown = "; ".join(f"{one.name}: {one.reason}" for one in broken[:SHOWN])
        more = f"; and {len(broken) - SHOWN:,} more" if len(broken) > SHOWN else ""
        raise DataError(
            f"{len(broken):,} of {len(paths):,} image files cannot be decoded ({shown}{more}). "
            "Expected one whole image for each path."
        )
    return pixels


def _group(source: Source, names: list[str]) -> ImageGroup:
    sizes = [source.listing.files[name][0] for name in names]
    return ImageGroup(
        reader=source,
        names=tuple(names),
        titles=tuple(_title(source.path / name) for name in names),
        file_bytes=sum(sizes) / len(sizes),
    )


def _singles(paths: list[Path]) -> list[ImageGroup]:
    if not paths:
        return []
    names = tuple(str(path) for path in paths)
    size = sum(path.stat().st_size for path in paths) / len(paths)
    titles = tuple(map(_title, paths))
    return [ImageGroup(reader=_SingleFiles(paths), names=names, titles=titles, file_bytes=size)]


def _title(path: Path) -> str:
    return printable_name(text_of(path))


def common_folder(paths: Iterable[Path]) -> Path:
    """The folder that holds all of these."""
    return Path(os.path.commonpath([path.absolute() for path in paths]))
