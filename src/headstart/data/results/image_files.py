"""Files of the test images that results name, found among the files of a data set."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headstart.core.errors import DataError, Problem, nearest
from headstart.core.names import few, in_a_row, quoted
from headstart.core.printable import printable_name

_NAMED = 3  # of many that a message is about
_SEARCHED = 2_000  # files among which the nearest name is sought
_BY_PATH, _BY_NAME, _BY_STEM = "path", "file name alone", "name without its ending"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """Files of named images.

    Attributes:
        at: position of the file of each name (names,), -1 where none is found.
        notes: how they were found, and which were not.
    """

    at: np.ndarray
    notes: tuple[str, ...]

    @property
    def names(self) -> np.ndarray:
        """Positions of the names whose files are found (found,)."""
        return np.flatnonzero(self.at >= 0)

    @property
    def files(self) -> np.ndarray:
        """Positions of their files (found,)."""
        return self.at[self.at >= 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Files by their names, and by these without endings."""

    files: Sequence[Sequence[str]]  # folders and name of each, without the ending
    endings: Sequence[str]
    tested: Sequence[bool]
    by_stem: Mapping[str, Sequence[int]]

    def candidates(self, name: str) -> tuple[list[int], str]:
        """The files that fit a name best, and by what they do."""
        *folders, last = _folders(printable_name(name.replace("\\", "/")))
        stem, ending = _split(last)
        alike = self.by_stem.get(last, []) if ending else []
        there = self.by_stem.get(stem, [])
        same = [at for at in there if self.endings[at] == ending]
        found = same or [*there, *alike]
        if not found:
            return [], ""
        common = {at: _common(folders, self.files[at][:-1]) for at in found}
        most = max(common.values())
        best = [at for at in found if common[at] == most]
        best = [at for at in best if self.tested[at]] or best
        if not same:
            return best, _BY_STEM
        depth = min(len(self.files[at]) - 1 for at in best)
        ends = most == min(len(folders), depth) and (most > 0 or not (folders or depth))
        return best, _BY_PATH if ends else _BY_NAME


def find_files(
    names: Sequence[str], files: Sequence[str], tested: Sequence[bool], place: str
) -> FoundFiles:
    """The file of each name: by its path, else by its file name, else by that without its ending.

    Of several files of a name it is the one that shares most folders with it, counted from the end;
    of those that share as many the one that lies in the test part.

    Args:
        names: of images, as results have them: paths, file names, or these without endings.
        files: paths of image files as they are listed: parts joined by '/', printable.
        tested: whether each file lies in a test part.
        place: where the files are, for errors.

    Raises:
        DataError: no name has a file, or one has several, or two have the same.
    """
    among = _placed(files, tested)
    at = np.full(len(names), -1, np.int64)
    rules: Counter[str] = Counter()
    several: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        found, rule = among.candidates(name)
        if len(found) > 1:
            several[name] = [files[one] for one in found]
        elif found:
            at[number] = found[0]
            rules[rule] += 1
    twice = _twice(names, files, at)
    if several or twice:
        raise DataError(_ambiguous(several, twice, len(names), place))
    if not rules:
        raise DataError(_none(names, files, place))
    return FoundFiles(at=at, notes=tuple(_notes(names, files, at, rules, place)))


def _placed(files: Sequence[str], tested: Sequence[bool]) -> _Place:
    split, endings = [], []
    by_stem: dict[str, list[int]] = defaultdict(list)
    for at, file in enumerate(files):
        *folders, last = _folders(file)
        stem, ending = _split(last)
        split.append((*folders, stem))
        endings.append(ending)
        by_stem[stem].append(at)
    return _Place(files=split, endings=endings, tested=tested, by_stem=by_stem)


def _folders(path: str) -> list[str]:
    """Folders of a path and its last name."""
    pieces = [one for one in path.split("/") if one not in ("", ".")]
    return pieces or [path]


def _split(name: str) -> tuple[str, str]:
    """A file's name without its ending, and that in small letters."""
    stem, dot, ending = name.rpartition(".")
    return (stem, ending.lower()) if dot and stem else (name, "")


def _common(folders: Sequence[str], others: Sequence[str]) -> int:
    """How many folders two paths have in common, counted from the end."""
    number = 0
    for one, other in zip(reversed(folders), reversed(others), strict=False):
        if one != other:
            break
        number += 1
    return number


def _twice(names: Sequence[str], files: Sequence[str], at: np.ndarray) -> list[str]:
    """Files that two names or more lead to."""
    positions, counts = np.unique(at[at >= 0], return_counts=True)
    return [
        f"{in_a_row(quoted(names[one] for one in np.flatnonzero(at == file)[:2]))} are both "
        f"{files[file]}"
        for file in positions[counts > 1][: _NAMED + 1].tolist()
    ]


def _ambiguous(
    several: Mapping[str, Sequence[str]], twice: Sequence[str], num: int, place: str
) -> str:
    shown = [f"'{name}' may be {few(files, 2)}" for name, files in several.items()]
    return str(
        Problem(
            where=place,
            message=f"which files the test images are is not clear for {len(shown) + len(twice):,} "
            f"of {num:,} names: {few([*shown, *twice], _NAMED)}.",
            allowed="Expected names that fit one file each: paths below that folder.",
            fix="Save the path of each image with its answer, or give the folder of these very "
            "images.",
        )
    )


def _none(names: Sequence[str], files: Sequence[str], place: str) -> str:
    return str(
        Problem(
            where=place,
            message=f"none of the {len(names):,} test images that the results name is among its "
            f"{len(files):,} image files.",
            allowed=f"The results have {few(quoted(names), _NAMED)}; the files are "
            f"{few(quoted(files), _NAMED)}.",
            fix=nearest(names[0], files[:_SEARCHED])
            or "Give the folder of the images that the results were made on; or name the column "
            "that holds their paths: --column image=NAME.",
        )
    )


def _notes(
    names: Sequence[str], files: Sequence[str], at: np.ndarray, rules: Counter[str], place: str
) -> Iterator[str]:
    """How names were found, with an example of each guess, and what was not."""
    found = int((at >= 0).sum())
    how = ", ".join(f"{rules[rule]:,} by {rule}" for rule in (_BY_PATH, _BY_NAME, _BY_STEM)
                    if rules[rule])  # fmt: skip
    example = next(
        (f"; '{names[n]}' is {files[at[n]]}" for n in np.flatnonzero(at >= 0).tolist()
         if names[n] != files[at[n]]), ""
    )  # fmt: skip
    yield f"{place}: {found:,} of {len(names):,} test images found ({how}{example})"
    missing = np.flatnonzero(at < 0)
    if len(missing):
        shown = [f"'{names[n]}' {nearest(names[n], files[:_SEARCHED])}".strip()
                 for n in missing[:_NAMED].tolist()]  # fmt: skip
        one = len(missing) == 1
        yield (
            f"{place}: {len(missing):,} test image{' is' if one else 's are'} not there, and "
            f"count{'s' * one} as {'it is' if one else 'they are'}: {few(shown, _NAMED)}"
        )
