"""A data set of image files: measured by its files, and decoded into the cache or streamed."""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL

from headstart.core.errors import DataError
from headstart.core.files import cache_folder, write_whole
from headstart.core.hashing import digest
from headstart.data.catalogue import PARTS, KnownSet, Part
from headstart.data.decoded_cache import decoded_cache
from headstart.data.errors import as_path, fault
from headstart.data.formats.archives import Source, open_source
from headstart.data.formats.decode import Broken
from headstart.data.formats.file_facts import FileFacts, content_of, file_facts
from headstart.data.formats.file_kinds import read_suffixes
from headstart.data.formats.groups import groups_of
from headstart.data.formats.image_tree import Tree
from headstart.data.formats.label_place import Place
from headstart.data.formats.labelled_files import dealt, labelled_files
from headstart.data.formats.left_out import left_out
from headstart.data.formats.photo_set import Photos, PhotoSet, from_bytes, to_bytes
from headstart.data.formats.stream import ImageFiles, broken_fault
from headstart.data.images import Images
from headstart.data.progress import Progress, reporting
from headstart.study.decoding import Decoding
from headstart.study.tasks import DataRef

VERSION = 3  # raised when what is cached of a set of image files means something else
OTHER_PIXELS = "decoded from image files; pixels may differ from the official files"
BROKEN = "broken"
CHUNK = 32 << 20  # bytes decoded at a time
LEAST = 16  # images decoded at a time


def photo_set(place: Place, stamp: str, known: KnownSet | None, data: DataRef) -> PhotoSet:
    """The image files of a data set, hashed, with their headers read.

    What was found is cached while nothing has changed, so that every process of a run has it soon.

    Args:
        place: the folder or archive, and the table of labels.
        stamp: names its state.
        known: the data set that it should be.
        data: how its files are read.

    Raises:
        DataError: they cannot be read or do not make a data set; files are broken and not to be
            skipped.
    """
    source = open_source(place.root, data.follow_links)
    key = {
        "version": VERSION,
        "stamp": stamp,
        "known": known.name if known else None,
        "read": data.reading,
        "suffixes": read_suffixes(),  # more of them once a package is installed
    }
    cached = cache_folder() / "photos" / f"{digest(key)}.npz"
    with contextlib.suppress(OSError):
        found = from_bytes(cached.read_bytes(), source)
        if found is not None:
            return found
    found = _measured(place, source, known, data)
    # A cache that cannot be written costs time at the next call, and nothing else.
    with contextlib.suppress(OSError):
        write_whole(cached, to_bytes(found))
    return found


def _measured(place: Place, source: Source, known: KnownSet | None, data: DataRef) -> PhotoSet:
    skip = data.skip_broken
    read = labelled_files(place, source, data.labels, skip=skip)
    if known:
        _check_classes(source.path, read.tree.classes, known)
    names = [name for part in PARTS for name in read.tree.names[part]]
    facts = {one.name: one for one in file_facts(source, names, decode=skip)}
    spoilt = [one.name for one in facts.values() if one.broken]
    sound = {
        part: [one for one in placed if not facts[one.name].broken]
        for part, placed in read.tree.parts.items()
    }
    emptied = any(placed and not sound[part] for part, placed in read.tree.parts.items())
    if spoilt and (emptied or not skip):
        raise _broken_in_any_part(source, names)
    read = replace(read, tree=replace(read.tree, parts=sound))
    groups = None
    if data.grouped:
        every = [one for part in PARTS for one in sound[part]]
        groups = groups_of(place.name, data.grouped.by, every, read.columns)
    sha256 = {one.name: one.sha256 for one in facts.values()}
    read, units = dealt(place.root, read, sha256, data.grouped, groups)
    tree = read.tree
    entries = [
        (part, one.path, sha256[one.name], one.label, *([groups[one.name]] if groups else []))
        for part in PARTS
        for one in tree.parts[part]
    ]
    return PhotoSet(
        source=source,
        content=content_of(entries, by_units=units is not None),
        classes=tree.classes,
        parts={part: _photos(tree, part, facts, units) for part in PARTS},
        test_from=tree.test_from,
        labels_from=read.table,
        groups=read.groups,
        left_out=(*tree.left_out, *left_out(spoilt, BROKEN)),
        notes=(
            *(_origin_notes(known) if known else ()),
            *tree.notes,
            *_link_notes(source.listing.num_links),
        ),
    )


def _broken_in_any_part(
    source: Source, names: Sequence[str], found: Sequence[Broken] = ()
) -> DataError:
    """The error of all files that are broken, found already or when all are decoded coarsely."""
    facts = file_facts(source, names, decode=True)
    broken = {one.name: Broken(name=one.name, reason=one.broken) for one in facts if one.broken}
    return broken_fault(source, [*(broken | {one.name: one for one in found}).values()], len(names))


def _origin_notes(known: KnownSet) -> tuple[str, ...]:
    official = known.layouts[0] == "images"
    return tuple(note for note in ("" if official else OTHER_PIXELS, known.note) if note)


def _link_notes(num: int) -> tuple[str, ...]:
    said = f"{num:,} link{'s' if num > 1 else ''} followed out of the folder"
    return (said,) if num else ()


def _check_classes(path: Path, classes: tuple[str, ...], known: KnownSet) -> None:
    if classes != known.classes:
        raise fault(
            path,
            f"has the classes {', '.join(classes)}.",
            f"Expected those of '{known.name}': {', '.join(known.classes)}.",
            as_path(path),
        )


def _photos(
    tree: Tree, part: Part, facts: Mapping[str, FileFacts], units: Mapping[str, int] | None
) -> Photos:
    of = [facts[name] for name in tree.names[part]]
    return Photos(
        names=[one.name for one in of],
        labels=tree.labels[part],
        sizes=np.array([(one.height, one.width) for one in of], np.int32),
        modes=np.array([one.mode for one in of]),
        greatest=np.array([one.greatest for one in of], np.int64),
        units=None if units is None else np.array([units[one.name] for one in of], np.uint64),
        file_bytes=sum(one.bytes for one in of) / len(of),
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
    files = ImageFiles(
        photos.source, of.names, photos.image_shape(decoding), decoding, of.file_bytes
    )
    names = np.array(of.names, dtype=object)
    if files.nbytes > limit:
        return Images(files, of.labels, None, names, of.units)
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
        name, files.shape, np.uint8, lambda first: _decoded(photos, files, first)
    )
    pixels = _in_memory(_decoded(photos, files, 0), files.shape) if cached is None else cached
    return Images(pixels, of.labels, None, names, of.units)


def _decoded(photos: PhotoSet, files: ImageFiles, first: int) -> Iterator[np.ndarray]:
    """Images of a part from one on, some at a time; those broken in any part are named at once."""
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
        every = [name for part in PARTS for name in photos.parts[part].names]
        raise _broken_in_any_part(photos.source, every, broken)


def _in_memory(blocks: Iterable[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    pixels = np.empty(shape, np.uint8)
    first = 0
    for block in blocks:
        pixels[first : first + len(block)] = block
        first += len(block)
    return pixels
