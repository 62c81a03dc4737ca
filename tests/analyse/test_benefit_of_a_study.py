"""A tiny study with forgetting, from its run to what its head start is worth."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.analyse.analysis import Analysis, ArmResult, Curve, Estimate
from headstart.analyse.benefit.build import benefits_of
from headstart.analyse.benefit.class_gains import class_gains
from headstart.analyse.benefit.model_selection import select_models
from headstart.analyse.build import analyse, evidence_of
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.records import gather
from headstart.execute.options import RunOptions
from headstart.execute.steps.inputs import training_examples
from headstart.execute.steps.weights import StoredWeights
from headstart.flow import Loaded, run
from headstart.metrics import losses_of, metrics_of, nll
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store
from headstart.train.prediction import predict
from studies import tiny


def study(**changes: Any) -> Loaded:
    table: dict[str, Any] = {
        "forgetting": True,
        "arms": ["scratch", "random_trunk", "probe", "full", "shuffled"],
        "training": {"updates": 40, "batch_size": 16, "validations": 4},
        "sizes": [20, 80],
    }
    return tiny(**{**table, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the study."""
    place = tmp_path_factory.mktemp("worth") / "store"
    tally = run(
        study(), RunOptions(store=place, workers=1, device="cpu"), listen=lambda *_: None
    ).tally
    assert tally.failed == ()
    return place


