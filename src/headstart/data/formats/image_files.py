"""A data set of image files: measured by its files, and decoded into the cache or streamed."""

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL

from headstart.core.errors import DataError
from headstart.core.hashing import digest
from headstart.data.catalogue import PARTS, KnownSet, Part
from headstart.data.decoded_cache import decoded_cache
from headstart.data.errors import as_path, fault
from headstart.data.formats.archives import Source, open_source
from headstart.data.formats.decode import Broken
from headstart.data.formats.file_facts import FileFacts, content_of, file_facts
from headstart.data.formats.image_tree import tree_of
from headstart.data.formats.stream import ImageFiles, broken_fault
from headstart.data.images import Images
from headstart.data.progress import Progress, reporting
from headstart.study.dataset_facts import COLOURS, Shape, Size
from headstart.study.decoding import CHANNELS, Decoding

OTHER_PIXELS = "decoded from image files; pixels may differ from the official files"
CHUNK = 32 << 20  # bytes decoded at a time
LEAST = 16  # images decoded at a time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photos:
    """The image files of one part in order: names, labels, and sizes and modes from headers."""

    names: list[str]
    labels: np.ndarray  # int64 (n,)
    sizes: np.ndarray  # int32 (n, 2): height and width, upright
    modes: list[str]  # Pillow's

    def described(self, at: int) -> str:
        """One file in words."""
        height, width = self.sizes[at]
        return f"{self.names[at]} is {height}x{width} {COLOURS.get(self.modes[at], self.modes[at])}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoSet:
    """A folder or .zip of image files, measured. `content` does not depend on how it is decoded."""

    source: Source
    content: str
    classes: tuple[str, ...]
    parts: Mapping[Part, Photos]
    notes: tuple[str, ...]

    @property
    def sizes(self) -> tuple[Size, Size]:
        """The least and the greatest height and width."""
        every = np.concatenate([self.parts[part].sizes for part in PARTS])
        least, most = every.min(axis=0).tolist(), every.max(axis=0).tolist()
        return (least[0], least[1]), (most[0], most[1])

    @property
    def modes(self) -> tuple[str, ...]:
        """Pillow's names of all colours there are."""
        return tuple(sorted({mode for part in PARTS for mode in self.parts[part].modes}))

    def image_shape(self, decoding: Decoding) -> Shape:
        """Shape of every image once decoded.

        Raises:
            DataError: sizes or colours differ and `decoding` does not say what to make of them.
        """
        first = self.parts["train"]
        size, mode = first.sizes[0], first.modes[0]
        for part in PARTS:
            photos = self.parts[part]
            strange = [at for at, other in enumerate(photos.modes) if other not in COLOURS]
            others = [at for at, other in enumerate(photos.modes) if other != mode]
            if not decoding.colour and (strange or others):
                raise self._other_colour(photos.described((strange or others)[0]), bool(strange))
            others = np.flatnonzero((photos.sizes != size).any(axis=1)).tolist()
            if not decoding.size and others:
                raise self._other_size(photos.described(others[0]))
        height, width = decoding.size or size.tolist()
        return height, width, CHANNELS[decoding.colour or COLOURS[mode]]

    def _other_colour(self, one: str, strange: bool) -> DataError:
        first = self.parts["train"].described(0)
        return fault(
            self.source.path,
            f"{one}: neither grey nor RGB of 8 bits."
            if strange
            else f"images of different colours: {first}, {one}.",
            "Expected only grey images or only RGB images.",
            'To convert all of them: `image = { colour = "rgb" }` (or "grey") in the task.',
        )

    def _other_size(self, one: str) -> DataError:
        return fault(
            self.source.path,
            f"images of different sizes: {self.parts['train'].described(0)}, {one}.",
            "Expected images of one size.",
            "To resize all of them: `image = { size = [64, 64] }` (height, width) in the task.",
        )


