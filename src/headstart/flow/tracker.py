"""How far a run is: trials done, running and left, and the remaining time."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from headstart.analyse.text import plural, rough_duration
from headstart.execute.outcomes import StepOutcome
from headstart.plan.cost_estimate import step_seconds
from headstart.plan.steps import Plan, Step

# Weight of the cost model, in seconds of its estimate, against the times of this run's steps.
TRUST = 5.0


@dataclass(slots=True)
class Tracker:
    """Progress of a run: its plan, and the steps done, running and failed; `ran` are done by it."""

    workers: int = 1
    plan: Plan | None = None
    expected: tuple[Step, ...] = ()
    done: set[str] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    failed: int = 0
    cost_done: float = 0.0
    seconds_done: float = 0.0

    def set_plan(self, plan: Plan, expected: tuple[Step, ...], done: set[str]) -> None:
        """Take over a plan, or a later one with more steps."""
        self.plan, self.expected = plan, expected
        self.done |= done

    def record(self, step: Step, outcome: StepOutcome | None) -> None:
        """Record the start of a step (without an outcome) or its end."""
        if outcome is None:
            self.running.add(step.key)
            return
        self.running.discard(step.key)
        if outcome.status == "failed":
            self.failed += 1
        else:
            self.done.add(step.key)
            if outcome.status == "done":
                self.ran.add(step.key)
                self.cost_done += step_seconds(step)
                self.seconds_done += outcome.seconds

    @property
    def trials(self) -> tuple[int, int, int]:
        """Trials done, running and left."""
        done = running = 0
        for trial in self.plan.trials if self.plan else ():
            done += trial.score_key in self.done
            running += bool(trial.keys & self.running)
        return done, running, self.num_trials - done - running

    @property
    def num_trials(self) -> int:
        """Trials of the plan."""
        return self.plan.num_trials if self.plan else 0

    @property
    def cost(self) -> float:
        """Cost of all steps, in seconds of a reference core."""
        return sum(map(step_seconds, self._steps()))

    @property
    def cost_left(self) -> float:
        """Cost of the steps left, in seconds of a reference core."""
        return sum(step_seconds(step) for step in self._steps() if step.key not in self.done)

    def _steps(self) -> Iterator[Step]:
        if self.plan:
            yield from self.plan.steps.values()
        yield from self.expected

    @property
    def seconds_left(self) -> float:
        """Remaining time: the cost model of `plan`, scaled by the measured times of this run.

        The start-up time of workers is not part of a step, so the first steps count as any other.
        """
        factor = (TRUST + self.seconds_done) / (TRUST + self.cost_done)
        return self.cost_left * factor / self.workers

    @property
    def trials_done(self) -> str:
        """How many trials are done, of how many."""
        return f"{self.trials[0]} of {plural(self.num_trials, 'trial')} done"

    def text(self) -> str:
        """Progress in one line."""
        _, running, left = self.trials
        parts = [self.trials_done]
        if self.plan and self.plan.num_waiting and not running:
            parts.append(f"{' and '.join(self.plan.settling)} being settled by validation")
        else:
            parts += [f"{running} running", f"{left} to go"]
        if self.failed:
            parts.append(f"{plural(self.failed, 'step')} failed")
        parts.append(f"about {rough_duration(self.seconds_left)} left")
        return ", ".join(parts)
