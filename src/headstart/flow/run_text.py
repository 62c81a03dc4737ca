"""What became of a run, in a sentence for who watches it."""

import time

from headstart.analyse.text import plural
from headstart.flow.watch import State, Watch
from headstart.store.events import RunBegan

STATES: dict[State, str] = {
    "none": "not running",
    "running": "running",
    "finished": "finished",
    "interrupted": "interrupted",
    "failed": "failed",
    "gone": "gone",
}
"""What a state is called."""


def run_sentence(watch: Watch) -> str:
    """Who runs a study and since when, or how its last run ended."""
    run, ended = watch.run, watch.ended
    if run is None:
        return "No run of it is known here."
    if ended is not None:
        when = moment(ended.at)
        match ended.how:
            case "finished":
                return f"Its run ended at {when}."
            case "interrupted":
                return f"Its run was stopped at {when}. What was finished is stored."
            case "failed":
                error = ended.error.strip() or "an error"
                return f"Its run ended at {when} with an error: {error}"
    if watch.state == "gone":
        return (
            f"Its run, {who_runs(run)}, is gone without a word: the process was killed, or its "
            "machine is off. What was finished is stored, and the same command goes on from there."
        )
    return f"It is run by {who_runs(run)}, with {plural(run.workers, 'worker')}."


def who_runs(run: RunBegan) -> str:
    """The process that coordinates a run, and since when."""
    return f"process {run.process} on {run.host}, since {moment(run.at)}"


def moment(seconds: float) -> str:
    """A time by the clock of this machine."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
