"""`headstart attach`: the progress of a run that another process or machine does."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from headstart.flow import Watch
    from headstart.store.events import RunBegan

PAUSE = 0.5  # seconds between two times that events are read


def attach(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Folder of results.")],
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="NAME", help="A study of the store; by default the last."),
    ] = None,
) -> None:
    """Watch a run from anywhere that sees its store; Ctrl-C leaves the run alone."""
    from headstart import flow
    from headstart.cli.status import print_studies
    from headstart.report.terminal.messages import say

    flow.need_store(store)
    watch = flow.watch(store, study)
    watch.poll()
    began = watch.run
    if began is None or watch.state != "running":
        print_studies(store)
    else:
        say([f"study {began.study}: {flow.run_sentence(watch)}"])
        try:
            _follow(watch)
        except KeyboardInterrupt:
            say(["left alone: the run goes on"])
            sys.exit(130)
    if watch.run is None:
        say(["no run is known of it; headstart report shows a study of a store"])
        return
    say([f"study {watch.run.study}: {flow.run_sentence(watch)}"])
    _exit(watch, watch.run)


def _follow(watch: "Watch") -> None:
    """Show a run until it ends."""
    from headstart.core.errors import StoreError
    from headstart.flow.live_progress import display
    from headstart.store.events import StepEnded

    with display() as shown:
        while watch.state == "running":
            shown.show(watch.tracker)
            time.sleep(PAUSE)
            with suppress(StoreError):  # it is being written, or away for a while
                for event in watch.poll():
                    if isinstance(event, StepEnded) and event.status == "failed":
                        shown.failed(event.label, event.error)


def _exit(watch: "Watch", run: "RunBegan") -> None:
    """End as the run ended: 0 finished, 3 with steps that failed, 130 interrupted, 1 otherwise."""
    from headstart.report.terminal.messages import say

    if watch.state != "finished" and run.command:
        say([f"to go on: {run.command}"])
    match watch.state:
        case "finished":
            sys.exit(3 if watch.failures else 0)
        case "interrupted":
            sys.exit(130)
        case "failed" | "gone":
            sys.exit(1)
