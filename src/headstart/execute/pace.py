"""How long steps take: by the cost model, corrected by the steps of this run."""

from collections import defaultdict
from dataclasses import dataclass, field

from headstart.plan.cost_estimate import step_seconds
from headstart.plan.steps import Step, StepKind

LEAST = 0.005  # seconds of a step that the model says takes no time
TRUST = 0.5  # weight of the model, in seconds of its estimate, against measured steps of a kind


def _none() -> defaultdict[StepKind, float]:
    return defaultdict(float)


@dataclass(slots=True)
class Pace:
    """Measured seconds of a run's steps over those of the cost model, for each kind of step."""

    _modelled: defaultdict[StepKind, float] = field(default_factory=_none)
    _measured: defaultdict[StepKind, float] = field(default_factory=_none)

    def measured(self, step: Step, seconds: float) -> None:
        """A step has taken so long."""
        self._modelled[step.kind] += modelled(step)
        self._measured[step.kind] += seconds

    def of(self, kind: StepKind, seconds: float) -> float:
        """How long steps of a kind take of which the model says so many seconds."""
        return seconds * (TRUST + self._measured[kind]) / (TRUST + self._modelled[kind])


def modelled(step: Step) -> float:
    """Seconds that a step takes by the model, which has no step done in no time."""
    return max(step_seconds(step), LEAST)
