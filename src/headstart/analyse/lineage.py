"""Lineage of finished trials: every step that they depend on, and how each was made."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from headstart.analyse.cells import Cell, cell_of
from headstart.plan.steps import Plan, Step
from headstart.store.records import Provenance
from headstart.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Steps behind finished trials.

    `behind` are the keys of all steps that a trial depends on, by cell and seed, `made` the
    provenance of those that the store holds, `source_runs` the training steps of source runs among
    them. `first_planned` is when the first study was planned on the store.
    """

    behind: dict[Cell, dict[int, frozenset[str]]] = field(default_factory=dict)
    made: dict[str, Provenance] = field(default_factory=dict)
    source_runs: frozenset[str] = frozenset()
    first_planned: str = ""

    def lost(self, cell: Cell) -> frozenset[str]:
        """Keys behind the trials of a cell that the store no longer holds."""
        return frozenset(
            key
            for keys in self.behind.get(cell, {}).values()
            for key in keys
            if key not in self.made
        )


def lineage_of(plan: Plan, store: Store, finished: Iterable[tuple[Cell, int]]) -> Lineage:
    """Lineage of finished trials, given by cell and seed."""
    wanted = set(finished)
    cache: dict[str, frozenset[str]] = {}
    behind: dict[Cell, dict[int, frozenset[str]]] = {}
    for trial in plan.trials:
        cell = cell_of(trial)
        if (cell, trial.seed) in wanted:
            ends = (*trial.train_keys, trial.score_key)
            keys = frozenset().union(*(_ancestors(key, plan.steps, cache) for key in ends))
            behind.setdefault(cell, {})[trial.seed] = keys
    every = {key for by_seed in behind.values() for keys in by_seed.values() for key in keys}
    return Lineage(
        behind=behind,
        made=store.made(sorted(every)),
        source_runs=frozenset(key for trial in plan.sources for key in trial.train_keys),
        first_planned=store.first_planned(),
    )


def _ancestors(
    key: str, steps: dict[str, Step], cache: dict[str, frozenset[str]]
) -> frozenset[str]:
    """Keys of a step and of all steps that it depends on."""
    if key not in cache:
        inputs = (_ancestors(name, steps, cache) for name in steps[key].inputs)
        cache[key] = frozenset({key}).union(*inputs)
    return cache[key]
