"""How a step ended, as a run sees it, and who is called for it."""

from collections.abc import Callable
from dataclasses import dataclass

from headstart.plan.steps import Step
from headstart.store.events import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """How a step ended: done here, found done, or failed with an error text."""

    key: str
    status: Status
    seconds: float = 0.0
    error: str = ""


Listener = Callable[[Step, StepOutcome | None], None]
"""Called for every step that starts (no outcome yet) and ends."""
