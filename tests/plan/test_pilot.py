"""What the pilot seed settles: learning rates, their grid, the margin, and what waits for it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import STUDY, digits, first_step, plan_of, trial

from headstart.core.hashing import Json
from headstart.plan.expand import expected_steps, make_plan
from headstart.plan.pilot import choose_rates, extended, margin_from
from headstart.plan.steps import Plan, Score
from headstart.study.facts import Facts
from headstart.study.study import StudySpec

TUNED: dict[str, Any] = {**STUDY["training"], "rates": [0.01, 0.03, 0.1]}


def score(rate: float, accuracy: float, loss: float = 1.0) -> Score:
    return Score(rate=rate, accuracy=accuracy, loss=loss)


def test_the_best_on_validation_is_chosen_and_ties_go_to_the_lower_loss() -> None:
    chosen = choose_rates(
        {
            "scratch": [score(0.1, 0.8), score(0.01, 0.7), score(0.03, 0.9)],
            "probe": [score(0.01, 0.5), score(0.03, 0.9, loss=0.4), score(0.1, 0.9, loss=0.6)],
        },
        "scratch",
        200,
    )
    assert chosen.rates == {"scratch": 0.03, "probe": 0.03}
    assert chosen.edges == {}
    assert chosen.control_error == pytest.approx(0.1)


def test_a_loss_that_is_no_number_never_wins_a_tie() -> None:
    chosen = choose_rates({"full": [score(0.01, 0.5), score(0.1, 0.5, loss=math.nan)]}, None, 200)
    assert chosen.rates == {"full": 0.01}
    assert chosen.control_error is None


def test_a_rate_on_the_brink_gives_way_to_one_as_good() -> None:
    """On 400 images one standard error at 0.9 is 0.015."""
    broken = Score(rate=0.1, accuracy=0.99, loss=1.0, finite=False)
    close = [score(0.01, 0.89), score(0.03, 0.9), broken]
    apart = [score(0.01, 0.88), score(0.03, 0.9), broken]
    chosen = choose_rates({"close": close, "apart": apart}, None, 400)
    assert chosen.rates == {"close": 0.01, "apart": 0.03}


def test_edges_of_the_grid_are_told() -> None:
    chosen = choose_rates(
        {
            "low": [score(0.01, 0.9), score(0.03, 0.8), score(0.1, 0.7)],
            "high": [score(0.01, 0.7), score(0.03, 0.8), score(0.1, 0.9)],
        },
        None,
        200,
    )
    assert chosen.edges == {"low": "low", "high": "high"}
    assert extended((0.01, 0.03, 0.1), chosen.edges.values()) == (0.00333, 0.01, 0.03, 0.1, 0.333)


@given(st.floats(0, 1))
def test_the_margin_is_a_tenth_of_the_error_within_its_bounds(error: float) -> None:
    margin = margin_from(error)
    assert 0.2 <= margin <= 1
    if 0.02 <= error <= 0.1:
        assert margin == pytest.approx(10 * error, abs=0.005)


def settled(best: dict[str, float], **changes: Any) -> Plan:
    """The plan once every `select` step has been answered; `best` are the best rates of arms."""
    study, facts = StudySpec(**{**STUDY, **changes}), digits()
    choices: dict[str, Json] = {}
    for _ in range(10):
        plan = make_plan(study, Facts(datasets={facts.name: facts}), choices.get)
        if not plan.undecided:
            return plan
        for key in plan.undecided:
            choices[key] = answered(plan.steps[key].payload, best)
    raise AssertionError("the plan is never settled")


def answered(payload: Json, best: dict[str, float]) -> Json:
    scores: dict[str, list[Score]] = {}
    for candidate in payload["candidates"]:
        arm, rate = candidate["arm"], candidate["rate"]
        accuracy = 0.95 - abs(math.log(rate / best.get(arm, 0.03))) / 100
        scores.setdefault(arm, []).append(score(rate, accuracy))
    chosen = choose_rates(scores, payload["control"], 200)
    return {
        "rates": chosen.rates,
        "scores": {
            arm: [[s.rate, s.accuracy, s.loss, s.finite] for s in tried]
            for arm, tried in scores.items()
        },
        "edges": chosen.edges,
        "control_error": chosen.control_error,
    }


def rate_of(plan: Plan, arm: str) -> float:
    return float(first_step(plan, arm).payload["optimiser"]["lr"])


def test_trials_wait_for_the_pilot_which_never_tests() -> None:
    plan = plan_of(training=TUNED, source_training=STUDY["training"])
    assert (len(plan.trials), plan.num_waiting, len(plan.undecided)) == (0, 30, 2)
    tested = [step for step in plan.steps.values() if step.kind == "predict"]
    assert [step.payload["data"]["groups"][0] for step in tested] == [[5]] * 3  # the source's own
    tried = {
        (step.payload["optimiser"]["lr"], step.payload["seed"])
        for step in plan.steps.values()
        if step.kind == "train" and step.payload["role"] == "target"
    }
    assert tried == {(0.01, 9999), (0.03, 9999), (0.1, 9999)}


def test_every_arm_gets_the_rate_that_was_best_for_it() -> None:
    plan = settled({"scratch": 0.03, "full": 0.01}, training=TUNED)
    assert len(plan.trials) == 30
    assert rate_of(plan, "scratch") == 0.03
    # The best of `full` lies at the edge: one rate below is tried, by all arms, and is no better.
    assert rate_of(plan, "full") == 0.01
    (choice,) = plan.choices["source", "target", "20"]
    assert {len(tried) for tried in choice.scores.values()} == {4}
    assert choice.edges == {}


def test_a_grid_is_not_extended_for_ever() -> None:
    plan = settled({"full": 1e-9}, training=TUNED)
    (choice,) = plan.choices["source", "target", "20"]
    assert choice.edges == {"full": "low"}
    assert [s.rate for s in choice.scores["scratch"]] == [0.00111, 0.00333, 0.01, 0.03, 0.1]


def test_source_runs_choose_their_rate_on_their_own_task() -> None:
    plan = settled({"source run": 0.03}, source_training=TUNED)
    assert plan.choices == {}
    assert plan.steps[plan.sources[0].train_keys[0]].payload["optimiser"]["lr"] == 0.03
    assert rate_of(plan, "scratch") == 0.02


def test_the_same_rate_is_tried_for_an_arm_and_the_one_it_starts_from() -> None:
    arms = ["scratch", {"name": "more", "start": "scratch", "strategy": "full"}, "selffer"]
    plan = settled({"scratch": 0.01, "more": 0.1, "selffer": 0.03}, training=TUNED, arms=arms)
    first = trial(plan, "scratch").train_keys[0]
    assert first_step(plan, "more").inputs == (first,)  # starts from scratch at scratch's own rate
    own_run = plan.steps[first_step(plan, "selffer").inputs[0]]
    assert own_run.payload["optimiser"]["lr"] == rate_of(plan, "scratch")


def test_arms_that_have_no_learning_rate_try_none() -> None:
    arms = ["scratch", "full", "label_map", "converged_probe"]
    plan = settled({}, training=TUNED, arms=arms)
    (choice,) = plan.choices["source", "target", "20"]
    assert set(choice.scores) == {"scratch", "full"}
    assert len({trial.arm for trial in plan.trials}) == 4


def test_the_margin_follows_from_the_control_at_each_size() -> None:
    plan = settled({"scratch": 0.02}, margin="auto")
    assert plan.margins == {("source", "target", size): 0.5 for size in ("20", "60")}
    assert [c.rates for (c,) in plan.choices.values()] == [{"scratch": 0.02}] * 2


def test_without_validation_images_the_margin_is_one_point() -> None:
    target = {"dataset": "digits", "classes": [0, 1, 2, 3, 4], "split": {"validation": 0}}
    training = {**STUDY["training"], "keep": "last"}
    tasks = {**STUDY["tasks"], "target": target}
    plan = plan_of(margin="auto", tasks=tasks, training=training)
    assert set(plan.margins.values()) == {1.0}
    assert not plan.undecided


def test_what_is_expected_stands_for_the_trials_that_wait() -> None:
    study, facts = StudySpec(**{**STUDY, "training": TUNED}), Facts(datasets={"digits": digits()})
    plan = make_plan(study, facts)
    expected = expected_steps(study, facts, plan)
    assert sum(step.kind == "predict" for step in expected) == 33  # trials and source runs
    final = settled({}, training=TUNED)
    assert expected_steps(study, facts, final) == ()
