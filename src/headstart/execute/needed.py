"""What steps read besides finished steps, and how a node that does not see it is sent it.

Whether a node sees something is a question of content, not of names: a folder of the same name may
hold other photos. What is sent lies in the node's cache under a hash of its content, and counts
only once all of it is there.
"""

import hashlib
import shutil
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from headstart.core.errors import ClusterError, HeadstartError
from headstart.core.files import cache_folder, written_whole
from headstart.core.hashing import digest
from headstart.core.locks import locked
from headstart.core.sizes import size_text
from headstart.data.catalogue import PARTS
from headstart.data.datasets import facts_of, open_part
from headstart.data.formats.prepared import PIECE, num_bytes, pieces, prepared_arrays
from headstart.networks.libraries.adapter import adapter_for
from headstart.networks.pretrained import file_hash
from headstart.plan.steps import Step
from headstart.study.tasks import DataRef

MARGIN = 200_000_000  # bytes that stay free on the disk of a node


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is sent: its size in bytes, and its bytes, some at a time."""

    size: int
    pieces: Iterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededData:
    """A data set: its name in steps, how it is found and decoded, and the hash of its content."""

    name: str
    data: DataRef
    hash: str

    def __str__(self) -> str:
        return f"data set '{self.data.dataset}'"

    @property
    def received(self) -> Path:
        """Its arrays on a machine that was sent them, named by content and decoding."""
        return _folder() / f"{digest({'content': self.hash, 'images': self.name})}.npy"

    def is_seen(self) -> bool:
        """Whether a data set of this content is found here."""
        try:
            return facts_of(self.data).content == self.hash
        except HeadstartError:
            return False

    def content(self) -> Content:
        """Its images, decoded, with all that says which are drawn.

        Raises:
            DataError: they are too many to be sent, or no longer what they were.
        """
        arrays = prepared_arrays([open_part(self.data, part) for part in PARTS])
        return Content(size=num_bytes(arrays), pieces=pieces(arrays))

    def placed(self, step: Step) -> Step:
        """The step that opens the arrays."""
        if self.name not in step.datasets:
            return step
        there = replace(step.datasets[self.name], prepared=str(self.received))
        return replace(step, datasets={**step.datasets, self.name: there})


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededFile:
    """A file of weights and the SHA-256 of its bytes."""

    path: str
    hash: str

    def __str__(self) -> str:
        return f"file {self.path}"

    @property
    def received(self) -> Path:
        """The file on a machine that was sent it; by its suffix readers know how it is written."""
        return _folder() / f"{self.hash}{Path(self.path).suffix}"

    def is_seen(self) -> bool:
        """Whether the path leads to these bytes."""
        try:
            return file_hash(Path(self.path)) == self.hash
        except HeadstartError:
            return False

    def content(self) -> Content:
        """Its bytes."""
        path = Path(self.path)
        return Content(size=path.stat().st_size, pieces=_read(path))

    def placed(self, step: Step) -> Step:
        """The step that reads the file here."""
        if self.hash not in step.files:
            return step
        return replace(step, files={**step.files, self.hash: str(self.received)})


Item = NeededData | NeededFile
"""Something that is sent to a node that does not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededNetwork:
    """A network that is made of files. They may name others, so that they are never sent."""

    kind: str
    name: str
    hash: str

    def __str__(self) -> str:
        return f"network {self.kind}:{self.name}"

    def is_seen(self) -> bool:
        """Whether the files that define the network are these."""
        try:
            return adapter_for(self.kind).content(self.name) == self.hash
        except HeadstartError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededLibrary:
    """The library of a kind of network, in any version: of versions nodes are asked apart."""

    kind: str

    def __str__(self) -> str:
        return f"library for networks of kind '{self.kind}'"

    def is_seen(self) -> bool:
        """Whether it is installed."""
        try:
            adapter_for(self.kind).version()
        except HeadstartError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What steps read: `items` may be sent, and only those.

    `networks` must lie under the same path everywhere, and `libraries` must be installed.
    """

    items: tuple[Item, ...] = ()
    networks: tuple[NeededNetwork, ...] = ()
    libraries: tuple[NeededLibrary, ...] = ()

    def lacking(self) -> tuple[Item, ...]:
        """Items that this machine neither sees nor has received."""
        return tuple(
            item for item in self.items if not item.received.exists() and not _is_seen(item)
        )

    def missing(self) -> tuple[str, ...]:
        """What this machine lacks and cannot be sent, in words."""
        needed = (*self.libraries, *self.networks)
        return tuple(f"no {one}" for one in needed if not _is_seen(one))

    def placed(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Steps that read here what was received, and all else where it lies."""
        for item in self.items:
            if not _is_seen(item) and item.received.exists():
                steps = [item.placed(step) for step in steps]
        return tuple(steps)


def needed_by(steps: Iterable[Step]) -> Needed:
    """What steps read."""
    items, networks = dict[str, Item](), dict[str, NeededNetwork]()
    libraries = dict[str, NeededLibrary]()
    for step in steps:
        for name, of in step.datasets.items():
            if name not in items:
                items[name] = NeededData(name=name, data=of, hash=facts_of(of).content)
        network = step.payload.get("network", {})
        if kind := network.get("kind"):
            libraries[kind] = NeededLibrary(kind=kind)
        for content, path in step.files.items():
            if content == network.get("content"):
                networks[content] = NeededNetwork(kind=network["kind"], name=path, hash=content)
            else:
                items[content] = NeededFile(path=path, hash=content)
    return Needed(
        items=tuple(items.values()),
        networks=tuple(networks.values()),
        libraries=tuple(libraries.values()),
    )


@lru_cache(maxsize=256)
def _is_seen(one: Item | NeededNetwork | NeededLibrary) -> bool:
    """Whether this machine sees it; looked at once for all jobs that its process does."""
    return one.is_seen()


def receive(item: Item, size: int, sha256: str, sent: Iterable[bytes]) -> None:
    """Write what is sent into the cache of this machine, unless it is there.

    Args:
        item: what it is.
        size: in bytes.
        sha256: of all bytes.
        sent: the bytes, some at a time.

    Raises:
        ClusterError: there is no space, or what came is not what was sent.
    """
    path, host = item.received, socket.gethostname()
    with locked(path.with_name(f"{path.name}.lock")):
        if path.exists():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(path.parent).free
            if free < size + MARGIN:
                raise ClusterError(
                    f"{host} has no space for {item}: {size_text(size)} are needed, and "
                    f"{size_text(free)} are free in {path.parent}"
                )
            state = hashlib.sha256()
            with written_whole(path) as temporary:
                with temporary.open("wb") as file:
                    for piece in sent:
                        state.update(piece)
                        file.write(piece)
                if state.hexdigest() != sha256:
                    raise ClusterError(f"{host} has received {item} damaged")
        except OSError as error:
            raise ClusterError(f"{host} cannot keep {item}: {error}") from error


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _folder() -> Path:
    return cache_folder() / "received"
