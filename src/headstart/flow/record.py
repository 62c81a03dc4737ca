"""What a run does, written as events for who watches it, and passed on to its own listeners."""

import os
import signal
import socket
import threading
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

HANDLED = 1.0  # seconds for an interrupt to end a run, before its next step ends it


@contextmanager
def recorded(
    folder: Path, began: RunBegan, planned: Planned, listen: Listener
) -> Iterator[tuple[Planned, Listener]]:
    """Listeners that write the events of a run on the store in `folder`, and call those given.

    Raises:
        KeyboardInterrupt: somebody who watches has asked the run to stop; so does Ctrl-C.
    """
    asked, thread = threading.Event(), threading.current_thread()
    with run_events(folder, lambda: _interrupt(thread, asked)) as events:
        events.write(began)

        def noted(plan: Plan, expected: tuple[Step, ...], stored: set[str]) -> None:
            events.write(PlanMade(num_steps=len(plan.steps), num_stored=len(stored)))
            planned(plan, expected, stored)

        def heard(step: Step, outcome: StepOutcome | None) -> None:
            if asked.is_set():
                raise KeyboardInterrupt
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
        folder=_folder(),
    )


def _folder() -> str:
    """The folder of this process; empty where it is not there any more."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _interrupt(thread: threading.Thread, asked: threading.Event) -> None:
    """Interrupt a run as Ctrl-C does; where that does not end it, at its next step (`asked`)."""
    heeded = callable(signal.getsignal(signal.SIGINT))  # not of a job in a shell's background
    main = threading.main_thread()
    if heeded and thread is main and main.ident and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main.ident, signal.SIGINT)
        # A handler may take Ctrl-C for itself, as that of asyncio does. Not at once: a second
        # interrupt would hit the run while it ends.
        later = threading.Timer(HANDLED, asked.set)
        later.daemon = True
        later.start()
    else:
        asked.set()


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
