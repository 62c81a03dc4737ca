"""What is left of a plan and how long it takes, by hand."""

import pytest
from plans import plan_of, trial

from headstart.plan.cost_estimate import FLOPS_PER_SECOND, estimate_cost, makespan, model_seconds
from headstart.plan.steps import Step


def test_everything_is_to_do_on_an_empty_store() -> None:
    plan = plan_of()
    ahead = estimate_cost("pinned", plan, (), set(), None, 1)
    assert (ahead.num_trials, ahead.num_sources) == (30, 3)
    steps = {kind: (number, kept) for kind, number, kept in ahead.steps}
    assert (steps["train"], steps["predict"]) == ((39, 0), (33, 0))
    assert ahead.updates == 12 * 33
    assert ahead.flops == sum(step.flops for step in plan.steps.values())
    assert ahead.seconds == pytest.approx(
        model_seconds(ahead.flops, ahead.updates, len(plan.steps) - steps["score"][0])
    )
    assert not ahead.measured


def test_what_is_stored_is_not_to_do() -> None:
    plan = plan_of()
    scratch = trial(plan, "scratch")
    assert scratch.predict_key is not None
    ahead = estimate_cost("pinned", plan, (), {*scratch.train_keys, scratch.predict_key}, None, 1)
    kept = {kind: number for kind, _, number in ahead.steps}
    assert (kept["train"], kept["predict"]) == (1, 1)
    assert ahead.updates == 12 * 32
    done = estimate_cost("pinned", plan, (), set(plan.steps), None, 1)
    assert (done.updates, done.flops, done.seconds) == (0, 0, 0)


def test_measured_timings_and_workers_scale_the_estimate() -> None:
    plan = plan_of()
    guess = estimate_cost("pinned", plan, (), set(), None, 1)
    measured = estimate_cost("pinned", plan, (), set(), 1.5, 4)
    assert measured.measured
    assert measured.seconds == pytest.approx(guess.seconds * 1.5 / 4)


def test_the_model_of_time_by_hand() -> None:
    assert model_seconds(15_000_000_000, 1000, 10) == pytest.approx(1 + 0.7 + 1.5)


def step(number: int, seconds: float, *inputs: str) -> Step:
    flops = int(seconds * FLOPS_PER_SECOND)
    return Step(
        kind="score", payload={"number": number}, inputs=inputs, datasets={}, label="",
        updates=0, flops=flops,
    )  # fmt: skip


def test_what_several_workers_save_at_most() -> None:
    """Three seconds of work: in a row nobody can help, side by side the longest step remains."""
    first = step(1, 1.0)
    second = step(2, 1.0, first.key)
    chain = makespan([first, second, step(3, 1.0, second.key)], 4)
    assert (chain.alone, chain.saved) == pytest.approx((3.0, 0.0))
    apart = [step(1, 0.5), step(2, 1.0), step(3, 1.5)]
    assert makespan(apart, 2).saved == pytest.approx(1.5)
    assert makespan(apart, 8).saved == pytest.approx(1.5)
    assert makespan([], 2).saved == 0
