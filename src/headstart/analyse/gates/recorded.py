"""Gates of the store: fits, rows and their lineage, source runs, environments."""

from collections.abc import Callable, Iterator

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check, named, on_cells
from headstart.analyse.text import listed
from headstart.core.devices import device_kind
from headstart.core.hashing import Json
from headstart.store.records import Provenance


@check("CHK-14", "caveat", "Training accuracy in eval mode")
def _fits(evidence: Evidence) -> Iterator[Finding]:
    """Every finished trial was tried on its own training images in eval mode, as on test images."""
    yield from on_cells(
        (cell for cell, record in evidence.each() if record.fit is None),
        "the accuracy of {cells} on their own training images was not measured in eval mode: no "
        "generalisation gap is reported there.",
    )


@check("CHK-18", "invalid", "Recorded runs are unaltered")
def _intact(evidence: Evidence) -> Iterator[Finding]:
    """Every row of the store behind a number is the one that its key names: settings, data and
    inputs."""
    yield from on_cells(
        _resting_on(evidence, lambda made: not made.intact),
        "{cells} rest on rows of the store that were changed after they were written: their "
        "settings or data are no longer those that their keys name.",
    )


@check("CHK-18-alike", "caveat", "Computed again, steps come out alike")
def _alike(evidence: Evidence) -> Iterator[Finding]:
    """No step behind a number came out otherwise where it happened to be computed once more."""
    made = evidence.lineage.made.values()
    hosts = sorted({_machine(one.otherwise) for one in made if one.otherwise is not None})
    yield from on_cells(
        _resting_on(evidence, lambda made: made.otherwise is not None),
        f"steps behind {{cells}} came out otherwise when they were computed once more on "
        f"{listed(hosts, 'and')}: the machines do not compute alike. What was stored first counts.",
    )


def _machine(environment: Json) -> str:
    """Where something was computed, in words."""
    return f"{device_kind(environment)} (torch {environment.get('torch', 'unknown')})"


@check("CHK-18-trace", "caveat", "Every trial can be retraced")
def _traced(evidence: Evidence) -> Iterator[Finding]:
    """Every step behind a number, source runs aside, is in the store with its version, finished
    after a study had been planned there."""
    lineage = evidence.lineage
    lost = {cell: lineage.lost(cell) - lineage.source_runs for cell in lineage.behind}
    number = len(frozenset().union(*lost.values()))
    yield from on_cells(
        (cell for cell, keys in lost.items() if keys),
        f"{number} steps behind {{cells}} are no longer in the store; run the same command again "
        "to have them there.",
    )
    yield from on_cells(
        _resting_on(evidence, lambda made: not made.environment.get("headstart")),
        "rows behind {cells} do not say which version of headstart made them.",
    )
    first = lineage.first_planned
    yield from on_cells(
        _resting_on(evidence, lambda made: not first or made.finished_at < first),
        "rows behind {cells} were finished before any study had been planned on this store: "
        "nothing shows that their question was fixed beforehand.",
    )


def _resting_on(evidence: Evidence, wrong: Callable[[Provenance], bool]) -> frozenset[Cell]:
    """Cells that depend on a step for which `wrong` holds."""
    bad = frozenset(key for key, made in evidence.lineage.made.items() if wrong(made))
    return frozenset(
        cell
        for cell, by_seed in evidence.lineage.behind.items()
        if any(keys & bad for keys in by_seed.values())
    )


@check("CHK-20-source", "caveat", "Source runs are on record")
def _source_runs(evidence: Evidence) -> Iterator[Finding]:
    """Every source run that a finished trial rests on is in the store with its cost."""
    lineage = evidence.lineage
    cells = frozenset(c for c in lineage.behind if lineage.lost(c) & lineage.source_runs)
    if cells:
        sources = ", ".join(f"'{name}'" for name in sorted({cell[0] for cell in cells}))
        yield Finding(
            message=f"source runs on {sources} behind {named(cells)} are no longer in the store: "
            "their cost is reported as planned, not as recorded.",
            cells=cells,
        )


@check("ENV", "caveat", "One environment")
def _one_environment(evidence: Evidence) -> Iterator[Finding]:
    """All trainings were computed with the same versions on the same kind of device, on whatever
    hosts."""
    environments = {
        tuple(sorted((name, value) for name, value in row.environment.items() if name != "host"))
        for records in (evidence.records, evidence.sources)
        for by_seed in records.values()
        for record in by_seed.values()
        for row in record.train_rows
    }
    names = {
        name
        for one in environments
        for other in environments
        for name, value in one
        if dict(other).get(name, value) != value  # a step without a network library names none
    }
    if names:
        kinds = sorted({device_kind(dict(one)) for one in environments})
        on = f": {listed(kinds, 'and')}" if len(kinds) > 1 else ""
        yield Finding(
            message=f"results were computed with different {', '.join(sorted(names))}{on}."
        )


GATES: tuple[GateSpec, ...] = (
    _fits, _intact, _alike, _traced, _source_runs, _one_environment,
)  # fmt: skip
