"""What the present command did, for the foot of every report."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """Steps run and reused in how many seconds.

    `command` repeats the study; it is empty where the study was run from Python.
    """

    steps_run: int
    steps_reused: int
    seconds: float
    command: str
