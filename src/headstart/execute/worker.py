"""One step from claim to row, in whatever process. Torch is imported only if there is work."""

import time
import traceback
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from headstart.core.errors import StoreError
from headstart.execute.environment import device_for, environment
from headstart.execute.options import RunOptions
from headstart.plan.steps import VERSIONS, Step
from headstart.store.store import Store

Ending = Literal["done", "reused", "busy", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a step ended: done here, found done, busy elsewhere, or failed with an error text."""

    key: str
    ending: Ending
    seconds: float = 0.0
    error: str = ""


def run_step(step: Step, options: RunOptions) -> Report:
    """Do a step unless it is done or another process is at it.

    A failure of the step itself is a report, not an exception.

    Raises:
        StoreError: the store cannot be written; nothing else would fare better.
    """
    database = options.store / "headstart.db"
    store = _store(options.store, database.stat().st_ino if database.exists() else 0)
    with store.claimed(step.key) as ours:
        if not ours:
            return Report(key=step.key, ending="busy")
        if store.row(step.key) is not None:
            return Report(key=step.key, ending="reused")
        started = time.perf_counter()
        try:
            _work(step, store, options)
        except StoreError:
            raise
        except Exception:
            error = traceback.format_exc()
            store.fail(step.key, step.label, error)
            return Report(key=step.key, ending="failed", error=error)
        return Report(key=step.key, ending="done", seconds=time.perf_counter() - started)


def _work(step: Step, store: Store, options: RunOptions) -> None:
    import torch

    from headstart.execute.actions import carry_out

    device = device_for(options.device)
    started = time.perf_counter()
    outcome = carry_out(step, store, torch.device(device))
    store.put(
        key=step.key,
        kind=step.kind,
        version=VERSIONS[step.kind],
        payload=step.payload,
        inputs=step.inputs,
        result=outcome.result,
        arrays=outcome.arrays,
        seconds=time.perf_counter() - started,
        environment=environment(device),
    )


@lru_cache(maxsize=2)
def _store(folder: Path, file: int) -> Store:
    """One connection per process and store; a store deleted and made anew is another `file`."""
    return Store(folder)
