"""Forgetting: score on the source task with the source's own head, before and after."""

import numpy as np

from headstart.analyse.analysis import Forgetting
from headstart.analyse.benefit.estimates import gain_pp
from headstart.analyse.cells import Cell, cell_of
from headstart.analyse.records import Records, scores_by_step
from headstart.metrics import Metric
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store


def forgetting_of(
    plan: Plan, sources: Records, store: Store, metric: Metric
) -> tuple[Forgetting, ...]:
    """Forgetting of every transfer arm with answers before and after."""
    scored = [(trial, trial.forgetting_key) for trial in plan.trials if trial.forgetting_key]
    after = scores_by_step({key for _, key in scored}, store, metric)
    before = {
        (cell[0], seed): record.scores
        for cell, by_seed in sources.items()
        for seed, record in by_seed.items()
    }
    by_cell: dict[Cell, list[tuple[Trial, np.ndarray, np.ndarray]]] = {}
    for trial, key in scored:
        own = before.get((trial.source, trial.seed))
        if key in after and own is not None:
            by_cell.setdefault(cell_of(trial), []).append((trial, own, after[key]))
    return tuple(_forgetting(rows) for rows in by_cell.values())


def _forgetting(rows: list[tuple[Trial, np.ndarray, np.ndarray]]) -> Forgetting:
    trial = rows[0][0]
    before = np.stack([own for _, own, _ in rows])
    after = np.stack([now for _, _, now in rows])
    return Forgetting(
        arm=trial.arm,
        size=trial.size,
        num_images=trial.num_images,
        source=trial.source,
        target=trial.target,
        seeds=tuple(row[0].seed for row in rows),
        before=float(before.mean()),
        after=float(after.mean()),
        forgotten_pp=gain_pp(before, after),
    )
