"""Image files by what a table calls them: a path, the end of one, or a name without suffix."""

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath


class FileIndex:
    """Image files by every end of their paths, with and without suffix, in any case.

    Args:
        names: paths of the files below the data set, parts joined by '/'.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_end: dict[str, dict[str, None]] = {}
        for name in names:
            for end in _ends(name):
                for spelling in (end, end.casefold()):
                    self._by_end.setdefault(spelling, {})[name] = None

    def found(self, path: str) -> tuple[str, ...]:
        """The files whose path ends so; the one with exactly that path comes alone."""
        files = tuple(self._by_end.get(path) or self._by_end.get(path.casefold()) or ())
        whole = tuple(name for name in files if spelled(name) == path)
        return whole or files


class FileFinder:
    """Finds image files by the cells of a column.

    Folders that all cells begin with need not be there, for tables are written on other computers.
    Where cells name several files each, as `7` does in train/ and test/, those in the one folder
    that has a file for each of the cells are meant.

    Args:
        index: of the files.
        cells: of the column.
    """

    def __init__(self, index: FileIndex, cells: Iterable[str]) -> None:
        self._index = index
        wanted = [path for cell in cells if (path := _plain(cell))]
        self._prefix = "" if any(map(index.found, wanted)) else self._missing_prefix(wanted)
        folders = [
            {_folder(name) for name in files} for path in wanted if (files := self._found(path))
        ]
        common = set.intersection(*folders) if folders else set()
        self._folder = common.pop() if len(common) == 1 else None

    def find(self, cell: str) -> tuple[str, ...]:
        """The files that a cell names: one; none; or several where it is not clear which."""
        files = self._found(_plain(cell)) if cell else ()
        if len(files) > 1 and self._folder is not None:
            return tuple(name for name in files if _folder(name) == self._folder)
        return files

    def _found(self, path: str) -> tuple[str, ...]:
        return self._index.found(path.removeprefix(self._prefix))

    def _missing_prefix(self, paths: Sequence[str]) -> str:
        """The folders in front of all paths without which some are found; empty if none are."""
        if not paths:
            return ""
        parts = paths[0].split("/")
        for depth in range(1, len(parts)):
            prefix = "/".join(parts[:depth]) + "/"
            if not all(path.startswith(prefix) for path in paths):
                break
            if any(self._index.found(path[len(prefix) :]) for path in paths):
                return prefix
        return ""


def spelled(name: str) -> str:
    """One spelling of accents, whatever the file system made of them."""
    return unicodedata.normalize("NFC", name)


def _plain(cell: str) -> str:
    """A cell as paths are written below a data set."""
    return spelled(cell.replace("\\", "/")).removeprefix("./")


def _ends(name: str) -> list[str]:
    """All ends of a path, with and without its suffix."""
    whole = spelled(name)
    bare = whole[: len(whole) - len(PurePosixPath(whole).suffix)]
    parts = whole.count("/") + 1
    return [path.split("/", at)[-1] for path in (whole, bare) for at in range(parts)]


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
