"""What lies in the folder of caches, by kind, and how it is cleared.

Only files that headstart writes there are counted and deleted, by their names: the folder may be
one that holds other things too.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import OutputError, unknown
from headstart.core.files import cache_folder
from headstart.data.catalogue import KNOWN

# Named by a hash; a file that is being written has a dot before and a number behind its name.
_OWN = re.compile(r"\.?[0-9a-f]{64}(-\w+)?(\.\w+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKind:
    """One kind of what is cached.

    Attributes:
        name: what a user calls it.
        what: it is.
        folders: below the cache folder.
        made_again: whether a run makes it again by itself.
        cleared: whether headstart ever deletes it.
    """

    name: str
    what: str
    folders: tuple[str, ...]
    made_again: bool = True
    cleared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Files of a kind that are there."""

    kind: CacheKind
    files: tuple[Path, ...]
    size: int  # bytes

    @property
    def num(self) -> int:
        """How many files there are."""
        return len(self.files)


KINDS: tuple[CacheKind, ...] = (
    CacheKind(
        name="decoded",
        what="decoded images, shared by all runs",
        folders=("decoded",),
    ),
    CacheKind(
        name="unpacked",
        what="tar archives of images that are packed, unpacked",
        folders=("unpacked",),
    ),
    CacheKind(
        name="received",
        what="data sets and weights that a cluster's coordinator has sent",
        folders=("received",),
    ),
    CacheKind(
        name="facts",
        what="hashes and headers of image files, facts of data sets and networks",
        folders=("files", "photos", "facts", "networks", "file-hashes"),
    ),
    CacheKind(
        name="data",
        what="data sets that were downloaded or put there",
        folders=tuple(f"data/{name}" for name in KNOWN),
        made_again=False,
    ),
    CacheKind(
        name="arrays",
        what="arrays that were given in memory; studies of them read these files",
        folders=("arrays",),
        made_again=False,
    ),
    CacheKind(
        name="models",
        what="models that were given in memory; studies with them read these files",
        folders=("models",),
        made_again=False,
    ),
    CacheKind(
        name="weights",
        what="weight files that were put there; headstart never deletes them",
        folders=("weights",),
        made_again=False,
        cleared=False,
    ),
)


def held() -> tuple[Held, ...]:
    """What is cached, by kind."""
    return tuple(_held(kind) for kind in KINDS)


def chosen(names: Sequence[str]) -> tuple[Held, ...]:
    """What is cached of some kinds; without names, of those that are made again by themselves.

    Raises:
        OutputError: there is no such kind.
    """
    known = {kind.name: kind for kind in KINDS if kind.cleared}
    if wrong := [str(unknown("kind", name, known)) for name in names if name not in known]:
        raise OutputError("\n".join(wrong))
    kinds = [known[name] for name in dict.fromkeys(names)]
    return tuple(_held(kind) for kind in kinds or [kind for kind in KINDS if kind.made_again])


def clear(some: Sequence[Held]) -> None:
    """Delete files; another process may have deleted some of them meanwhile.

    Raises:
        OutputError: a file may not be deleted.
    """
    for one in some:
        for path in one.files:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(
                    f"{path} cannot be deleted: {error.strerror or error}."
                ) from error
        for folder in one.kind.folders:
            with suppress(OSError):  # something else lies there
                (cache_folder() / folder).rmdir()


def _held(kind: CacheKind) -> Held:
    files = {path: size for folder in kind.folders for path, size in _files(kind, folder)}
    return Held(kind=kind, files=tuple(files), size=sum(files.values()))


def _files(kind: CacheKind, folder: str) -> Iterator[tuple[Path, int]]:
    """Files of headstart in a folder of the cache, and their sizes."""
    place = cache_folder() / folder
    paths = (
        sorted(place.iterdir() if kind.made_again else place.rglob("*"))
        if os.path.isdir(place)
        else ()
    )
    for path in paths:
        own = not kind.made_again or _OWN.fullmatch(path.name)
        if own and path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):
                yield path, path.stat().st_size
