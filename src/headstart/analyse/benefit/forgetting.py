"""What a trunk has forgotten of the source task, told by the source's own head."""

import numpy as np

from headstart.analyse.analysis import Forgetting
from headstart.analyse.benefit.estimates import gain_pp
from headstart.analyse.cells import Cell, cell_of
from headstart.analyse.gates.gate import Records
from headstart.analyse.records import answers_of
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store


def forgetting_of(plan: Plan, sources: Records, store: Store) -> tuple[Forgetting, ...]:
    """Every transfer arm whose source answers are there, before and after."""
    asked = [(trial, trial.forgetting_key) for trial in plan.trials if trial.forgetting_key]
    after = answers_of({key for _, key in asked}, store)
    before = {
        (cell[0], seed): record.correct
        for cell, by_seed in sources.items()
        for seed, record in by_seed.items()
    }
    told: dict[Cell, list[tuple[Trial, np.ndarray, np.ndarray]]] = {}
    for trial, key in asked:
        own = before.get((trial.source, trial.seed))
        if key in after and own is not None:
            told.setdefault(cell_of(trial), []).append((trial, own, after[key]))
    return tuple(_forgetting(found) for found in told.values())


def _forgetting(found: list[tuple[Trial, np.ndarray, np.ndarray]]) -> Forgetting:
    trial = found[0][0]
    before = np.stack([own for _, own, _ in found])
    after = np.stack([now for _, _, now in found])
    return Forgetting(
        arm=trial.arm,
        size=trial.size,
        num_images=trial.num_images,
        source=trial.source,
        target=trial.target,
        seeds=tuple(row[0].seed for row in found),
        before=float(before.mean()),
        after=float(after.mean()),
        forgotten_pp=gain_pp(before, after),
    )
