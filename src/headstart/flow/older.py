"""Results of an older version in a store: kept, reported where possible, never mixed with new ones.

Until image files were identified by their bytes (docs/decisions/0014), they were identified by the
pixels they decode to; until photos of other proportions were cropped, they were stretched. Steps on
them have other keys now, and are run again.
"""

from pathlib import Path

from headstart.core.errors import StoreError
from headstart.core.hashing import Json
from headstart.flow.check import Loaded
from headstart.store.records import StudyRow
from headstart.store.store import Store
from headstart.study.facts import Facts
from headstart.study.study import StudySpec


def older_results(loaded: Loaded, folder: Path) -> tuple[str, ...]:
    """A sentence for each folder of photos whose stored results are of an older version."""
    photos = [origin for origin, facts in loaded.facts.datasets.items() if facts.from_files]
    if not photos or not (folder / "headstart.db").is_file():
        return ()
    with Store(folder, reading=True) as store:
        rows = [row for row in store.studies() if row.name == loaded.study.name]
    latest = rows[0].facts if rows else {}
    by_pixels = tuple(
        f"what the store holds of '{origin}' was computed by an older version, which identified "
        "photos by their pixels and not by their files: it stays there, and steps are run again."
        for origin in photos
        if _identified_by_pixels(latest, origin)
    )
    stretched = tuple(
        f"what the store holds of '{origin}' was computed by an older version, which stretched "
        "photos of other proportions; they are cropped now, and steps are run again. To go on with "
        'what is stored: image = { fit = "stretch" } in the task.'
        for origin in _cropped_by_default(loaded)
        if "sizes" in (stored := latest.get(origin, {})) and "proportions" not in stored
    )
    return by_pixels + stretched


def _cropped_by_default(loaded: Loaded) -> tuple[str, ...]:
    """Data sets whose photos are cropped because no task and no network says anything else."""
    study, facts = loaded.study, loaded.facts
    uses = [
        (study.tasks[name], study.network_of(pair))
        for pair in study.pairs
        for name in (study.source_of(pair).task, pair.target)
        if name is not None
    ]
    return tuple(
        dict.fromkeys(
            task.data.origin
            for task, network in uses
            if facts.data(task, network) == task.data.cropping(facts.of(task)) != task.data
        )
    )


def require_known(study: StudySpec, facts: Facts, row: StudyRow) -> None:
    """Raise a StoreError where a study was stored with facts that cannot be read any more."""
    unknown = [task.dataset for task in study.tasks.values() if not facts.knows(task)]
    if unknown:
        raise StoreError(
            f"study '{row.name}' in the store was run by an older version, which identified the "
            f"photos of '{unknown[0]}' by their pixels. Its results stay in the store, but cannot "
            f"be reported any more. Run it again: {row.command or 'headstart run ...'}"
        )


def _identified_by_pixels(stored: Json, origin: str) -> bool:
    """Whether stored facts are of photos at `origin` and hold no sizes of files."""
    return any(
        name.split(" at ")[0].startswith(origin) and "content" in facts and "sizes" not in facts
        for name, facts in stored.items()
    )
