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

from headstart.core.errors import ClusterError, DataError
from headstart.data.find import where

COMPARED = ("headstart", "torch", "numpy", "timm", "transformers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What steps read on a node: files of weights, and data sets by name or path."""

    files: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


Versions = Mapping[str, str]
"""Version by name of what numbers depend on; packages that are not installed are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """What was found on a node: whether it sees the store's folder, and what it lacks, in words."""

    host: str
    versions: Versions
    sees_store: bool
    missing: tuple[str, ...]


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


def look(token: Token, needed: Needed) -> NodeReport:
    """Report of the machine that this is called on."""
    files = (f"no file {file}" for file in needed.files if not Path(file).exists())
    datasets = (f"no data set '{name}'" for name in needed.datasets if not _found(name))
    return NodeReport(
        host=socket.gethostname(),
        versions=versions_here(),
        sees_store=token.seen(),
        missing=(*files, *datasets),
    )


def _found(dataset: str) -> bool:
    try:
        return where(dataset) is not None
    except DataError:
        return False


def require_alike(reports: Sequence[NodeReport], *, any_version: bool) -> bool:
    """Whether all nodes share the store's folder.

    Args:
        reports: of all nodes.
        any_version: whether nodes with other versions may work.

    Raises:
        ClusterError: with all that is wrong on all nodes.
    """
    here, wrong = versions_here(), list[str]()
    for report in reports:
        if not any_version:
            wrong += other_versions(report.host, report.versions, here)
        wrong += [f"{report.host} has {lack}" for lack in report.missing]
    if wrong:
        lines = "\n  - ".join(dict.fromkeys(wrong))
        raise ClusterError(
            f"not all nodes can do this work:\n  - {lines}\nInstall the same versions everywhere, "
            "and put data and weights where all nodes see them under the same path"
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
