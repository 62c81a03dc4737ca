"""Progress in words, and the time left: by the model at first, then by what steps have taken."""

from typing import Any

import pytest

from headstart.execute.outcomes import StepOutcome
from headstart.flow import Tracker
from headstart.plan.cost_estimate import estimate_cost
from headstart.plan.expand import expected_steps, make_plan
from headstart.plan.steps import Plan, Step
from studies import tiny


def tracked(workers: int = 1, **changes: Any) -> tuple[Tracker, Plan]:
    """A tracker that has just been given the plan of the tiny study."""
    loaded = tiny(**changes)
    plan = make_plan(loaded.study, loaded.facts)
    tracker = Tracker(workers=workers)
    tracker.set_plan(plan, expected_steps(loaded.study, loaded.facts, plan), set())
    return tracker, plan


def carry_out(tracker: Tracker, step: Step, seconds: float) -> None:
    tracker.record(step, None)
    tracker.record(step, StepOutcome(key=step.key, status="done", seconds=seconds))


def test_at_first_the_time_left_is_that_of_the_plan() -> None:
    for workers in (1, 4):
        tracker, plan = tracked(workers)
        ahead = estimate_cost("tiny", plan, (), set(), None, workers)
        assert tracker.seconds_left == pytest.approx(ahead.seconds)


@pytest.mark.parametrize("slowness", [0.2, 1.0, 5.0])
def test_the_time_left_comes_to_what_steps_really_take(slowness: float) -> None:
    """Clocks run `slowness` times as long as the model says, whatever the kind of step."""
    tracker, plan = tracked(2, training={"updates": 15_000, "batch_size": 16})
    steps = list(plan.steps.values())
    for done, step in enumerate(steps, 1):
        left = tracker.cost_left
        carry_out(tracker, step, slowness * (left - _left_after(tracker, step)))
        if done >= len(steps) / 4:
            right = slowness * tracker.cost_left / 2
            assert tracker.seconds_left == pytest.approx(right, rel=0.25)
    assert tracker.seconds_left == 0


def _left_after(tracker: Tracker, step: Step) -> float:
    return Tracker(plan=tracker.plan, done=tracker.done | {step.key}).cost_left


def test_steps_found_done_take_no_time_and_say_nothing_of_it() -> None:
    tracker, plan = tracked()
    first, *_ = plan.steps.values()
    before = tracker.seconds_left
    tracker.record(first, StepOutcome(key=first.key, status="reused"))
    assert tracker.seconds_left < before
    assert (tracker.cost_done, tracker.seconds_done) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "settled"),
    [
        ({"margin": "auto"}, "margin"),
        ({"training": {"updates": 9, "rates": [0.01, 0.1]}}, "learning rates"),
        (
            {
                "margin": "auto",
                "training": {"updates": 9, "rates": [0.01, 0.1]},
                "source_training": {"updates": 9},
            },
            "learning rates and margin",
        ),
    ],
)
def test_only_what_the_pilot_settles_is_said_to_be_settled(
    changes: dict[str, Any], settled: str
) -> None:
    tracker, plan = tracked(**changes)
    assert f"0 of 30 trials done, {settled} being settled by validation, " in tracker.text()
    labels = [step.label for step in plan.steps.values() if step.kind == "select"]
    assert all(label.startswith(f"choice of {settled} o") for label in labels)


def test_trials_done_running_and_left_are_told() -> None:
    tracker, plan = tracked(sizes=[20], arms=["scratch"], seeds=2)
    assert tracker.text().startswith("0 of 2 trials done, 0 running, 2 to go, about ")
    trial = plan.trials[0]
    overlaps = plan.overlaps["source", "target"]
    for key in (*trial.train_keys, trial.predict_key, *overlaps, trial.score_key):
        tracker.record(plan.steps[key], None)
        assert "1 running" in tracker.text() or key in overlaps
        tracker.record(plan.steps[key], StepOutcome(key=key, status="done", seconds=0.1))
    assert tracker.text().startswith("1 of 2 trials done, 0 running, 1 to go, about ")
    broken = plan.steps[plan.trials[1].train_keys[0]]
    tracker.record(broken, StepOutcome(key=broken.key, status="failed", error="no"))
    assert ", 1 step failed, " in tracker.text()
