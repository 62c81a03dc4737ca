"""Gates of what is on record: fits, rows and their lineage, source runs, environments."""

from collections.abc import Callable, Iterator

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, named
from headstart.store.store import Provenance


def _fits(seen: Evidence) -> Iterator[Finding]:
    cells = frozenset(cell for cell, record in seen.each() if record.fit is None)
    if cells:
        yield Finding(
            message=f"how well {named(cells)} answer their own training images was not measured in "
            "eval mode: no generalisation gap is told there.",
            cells=cells,
        )


def _intact(seen: Evidence) -> Iterator[Finding]:
    if cells := _resting_on(seen, lambda made: not made.intact):
        yield Finding(
            message=f"{named(cells)} rest on rows of the store that were changed after they were "
            "written: their settings or data are no longer those that their keys name.",
            cells=cells,
        )


def _traced(seen: Evidence) -> Iterator[Finding]:
    lineage = seen.lineage
    lost = {cell: lineage.lost(cell) - lineage.source_runs for cell in lineage.behind}
    if cells := frozenset(cell for cell, keys in lost.items() if keys):
        number = len(frozenset().union(*lost.values()))
        yield Finding(
            message=f"{number} steps behind {named(cells)} are no longer in the store; run the "
            "same command again to have them there.",
            cells=cells,
        )
    if cells := _resting_on(seen, lambda made: not made.environment.get("headstart")):
        yield Finding(
            message=f"rows behind {named(cells)} do not say which version of headstart made them.",
            cells=cells,
        )
    first = lineage.first_planned
    if cells := _resting_on(seen, lambda made: not first or made.finished_at < first):
        yield Finding(
            message=f"rows behind {named(cells)} were finished before any study had been planned "
            "on this store: nothing shows that their question was fixed beforehand.",
            cells=cells,
        )


def _resting_on(seen: Evidence, wrong: Callable[[Provenance], bool]) -> frozenset[Cell]:
    """Cells with a step behind them that is wrong."""
    bad = frozenset(key for key, made in seen.lineage.made.items() if wrong(made))
    return frozenset(
        cell
        for cell, by_seed in seen.lineage.behind.items()
        if any(keys & bad for keys in by_seed.values())
    )


def _source_runs(seen: Evidence) -> Iterator[Finding]:
    lineage = seen.lineage
    cells = frozenset(c for c in lineage.behind if lineage.lost(c) & lineage.source_runs)
    if cells:
        sources = ", ".join(f"'{name}'" for name in sorted({cell[0] for cell in cells}))
        yield Finding(
            message=f"source runs on {sources} behind {named(cells)} are no longer in the store: "
            "what they cost is told as planned, not as recorded.",
            cells=cells,
        )


def _one_environment(seen: Evidence) -> Iterator[Finding]:
    found = {
        tuple(sorted(row.environment.items()))
        for records in (seen.records, seen.sources)
        for by_seed in records.values()
        for record in by_seed.values()
        for row in record.train_rows
    }
    if len(found) > 1:
        names = sorted(
            {
                name
                for one in found
                for other in found
                for name, value in one
                if dict(other).get(name) != value
            }
        )
        yield Finding(message=f"results were computed with different {', '.join(names)}.")


RECORDED_GATES: tuple[GateSpec, ...] = (
    GateSpec(
        id="CHK-14",
        title="Training accuracy in eval mode",
        severity="caveat",
        good="Every arm was tried on its own training images in eval mode, as on the test images.",
        look=_fits,
    ),
    GateSpec(
        id="CHK-18",
        title="Numbers rest on recorded runs",
        severity="invalid",
        good="Every row behind a number is the one that its key names: settings, data and inputs.",
        look=_intact,
    ),
    GateSpec(
        id="CHK-18-trace",
        title="Every run can be retraced",
        severity="caveat",
        good="Every step behind a number is in the store, with its version, planned beforehand.",
        look=_traced,
    ),
    GateSpec(
        id="CHK-20-source",
        title="Source runs are on record",
        severity="caveat",
        good="Every source run that an arm rests on is in the store with its cost.",
        look=_source_runs,
    ),
    GateSpec(
        id="ENV",
        title="One environment",
        severity="caveat",
        good="All results were computed with the same versions on the same kind of device.",
        look=_one_environment,
    ),
)
