"""How to run, never what: nothing here can enter a key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Where results are kept, on what device and with how many workers.

    Without a number of workers there are as many as the machine has room for, or none where the
    work is done sooner than they could start.
    """

    store: Path
    workers: int | None = None
    device: Device = "auto"
