"""What is left of a plan and how long it takes, by hand."""

import pytest
from plans import STUDY, first_step, plan_of, trial

from headstart.plan.cost_estimate import FLOPS_PER_SECOND, estimate_cost, makespan, model_seconds
from headstart.plan.steps import Step


def test_everything_is_to_do_on_an_empty_store() -> None:
    plan = plan_of()
    ahead = estimate_cost("pinned", plan, (), set(), None, 1)
    assert (ahead.num_trials, ahead.num_sources) == (30, 3)
    steps = {kind: (number, kept) for kind, number, kept in ahead.steps}
    assert (steps["train"], steps["predict"]) == ((39, 0), (33, 0))
    assert ahead.updates == 12 * 33
    steps_ = plan.steps.values()
    assert ahead.flops == sum(step.flops + step.evaluation_flops for step in steps_)
    training = sum(step.flops for step in steps_)
    seconds = model_seconds(
        training, ahead.flops - training, ahead.updates, len(steps_) - steps["score"][0]
    )
    assert ahead.seconds == pytest.approx(seconds)
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
    seconds = model_seconds(15_000_000_000, 22_500_000_000, 1000, 10)
    assert seconds == pytest.approx(1 + 0.5 + 0.7 + 1.5)


def test_measuring_and_testing_cost_what_a_pass_through_the_network_costs() -> None:
    """Three measurements of 100 validation images; a test of 100 images, fit on 20 of training."""
    plan = plan_of()
    scratch, probe = first_step(plan, "scratch"), first_step(plan, "probe")
    # An update is forward, gradients of weights, and those of inputs but for the first layer.
    conv, dense, head = 2 * 4 * 9 * 100, 2 * 4 * 25 * 8, 2 * 8 * 5
    assert scratch.flops == 12 * 16 * (2 * conv + 3 * dense + 3 * head)
    assert scratch.evaluation_flops == 3 * 100 * (conv + dense + head)
    tested = plan.steps[trial(plan, "scratch").predict_key]
    assert (tested.flops, tested.evaluation_flops) == (0, 120 * (conv + dense + head))
    # What a probe leaves as it was is run once for all trainings.
    assert probe.evaluation_flops == 3 * 100 * head
    assert plan.steps[trial(plan, "probe").predict_key].evaluation_flops == 120 * head


def test_more_images_to_measure_with_take_longer() -> None:
    split = {"by": "stratified", "validation": 300, "seed": 0}
    target = {**STUDY["tasks"]["target"], "split": split}
    few, many = plan_of(), plan_of(tasks={**STUDY["tasks"], "target": target})
    of_training = [sum(step.flops for step in one.steps.values()) for one in (few, many)]
    assert of_training[0] == of_training[1]
    of_all = [estimate_cost("pinned", one, (), set(), None, 1).seconds for one in (few, many)]
    assert of_all[0] < of_all[1]


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
