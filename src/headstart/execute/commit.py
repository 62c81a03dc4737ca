"""What the coordinator does around a job: it claims steps, and commits what came of them.

It alone writes to the store, one step after the other; workers return what they computed.
"""

import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from headstart.core.errors import StoreError
from headstart.execute.job import Computed
from headstart.execute.outcomes import StepOutcome
from headstart.plan.steps import VERSIONS, Step
from headstart.store.events import Status
from headstart.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Steps sorted by who may work on them: `ours` until `release`, done before, or held elsewhere.

    `busy` steps come with who works on them, as far as that is known; `waiting` ones need those.
    """

    ours: tuple[Step, ...]
    done: tuple[Step, ...]
    busy: tuple[tuple[Step, str], ...]
    waiting: tuple[Step, ...]
    release: ExitStack


def claim(steps: Sequence[Step], store: Store) -> Claimed:
    """Claim steps of a store, in order, each with a lock that dies with this process."""
    ours: list[Step] = []
    done: list[Step] = []
    busy: list[tuple[Step, str]] = []
    waiting: dict[str, Step] = {}
    with ExitStack() as locks:
        for step in steps:
            held = {other.key for other, _ in busy} | waiting.keys()
            if held.intersection(step.inputs):
                waiting[step.key] = step
            elif not locks.enter_context(store.lock_step(step.key)):
                busy.append((step, str(store.step_holder(step.key) or "")))
            elif store.row(step.key) is not None:
                done.append(step)
            else:
                ours.append(step)
        return Claimed(
            ours=tuple(ours),
            done=tuple(done),
            busy=tuple(busy),
            waiting=tuple(waiting.values()),
            release=locks.pop_all(),
        )


def commit(step: Step, computed: Computed, store: Store) -> StepOutcome:
    """Write the row of a step that is done, or the error of one that failed.

    A step that the store has already stays as it is there (`reused`).

    Raises:
        StoreError: the store cannot be written.
    """
    error, new = computed.error, True
    if not error:
        try:
            new = _put(step, computed, store)
        except StoreError:
            raise
        except Exception:
            error = traceback.format_exc()
    if error:
        store.fail(step.key, step.label, error)
        return StepOutcome(key=step.key, status="failed", error=error)
    status: Status = "done" if new else "reused"
    return StepOutcome(key=step.key, status=status, seconds=computed.seconds)


def _put(step: Step, computed: Computed, store: Store) -> bool:
    assert computed.arrays is not None
    return store.put(
        key=step.key,
        kind=step.kind,
        version=VERSIONS[step.kind],
        payload=step.payload,
        inputs=step.inputs,
        result=computed.result,
        arrays=computed.arrays,
        seconds=computed.seconds,
        environment=computed.environment,
    )
