"""Whole runs of tiny studies with a pilot, and with several looks at the evidence."""

from pathlib import Path
from typing import Any

import pytest

from headstart import flow
from headstart.execute.options import RunOptions
from headstart.flow import Loaded, plan_of, run
from headstart.plan.steps import Plan, Step
from headstart.store.store import Store
from studies import tiny, tiny_table

RATES = [0.01, 0.1]


def tuned(**changes: Any) -> Loaded:
    training = {**tiny_table()["training"], "rates": RATES}
    table = {"training": training, "sizes": [20], "arms": ["scratch", "full"], "seeds": 2}
    return tiny(**{**table, **changes})


def go(loaded: Loaded, folder: Path, planned: flow.Planned | None = None) -> flow.Done:
    options = RunOptions(store=folder, workers=1, device="cpu")
    return run(loaded, options, listen=lambda *_: None, planned=planned)


def test_rates_are_chosen_on_the_pilot_and_used_by_every_seed(store_folder: Path) -> None:
    loaded = tuned(margin="auto")
    told: list[tuple[int, int]] = []

    def planned(plan: Plan, expected: tuple[Step, ...], stored: set[str]) -> None:
        told.append((plan.num_waiting, len(expected)))

    done = go(loaded, store_folder, planned)
    assert told[0][0] == 4
    assert told[0][1] > 0
    assert told[-1] == (0, 0)
    analysis = done.analysis
    assert (analysis.num_done, analysis.num_trials) == (4, 4)
    chosen = {tuning.arm: tuning for tuning in analysis.tuning}
    with Store(store_folder) as store:
        plan = plan_of(loaded, store)
        for trial in plan.trials:
            rate = plan.steps[trial.train_keys[0]].payload["optimiser"]["lr"]
            assert rate == chosen[trial.arm].chosen
        tested = {s.payload["seed"] for k in plan.steps if (s := plan.steps[k]).kind == "train"}
        assert tested == {0, 1, loaded.study.pilot_seed}
    assert list(chosen) == [arm.name for arm in loaded.study.arms if arm.name in chosen]
    for tuning in chosen.values():
        best = max(tuning.validation_accuracy)
        at = tuning.rates.index(tuning.chosen)
        assert tuning.validation_accuracy[at] == best
        assert len(tuning.rates) == len(chosen["scratch"].rates)  # all arms tried as many
    assert {c.margin_pp for c in analysis.comparisons} == {plan.margins["source", "target", "20"]}
    again = go(loaded, store_folder)
    assert again.summary.steps_run == 0
    assert again.analysis.comparisons == analysis.comparisons


def test_a_pilot_that_fails_leaves_its_trials_waiting(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no choice today")

    monkeypatch.setattr("headstart.execute.steps.select.choose_rates", broken)
    done = go(tuned(), store_folder)
    assert len(done.tally.failed) == 1  # that of the source; the rest waits for it
    assert (done.analysis.num_done, done.analysis.num_trials) == (0, 4)
    monkeypatch.undo()
    assert go(tuned(), store_folder).analysis.num_done == 4


def test_how_far_a_study_is_comes_from_the_plan_it_last_had(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every plan of a run, at its end, and for a store from before plans were remembered."""
    told: list[tuple[int, int, int, int]] = []

    def planned(plan: Plan, expected: tuple[Step, ...], stored: set[str]) -> None:
        with Store(store_folder) as store:
            (now,) = flow.progress(store)
        assert (now.num_trials, now.num_steps) == (plan.num_trials, len(plan.steps))
        assert now.steps_done == len(stored)
        told.append((now.trials_done, now.num_trials, now.steps_done, now.num_steps))

    done = go(tuned(looks=[2, 3]), store_folder, planned)
    with Store(store_folder) as store:
        (ended,) = flow.progress(store)
        plan = flow.reopen(store, "tiny").plan
        with monkeypatch.context() as forgetful:
            forgetful.setattr(Store, "plan", lambda *_: None)
            assert flow.progress(store) == [ended]
    assert (ended.trials_done, ended.num_trials) == (6, 6)
    assert ended.steps_done == ended.num_steps == len(plan.steps)
    assert told[0][:3] == (0, 4, 0)
    assert told[-1][:2] == (4, 6)  # the second look begins with the trials of the first
    # The first look has a list of mistakes of its own.
    assert (done.tally.run, done.tally.reused) == (ended.num_steps + 1, 0)


def test_seeds_are_added_while_evidence_is_short(store_folder: Path) -> None:
    loaded = tiny(sizes=[20], arms=["scratch", "full"], seeds=2, looks=[2, 3])
    analysis = go(loaded, store_folder).analysis
    assert analysis.seeds == (0, 1, 2)  # two seeds are never enough
    with Store(store_folder) as store:
        recalled = flow.reopen(store, "tiny")
        again, _ = flow.report_again(store, recalled)
    assert again.seeds == (0, 1, 2)
    assert again.comparisons == analysis.comparisons


def test_planned_looks_are_charged_from_the_first(store_folder: Path) -> None:
    loaded = tiny(sizes=[20], arms=["scratch", "full"], seeds=2, looks=[2, 3])
    assert go(loaded, store_folder).analysis.strictness.level == 0.0233
