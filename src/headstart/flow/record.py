"""What a run does, written as events for who watches it, and passed on to its own listeners."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.execute.outcomes import Listener, StepOutcome
from headstart.plan.steps import Plan, Step
from headstart.store.events import (
    PlanMade,
    RunBegan,
    RunEnded,
    StepBegan,
    StepEnded,
    run_events,
)

Planned = Callable[[Plan, tuple[Step, ...], set[str]], None]
"""Called with a plan, the steps expected after it, and the keys of those stored."""


@contextmanager
def recorded(
    folder: Path, began: RunBegan, planned: Planned, listen: Listener
) -> Iterator[tuple[Planned, Listener]]:
    """Listeners that write the events of a run on the store in `folder`, and call those given."""
    with run_events(folder) as events:
        events.write(began)

        def noted(plan: Plan, expected: tuple[Step, ...], stored: set[str]) -> None:
            events.write(PlanMade(num_steps=len(plan.steps), num_stored=len(stored)))
            planned(plan, expected, stored)

        def heard(step: Step, outcome: StepOutcome | None) -> None:
            events.write(_event_of(step, outcome))
            listen(step, outcome)

        try:
            yield noted, heard
        except KeyboardInterrupt:
            events.write(RunEnded(how="interrupted"))
            raise
        except BaseException as error:
            events.write(RunEnded(how="failed", error=str(error)))
            raise
        events.write(RunEnded(how="finished"))


def beginning(number: int, study: str, command: str, workers: int) -> RunBegan:
    """The first event of a run that this process coordinates.

    Args:
        number: of the study in the store.
        study: its name.
        command: that repeats the run.
        workers: how many do its steps, at most.
    """
    return RunBegan(
        number=number,
        study=study,
        command=command,
        workers=workers,
        host=socket.gethostname(),
        process=os.getpid(),
    )


def _event_of(step: Step, outcome: StepOutcome | None) -> StepBegan | StepEnded:
    if outcome is None:
        return StepBegan(key=step.key, label=step.label)
    return StepEnded(
        key=step.key,
        label=step.label,
        status=outcome.status,
        seconds=outcome.seconds,
        error=outcome.error,
    )
