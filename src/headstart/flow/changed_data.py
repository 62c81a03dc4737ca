"""Image files that are not what they were when a study on them was last run on a store."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from headstart.flow.check import Loaded
from headstart.store.records import StudyRow
from headstart.store.store import Store
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import facts_from


def changed_data(loaded: Loaded, folder: Path) -> tuple[str, ...]:
    """A sentence for each folder, archive or table whose images have changed since, with numbers.

    Args:
        loaded: the study.
        folder: of the store.
    """
    files = {origin: facts for origin, facts in loaded.facts.datasets.items() if facts.from_files}
    if not files or not (folder / "headstart.db").is_file():
        return ()
    with Store(folder, reading=True) as store:
        rows = store.studies()
    latest = [(facts, _last_on(origin, facts.place, rows)) for origin, facts in files.items()]
    return tuple(
        _sentence(last.study, last.facts, facts)
        for facts, last in latest
        if last is not None and last.facts.content != facts.content
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Last:
    """The study that was run last on some image files, and what they were then."""

    study: str
    facts: DatasetFacts


def _last_on(origin: str, place: str, rows: Iterable[StudyRow]) -> _Last | None:
    for row in rows:
        facts = facts_from(row.facts).datasets.get(origin)
        if facts is not None and facts.place == place:
            return _Last(study=row.name, facts=facts)
    return None


def _sentence(study: str, before: DatasetFacts, now: DatasetFacts) -> str:
    # Of all parts: a study may deal others than those of the files.
    then, number = (sum(facts.train_counts) + sum(facts.test_counts) for facts in (before, now))
    what = "has grown" if number > then else "has changed"
    return (
        f"{now.place} {what} since study '{study}' was last run on it: {then:,} images then, "
        f"{number:,} now. What is stored stays, and is of the images of then."
    )
