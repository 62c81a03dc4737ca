"""A folder of files on disk."""

import os
import stat
from functools import cached_property
from pathlib import Path

from headstart.core.files import open_regular, special_kind, text_of
from headstart.core.printable import printable_name
from headstart.data.errors import fault
from headstart.data.formats.listing import (
    LARGEST,
    SHOWN,
    DamagedFile,
    Listing,
    check_depth,
    check_size,
    hidden,
    unreadable,
)


class Folder:
    """Files on disk. Links are followed, but never back into a folder that leads to them.

    Args:
        path: the folder.
        follow_links: whether links that lead out of it are followed too.
    """

    def __init__(self, path: Path, follow_links: bool = False) -> None:
        self.path = path
        self._follow_links = follow_links
        self._paths: dict[str, str] = {}
        self._damaged: dict[str, str] = {}

    @cached_property
    def listing(self) -> Listing:
        """What is there."""
        scan = _Scan(self.path, self._follow_links)
        try:
            scan.folder(str(self.path), "", ())
        except OSError as error:
            raise unreadable(Path(error.filename or self.path), error) from error
        scan.refuse_links()
        self._paths, self._damaged = scan.paths, scan.damaged
        return Listing(
            files=scan.files, folders=frozenset(scan.folders), num_links=scan.num_followed
        )

    def read(self, name: str) -> bytes:
        self.listing  # noqa: B018  # which says where each name lies
        if name in self._damaged:
            raise DamagedFile(self._damaged[name])
        try:
            with open_regular(self._paths[name]) as file:
                check_size(os.fstat(file.fileno()).st_size)
                return file.read(LARGEST)
        except OSError as error:
            raise unreadable(self.path / name, error) from error


class _Scan:
    """One pass over a folder and all below it."""

    def __init__(self, path: Path, follow_links: bool) -> None:
        self.path = path
        self.root = os.path.realpath(path)
        self.follow_links = follow_links
        self.files: dict[str, tuple[int, int]] = {}
        self.folders: set[str] = set()
        self.paths: dict[str, str] = {}
        self.damaged: dict[str, str] = {}
        self.links: list[str] = []  # that lead out
        self.lost: list[str] = []  # that lead to nothing, and may have been folders
        self.num_followed = 0

    def folder(self, folder: str, prefix: str, above: tuple[tuple[int, int], ...]) -> None:
        """List one folder; `prefix` is its name inside with a '/', `above` are all around it."""
        check_depth(self.path, prefix.split("/"))
        own = os.stat(folder)
        identity = (own.st_dev, own.st_ino)
        if identity in above:
            return
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if not hidden(entry.name):
                    self._entry(entry, prefix, (*above, identity))

    def _entry(
        self, entry: "os.DirEntry[str]", prefix: str, above: tuple[tuple[int, int], ...]
    ) -> None:
        plain = entry.name.isascii() and entry.name.isprintable()  # nearly all are
        own = entry.name if plain else printable_name(text_of(entry.name))
        name = f"{prefix}{own}"
        if name in self.paths or name in self.folders:
            raise fault(self.path, f"holds two files that read '{name}'.", fix="Rename one.")
        if entry.is_symlink() and not self._follows(entry, name):
            return
        if entry.is_dir():
            self.folders.add(name)
            self.folder(entry.path, f"{name}/", above)
            return
        state, self.paths[name] = entry.stat(), entry.path
        self.files[name] = (state.st_size, state.st_mtime_ns)
        if kind := special_kind(state.st_mode):
            self._damage(name, f"is {kind}, not a file")

    def _follows(self, entry: "os.DirEntry[str]", name: str) -> bool:
        """Whether a link is taken for what it leads to."""
        target = os.path.realpath(entry.path)
        try:
            os.stat(entry.path)
        except OSError:
            if not os.path.splitext(entry.name)[1]:
                self.lost.append(f"{name} to {printable_name(text_of(target))}")
            self._damage(name, f"is a link to nothing ({printable_name(text_of(target))})")
            return False
        within = target == self.root or target.startswith(os.path.join(self.root, ""))
        if within or self.follow_links:
            self.num_followed += not within
            return True
        self.links.append(f"{name} to {printable_name(text_of(target))}")
        return False

    def _damage(self, name: str, why: str) -> None:
        self.files[name], self.damaged[name] = (0, 0), why

    def refuse_links(self) -> None:
        """Refuse links that lead out and are not to be followed, and those of lost folders.

        Raises:
            DataError: there are any.
        """
        if self.lost:
            more = f" and {len(self.lost) - SHOWN:,} more" if len(self.lost) > SHOWN else ""
            raise fault(
                self.path,
                f"holds links to nothing: {', '.join(self.lost[:SHOWN])}{more}.",
                "Expected folders of images, or images.",
                "Mend the links (is a disk not mounted?), or remove them.",
            )
        if self.links:
            num = len(self.links)
            more = f" and {num - SHOWN:,} more" if num > SHOWN else ""
            raise fault(
                self.path,
                f"{num:,} link{'s lead' if num > 1 else ' leads'} out of this folder: "
                f"{', '.join(self.links[:SHOWN])}{more}.",
                "Expected files in the folder itself, for what lies elsewhere may change unseen.",
                "If that is meant: --follow-links, or `image = { follow_links = true }` in the "
                "task.",
            )


def state_of(path: Path) -> tuple[int, int]:
    """Size and time of change of a file.

    Raises:
        DataError: it is not there, or no regular file.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            open_regular(path).close()
    except OSError as error:
        raise unreadable(path, error) from error
    return state.st_size, state.st_mtime_ns
