"""Summary of the present command, shown at the end of every report."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """Steps run and reused, and the seconds they took.

    `command` repeats the study; it is empty where the study was run from Python. `store_option` is
    what other commands need to find its store, such as ` --store DIR`.
    """

    steps_run: int
    steps_reused: int
    seconds: float
    command: str
    store_option: str = ""
