"""What a node of a cluster must have before work is sent to it: versions, weights and data."""

import platform
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from headstart.core.errors import ClusterError, HeadstartError
from headstart.execute.environment import NETWORK_LIBRARIES
from headstart.execute.gpus import gpus_here, least_memory
from headstart.execute.needed import Item, Needed
from headstart.execute.same_device import SameDevice, kind_of_node, other_kinds

COMPARED = ("headstart", "torch", "numpy", *NETWORK_LIBRARIES)

Versions = Mapping[str, str]
"""Version by name of what numbers depend on; packages that are not installed are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """What was found on a node: whether it sees the store's folder, and what it lacks.

    `device` is its kind of device where that was asked for, `gpu_bytes` the memory of its smallest
    GPU, 0 where it is not known. `lacking` can be sent; `missing` cannot, in words.
    """

    host: str
    versions: Versions
    sees_store: bool
    device: str = ""
    gpu_bytes: int = 0
    lacking: tuple[Item, ...] = ()
    missing: tuple[str, ...] = ()


@cache
def versions_here() -> Versions:
    """Versions on this machine. Nothing is imported to find them."""
    found = {"python": platform.python_version()}
    for name in COMPARED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Token:
    """A file with a text that was made up for it: who reads that text shares its folder."""

    path: Path
    text: str

    def seen(self) -> bool:
        """Whether this machine reads the text."""
        try:
            return self.path.read_text(encoding="ascii") == self.text
        except (OSError, ValueError):
            return False


class NodeLacks(HeadstartError):
    """A node has joined that lacks what the others have, and that it can be sent."""

    def __init__(self, node: str, host: str, items: Sequence[Item]) -> None:
        super().__init__(node, host, items)
        self.node, self.host, self.items = node, host, items


@contextmanager
def token_in(folder: Path) -> Iterator[Token]:
    """A token in a folder for the time of the block."""
    text = uuid.uuid4().hex
    token = Token(folder.absolute() / "locks" / f"shared-{text}", text)
    token.path.parent.mkdir(exist_ok=True)
    token.path.write_text(text, encoding="ascii")
    try:
        yield token
    finally:
        token.path.unlink(missing_ok=True)


def look(token: Token, needed: Needed, same: SameDevice | None = None) -> NodeReport:
    """Report of the machine that this is called on; with `same`, of its kind of device too."""
    return NodeReport(
        host=socket.gethostname(),
        versions=versions_here(),
        sees_store=token.seen(),
        device=kind_of_node(same.device) if same else "",
        gpu_bytes=least_memory(gpus_here({})),
        lacking=needed.lacking(),
        missing=needed.missing(),
    )


def require_alike(
    reports: Sequence[NodeReport], *, any_version: bool, same: SameDevice | None = None
) -> bool:
    """Whether all nodes share the store's folder.

    Args:
        reports: of all nodes.
        any_version: whether nodes with other versions may work.
        same: what kind of device all must have, if any.

    Raises:
        ClusterError: with all that is wrong on all nodes.
    """
    here, wrong = versions_here(), list[str]()
    for report in reports:
        if not any_version:
            wrong += other_versions(report.host, report.versions, here)
        wrong += [f"{report.host} has {lack}" for lack in report.missing]
    if same:
        wrong += other_kinds([(report.host, report.device) for report in reports], same.kind)
    if wrong:
        lines = "\n  - ".join(dict.fromkeys(wrong))
        raise ClusterError(
            f"not all nodes can do this work:\n  - {lines}\nInstall the same versions everywhere, "
            "and put files of networks where all nodes see them under the same path"
            + ("." if any_version else "; --any-version lets other versions compute.")
        )
    return bool(reports) and all(report.sees_store for report in reports)


def other_versions(host: str, there: Versions, here: Versions) -> list[str]:
    """What a node has in another version than this machine, in words."""
    return [
        f"{host} has {name} {there.get(name, 'not installed')}, this machine "
        f"{here.get(name, 'not installed')}"
        for name in sorted(there.keys() | here.keys())
        if there.get(name) != here.get(name)
    ]
