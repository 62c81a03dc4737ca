"""What stands behind a finished trial: every step on the way to it, and how each came to be."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from headstart.analyse.cells import Cell, cell_of
from headstart.plan.steps import Plan, Step
from headstart.store.store import Provenance, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The steps behind finished trials.

    `behind` are the keys of all steps that a trial rests on, by cell and seed, `made` how those
    that the store holds came to be, `source_runs` the training steps of source runs among them.
    `first_planned` is when the first study was planned on the store.
    """

    behind: dict[Cell, dict[int, frozenset[str]]] = field(default_factory=dict)
    made: dict[str, Provenance] = field(default_factory=dict)
    source_runs: frozenset[str] = frozenset()
    first_planned: str = ""

    def lost(self, cell: Cell) -> frozenset[str]:
        """Keys behind the trials of a cell that the store no longer holds."""
        return frozenset(
            key for keys in self.behind.get(cell, {}).values() for key in keys - self.made.keys()
        )


def lineage_of(plan: Plan, store: Store, finished: Iterable[tuple[Cell, int]]) -> Lineage:
    """The steps behind some finished trials, given by cell and seed."""
    wanted = set(finished)
    known: dict[str, frozenset[str]] = {}
    behind: dict[Cell, dict[int, frozenset[str]]] = {}
    for trial in plan.trials:
        cell = cell_of(trial)
        if (cell, trial.seed) in wanted:
            ends = (*trial.train_keys, trial.score_key)
            keys = frozenset().union(*(_behind(key, plan.steps, known) for key in ends))
            behind.setdefault(cell, {})[trial.seed] = keys
    every = {key for by_seed in behind.values() for keys in by_seed.values() for key in keys}
    return Lineage(
        behind=behind,
        made=store.made(sorted(every)),
        source_runs=frozenset(key for trial in plan.sources for key in trial.train_keys),
        first_planned=store.first_planned(),
    )


def _behind(key: str, steps: dict[str, Step], known: dict[str, frozenset[str]]) -> frozenset[str]:
    """A step and all that it rests on; `known` keeps what was found."""
    if key not in known:
        inputs = (_behind(name, steps, known) for name in steps[key].inputs)
        known[key] = frozenset({key}).union(*inputs)
    return known[key]