@pytest.fixture(scope="module")
def plan() -> Plan:
    loaded = study()
    return make_plan(loaded.study, loaded.facts)


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    with Store(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def given(plan: Plan, store: Store) -> Analysis:
    """The study analysed."""
    loaded = study()
    return analyse(loaded.study, loaded.facts, plan, store)


def evidence(loaded: Loaded, plan: Plan, store: Store) -> Evidence:
    return evidence_of(loaded.study, loaded.facts, plan, store)


def trial(plan: Plan, arm: str, size: str = "20", seed: int = 0) -> Trial:
    (estimate,) = (t for t in plan.trials if (t.arm, t.size, t.seed) == (arm, size, seed))
    return estimate


def test_a_score_holds_the_metrics_of_its_prediction_on_images_that_did_not_leak(
    plan: Plan, store: Store
) -> None:
    ((overlap,),) = plan.overlaps.values()
    leaked = store.arrays(overlap)["leaked"]
    for one in plan.trials:
        benefit, score = store.arrays(one.predict_key), store.arrays(one.score_key)
        row = store.row(one.score_key)
        assert row is not None
        clean = {name: np.delete(array, leaked, axis=0) for name, array in benefit.items()}
        names = ("labels", "classes", "probabilities", "losses")
        expected = metrics_of(*(clean[name] for name in names))
        for name in ("accuracy", "balanced_accuracy", "nll", "brier", "ece", "num_images"):
            assert row.result["metrics"][name] == pytest.approx(getattr(expected, name))
        assert row.result["left_out"] == len(leaked)
        assert set(score) == {"labels", "classes"}
        assert {array.dtype for array in score.values()} == {np.dtype(np.uint8)}
        np.testing.assert_array_equal(score["classes"], clean["classes"])


def test_the_fit_is_measured_on_the_arms_own_images_in_eval_mode(plan: Plan, store: Store) -> None:
    loaded = study()
    for name in ("scratch", "probe"):
        one = trial(plan, name)
        payload = plan.steps[one.train_keys[0]].payload
        step = plan.steps[one.predict_key]
        train, _ = training_examples(payload["data"], payload["preprocessing"], step.datasets)
        weights, _ = StoredWeights(store, {}).finished(one.train_keys, "best")
        assert loaded.study.network is not None
        benefit = predict(loaded.study.network, (28, 28, 1), 5, weights, train, torch.device("cpu"))
        row = store.row(one.score_key)
        assert row is not None
        assert row.result["train"] == {
            "images": 20,
            "accuracy": float((benefit.classes == train.labels).mean()),
            "loss": pytest.approx(nll(losses_of(train.labels, benefit.log_probabilities))),
        }


def test_analysis_needs_no_prediction(
    folder: Path, plan: Plan, given: Analysis, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for key, step in plan.steps.items():
        if step.kind == "predict":
            (copy / "blobs" / key[:2] / f"{key}.safetensors").unlink()
    loaded = study()
    with Store(copy) as store:
        assert repr(analyse(loaded.study, loaded.facts, plan, store)) == repr(given)


def test_a_probe_forgets_exactly_nothing(given: Analysis) -> None:
    benefit = {(f.arm, f.size): f for f in given.forgetting}
    assert set(benefit) == {(arm, size) for arm in ("probe", "full") for size in ("20", "80")}
    for size in ("20", "80"):
        probe, full = benefit["probe", size], benefit["full", size]
        assert probe.forgotten_pp.value == 0.0
        assert probe.before == probe.after == pytest.approx(given.sources[0].mean)
        assert full.before == probe.before
        assert full.after < full.before
        assert full.forgotten_pp.value == pytest.approx(100 * (full.before - full.after))
        assert full.forgotten_pp.low is not None
        assert probe.seeds == full.seeds == (0, 1, 2)


def test_forgetting_is_not_measured_unless_asked_for(plan: Plan) -> None:
    loaded = study(forgetting=False)
    without = make_plan(loaded.study, loaded.facts)
    assert all(one.forgetting_key is None for one in without.trials)
    assert without.steps.keys() < plan.steps.keys()


def test_worth_is_told_of_transfer_arms_only(given: Analysis) -> None:
    assert [(w.arm, w.size) for w in given.worth] == [
        (arm, size) for size in ("20", "80") for arm in ("probe", "full")
    ]


def measured(curve: Curve) -> list[float]:
    """Validation accuracies of a curve that has all of them."""
    return [value for value in curve.validation_accuracy if value is not None]


def test_times_to_the_threshold_are_those_of_the_curves(given: Analysis) -> None:
    results = {(r.arm, r.size): r for r in given.arms}
    for benefit in given.worth:
        control, arm = results["scratch", benefit.size], results[benefit.arm, benefit.size]
        final = np.mean([max(measured(curve)) for curve in control.curves])
        assert benefit.threshold is not None
        assert benefit.threshold == pytest.approx(0.2 + 0.95 * (final - 0.2))
        for result, share in ((arm, benefit.reached), (control, benefit.control_reached)):
            best = [max(measured(curve)) for curve in result.curves]
            assert share == pytest.approx((np.array(best) >= benefit.threshold).mean())
        first = [
            100 * (measured(a)[0] - measured(c)[0])
            for a, c in zip(arm.curves, control.curves, strict=True)
        ]
        assert benefit.jumpstart_pp.value == pytest.approx(np.mean(first))


def test_operations_to_the_threshold_go_with_the_updates(given: Analysis, plan: Plan) -> None:
    for benefit in given.worth:
        step = plan.steps[trial(plan, benefit.arm, benefit.size).train_keys[0]]
        control = plan.steps[trial(plan, "scratch", benefit.size).train_keys[0]]
        for updates, flops, of in (
            (benefit.updates_to, benefit.flops_to, step),
            (benefit.control_updates_to, benefit.control_flops_to, control),
        ):
            each = (of.flops - of.once) / 40
            if updates.value is None:
                assert (updates.at_least, flops.at_least) == (40, of.flops)
            else:
                assert flops.value == pytest.approx(of.once + each * updates.value)
        assert (step.once > 0) == (benefit.arm == "probe")


def test_what_metrics_say_is_control_minus_arm(given: Analysis) -> None:
    results = {(r.arm, r.size): r for r in given.arms}
    for benefit in given.worth:
        arm, control = results[benefit.arm, benefit.size], results["scratch", benefit.size]
        for name in ("nll", "brier", "ece"):
            gain = getattr(control, name) - getattr(arm, name)
            estimate = getattr(benefit, f"{name}_gain")
            assert estimate.value == pytest.approx(gain)
            assert estimate.low < estimate.value < estimate.high
        assert benefit.gap_pp.value == pytest.approx(
            100 * (arm.train_mean or 0.0) - arm.mean_percent
        )
        fresh = results["random_trunk" if benefit.arm == "probe" else "scratch", benefit.size]
        assert benefit.fresh_arm == fresh.arm
        assert benefit.negative_transfer_pp.value == pytest.approx(
            fresh.mean_percent - arm.mean_percent
        )
        gain = arm.mean_percent - control.mean_percent
        reduction = gain / (100 - control.mean_percent)
        assert benefit.error_reduction.value == pytest.approx(reduction)
        assert benefit.multiplier.value == (
            None if benefit.labels.value is None else benefit.labels.value / benefit.num_images
        )


def test_gains_by_class_add_up_to_the_gain(given: Analysis) -> None:
    for benefit in given.comparisons:
        own = [c for c in given.class_gains if (c.arm, c.size) == (benefit.arm, benefit.size)]
        if benefit.arm not in ("probe", "full"):
            assert own == []
            continue
        assert [c.class_name for c in own] == ["0", "1", "2", "3", "4"]
        images = np.array([c.num_images for c in own])
        gains = np.array([c.gain_pp for c in own])
        assert (images * gains).sum() / images.sum() == pytest.approx(benefit.gain_pp)
        for c in own:
            assert c.gain_pp == pytest.approx(100 * (c.recall - c.control_recall))
            assert c.p_value is not None
            assert c.p_adjusted is not None
            assert c.p_value <= c.p_adjusted <= 1


def test_what_is_not_valid_is_worth_nothing(plan: Plan, store: Store) -> None:
    loaded = study()
    records = gather(plan, store)
    cell = ("source", "target", "20", "full")
    arguments = (loaded.study, loaded.facts, records)
    benefit = benefits_of(*arguments, {"source": 7}, {cell: "CHK-22: not finite"})
    (gone,) = (w for w in benefit if (w.arm, w.size) == ("full", "20"))
    assert gone.labels == Estimate(value=None, why="withheld: CHK-22: not finite")
    assert gone.updates_to == gone.gap_pp == gone.labels
    assert all(w.gap_pp.value is not None for w in benefit if w is not gone)
    gains = class_gains(evidence(loaded, plan, store), {cell: "CHK-22: not finite"})
    assert {(c.arm, c.size) for c in gains} == {("probe", "20"), ("probe", "80"), ("full", "80")}


def test_without_a_test_image_that_did_not_leak_nothing_is_told(plan: Plan, store: Store) -> None:
    loaded = study()
    emptied = {
        cell: {
            seed: replace(one, labels=one.labels[:0], classes=one.classes[:0], metrics=None)
            for seed, one in by_seed.items()
        }
        for cell, by_seed in gather(plan, store).items()
    }
    assert benefits_of(loaded.study, loaded.facts, emptied, {}, {}) == ()
    assert class_gains(replace(evidence(loaded, plan, store), records=emptied), {}) == ()


def test_the_arm_to_use_is_chosen_on_validation(given: Analysis) -> None:
    for pick in given.picks:
        rivals = [r for r in given.arms if r.size == pick.size and r.arm != "shuffled"]
        best = max(r.validation_mean or 0.0 for r in rivals)
        (chosen,) = (r for r in rivals if r.arm == pick.arm)
        assert pick.validation_mean == chosen.validation_mean == best
        assert pick.test_mean == chosen.mean


def test_of_arms_that_are_level_the_cheaper_is_chosen_its_source_included(
    given: Analysis,
) -> None:
    def level(**flops: int) -> tuple[ArmResult, ...]:
        return tuple(
            replace(r, validation_mean=0.9, flops=flops[r.arm])
            for r in given.arms
            if r.size == "20" and r.arm in flops
        )

    spent = {"source": 100}
    (pick,) = select_models(study().study, level(scratch=50, full=10), spent)
    assert (pick.arm, pick.flops, pick.source_flops) == ("scratch", 50, 0)
    assert pick.why == "as good as full there, and cheaper"
    (pick,) = select_models(study().study, level(scratch=150, full=10), spent)
    assert (pick.arm, pick.flops, pick.source_flops) == ("full", 10, 100)
    assert select_models(study().study, level(shuffled=1), spent) == ()
