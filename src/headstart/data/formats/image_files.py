"""A data set of image files, decoded once and kept in the cache."""

from pathlib import Path

import PIL

from headstart.core.hashing import Json
from headstart.data.catalogue import KnownSet, Part
from headstart.data.decoded_cache import Sink, kept
from headstart.data.errors import as_path, fault
from headstart.data.formats.archives import open_source
from headstart.data.formats.decode import decode
from headstart.data.formats.image_tree import tree_of
from headstart.data.images import Content
from headstart.study.tasks import DataRef

VERSION = 2  # raised when the same files give other arrays
OTHER_PIXELS = "decoded from image files; pixels may differ from the official files"


def decoding(data: DataRef) -> Json:
    """All that the pixels of an image file depend on besides its bytes."""
    return {
        "version": VERSION,
        # Another release may bring other decoders, a bit or two away.
        "pillow": PIL.__version__,
        "size": list(data.size) if data.size else None,
        "colour": data.colour,
        "skip_broken": data.skip_broken,
    }


def read_images(
    path: Path, stamp: str, part: Part, known: KnownSet | None, data: DataRef
) -> Content:
    """One part of the image files in a folder or .zip, whose state is `stamp`.

    Raises:
        DataError: the files cannot be read or do not make a data set.
    """

    def make(sink: Sink) -> tuple[tuple[str, ...], tuple[str, ...]]:
        with open_source(path) as source:
            tree = tree_of(path, source.listing)
            if known:
                _check_classes(path, tree.classes, known)
            notes = decode(source, tree.names[part], tree.labels[part], data, sink)
        origin = (OTHER_PIXELS,) if known else ()
        return tree.classes, (*origin, *tree.notes, *(f"{part}: {note}" for note in notes))

    key = {"images": stamp, "part": part, "known": known.name if known else None}
    return kept(key | decoding(data), make)


def _check_classes(path: Path, classes: tuple[str, ...], known: KnownSet) -> None:
    if classes != known.classes:
        raise fault(
            path,
            f"has the classes {', '.join(classes)}.",
            f"Expected those of '{known.name}': {', '.join(known.classes)}.",
            as_path(path),
        )