def photo_set(path: Path, known: KnownSet | None, skip_broken: bool) -> PhotoSet:
    """The image files in a folder or .zip, hashed, with their headers read.

    Raises:
        DataError: they cannot be read or do not make a data set; files are broken and not to be
            skipped.
    """
    source = open_source(path)
    tree = tree_of(path, source.listing)
    if known:
        _check_classes(path, tree.classes, known)
    names = [name for part in PARTS for name in tree.names[part]]
    facts = {one.name: one for one in file_facts(source, names, decode=skip_broken)}
    parts: dict[Part, Photos] = {}
    notes: list[str] = []
    entries: list[tuple[str, str, str, str]] = []
    for part in PARTS:
        chosen = [facts[name] for name in tree.names[part]]
        broken = [Broken(name=one.name, reason=one.broken) for one in chosen if one.broken]
        if broken and (not skip_broken or len(broken) == len(chosen)):
            raise broken_fault(source, broken, len(chosen))
        if broken:
            notes.append(f"{part}: {len(broken):,} broken image files left out")
        sound = [at for at, one in enumerate(chosen) if not one.broken]
        labels, paths = tree.labels[part], tree.paths[part]
        parts[part] = _photos([chosen[at] for at in sound], labels[sound])
        entries += [
            (part, paths[at], chosen[at].sha256, tree.classes[label])
            for at, label in zip(sound, labels[sound].tolist(), strict=True)
        ]
    origin = (OTHER_PIXELS,) if known else ()
    return PhotoSet(
        source=source,
        content=content_of(entries),
        classes=tree.classes,
        parts=parts,
        notes=(*origin, *tree.notes, *notes),
    )


def _check_classes(path: Path, classes: tuple[str, ...], known: KnownSet) -> None:
    if classes != known.classes:
        raise fault(
            path,
            f"has the classes {', '.join(classes)}.",
            f"Expected those of '{known.name}': {', '.join(known.classes)}.",
            as_path(path),
        )


def _photos(facts: list[FileFacts], labels: np.ndarray) -> Photos:
    sizes = np.array([(one.height, one.width) for one in facts], np.int32)
    return Photos(
        names=[one.name for one in facts],
        labels=labels,
        sizes=sizes,
        modes=[sys.intern(one.mode) for one in facts],
    )


def read_images(photos: PhotoSet, part: Part, decoding: Decoding, limit: int) -> Images:
    """One part of a set of image files, decoded.

    Args:
        photos: the set.
        part: of it.
        decoding: how.
        limit: bytes; what takes more once decoded is streamed.

    Raises:
        DataError: files are broken, or differ in what `decoding` leaves open.
    """
    of = photos.parts[part]
    files = ImageFiles(photos.source, of.names, photos.image_shape(decoding), decoding)
    if files.nbytes > limit:
        return Images(files, of.labels)
    name = digest(
        {
            "content": photos.content,
            "part": part,
            "decoding": decoding.payload,
            # Another release may bring other decoders, a bit or two away.
            "pillow": PIL.__version__,
        }
    )
    cached = decoded_cache().filled(
        name, files.shape, np.uint8, lambda first: _decoded(files, first)
    )
    return Images(_in_memory(files) if cached is None else cached, of.labels)


def _decoded(files: ImageFiles, first: int) -> Iterator[np.ndarray]:
    """Images from one on, some at a time. All are tried before those that are broken are named."""
    num = len(files)
    work = Progress(what="decoding images", place=files.source.path, num=num, done=first)
    report = reporting(work)
    size = min(max(CHUNK // math.prod(files.shape[1:]), LEAST), 2_048)
    broken: list[Broken] = []
    with closing(files.decoded(size, np.arange(first, num))) as batches:
        for batch in batches:
            broken += batch.broken
            first += len(batch.pixels)
            report(first)
            yield batch.pixels
    if broken:
        raise broken_fault(files.source, broken, num)


def _in_memory(files: ImageFiles) -> np.ndarray:
    pixels = np.empty(files.shape, np.uint8)
    first = 0
    for block in _decoded(files, 0):
        pixels[first : first + len(block)] = block
        first += len(block)
    return pixels
