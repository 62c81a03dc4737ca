"""How a step ended, as a run sees it, and who is called for it."""

from collections.abc import Callable
from dataclasses import dataclass

from headstart.core.sizes import size_text
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


def out_of_memory(step: Step) -> str:
    """What to do about a step that was killed, most likely for want of memory."""
    needed = f" of about {size_text(step.memory)} by estimate" if step.memory else ""
    return (
        f"Memory may have run out: this is a step{needed}. Take a smaller batch_size or smaller "
        "images, fewer --workers, or a machine with more memory; what was finished is kept."
    )
