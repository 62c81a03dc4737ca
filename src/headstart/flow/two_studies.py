"""Two studies of stores, side by side."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import StoreError
from headstart.flow.reopen import Reopened, named, need_store, reopen_number, report_again
from headstart.metrics import METRICS
from headstart.store.store import Store
from headstart.study.differences import Difference, differences

if TYPE_CHECKING:
    from headstart.analyse.side_by_side import Side, SideBySide


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlace:
    """A study by its number in a store."""

    folder: Path
    number: int


def find_two(first: str, second: str, folders: tuple[Path, Path]) -> tuple[StudyPlace, StudyPlace]:
    """Two studies by their names; one name twice means the last two studies of that name.

    Raises:
        StoreError: a store has no such study, or both would be the same. SpecError: as `reopen`
            raises it.
    """
    found = []
    for name, folder in zip((first, second), folders, strict=True):
        need_store(folder)
        with Store(folder, unchanged=True) as store:
            found.append([row.number for row in named(store, name)])
    (ours, theirs), same = found, folders[0].resolve() == folders[1].resolve()
    if same and ours[0] == theirs[0]:
        if len(ours) < 2:
            raise StoreError(
                f"the store {folders[0]} has one study called '{first}', and a study is compared "
                "with another. headstart status lists all."
            )
        ours = ours[1:]
    return (
        StudyPlace(folder=folders[0], number=ours[0]),
        StudyPlace(folder=folders[1], number=theirs[0]),
    )


def compare_studies(
    first: StudyPlace, second: StudyPlace, *, unchanged: bool = False
) -> "SideBySide":
    """Two studies side by side, as far as they are done; nothing is run.

    A look at their comparisons is remembered, as by a report, but with `unchanged`.

    Raises:
        StoreError: a store has no such study, or cannot be read.
    """
    from headstart.analyse.side_by_side import side_by_side

    (one, ours), (other, theirs) = (_side(place, unchanged) for place in (first, second))
    both = differences(one.loaded.study, other.loaded.study)
    return side_by_side(ours, theirs, (*both, *_data(one, other)))


def _side(place: StudyPlace, unchanged: bool) -> "tuple[Reopened, Side]":
    from headstart.analyse.records import gather
    from headstart.analyse.side_by_side import Side

    with Store(place.folder, reading=True, unchanged=unchanged) as store:
        reopened = reopen_number(store, place.number)
        analysis, _ = report_again(store, reopened)
        study = reopened.loaded.study
        return reopened, Side(
            name=study.name,
            analysis=analysis,
            records=gather(reopened.plan, store, METRICS[study.metric]),
            overlaps=reopened.plan.overlaps,
        )


def _data(first: Reopened, second: Reopened) -> list[Difference]:
    """Data sets that are called alike in both studies and are not the same."""
    ours, theirs = (one.loaded.facts.datasets for one in (first, second))
    return [
        Difference(
            field=f"content of {name}",
            first=ours[name].content[:12],
            second=theirs[name].content[:12],
        )
        for name in ours
        if name in theirs and ours[name].content != theirs[name].content
    ]
