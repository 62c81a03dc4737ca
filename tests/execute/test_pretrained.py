"""A pretrained source, end to end: a small network of timm with weights from a file."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from safetensors.numpy import save_file

from headstart import flow
from headstart.analyse.build import analyse
from headstart.core.errors import SpecError
from headstart.execute.options import RunOptions
from headstart.execute.steps.weights import StoredWeights
from headstart.flow import Loaded, plan_of, run, with_facts
from headstart.networks.weights import Weights
from headstart.plan.payload_types import TrainPayload
from headstart.plan.steps import Plan, Trial
from headstart.report.leaks import leak_line
from headstart.store.store import Store
from headstart.study.study import StudySpec
from studies import tiny_table

pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")

NETWORK = "timm:test_resnet"
HEAD = {"fc.weight", "fc.bias"}
FREEZE = {"kind": "freeze", "cut": "stage9"}


def trunk_of(seed: int = 5) -> Weights:
    """First weights of another seed stand for what a checkpoint has learnt."""
    from headstart.networks.libraries.build import fresh_weights

    weights = fresh_weights("timm", "test_resnet", (28, 28, 3), 10, seed, "source")
    return {name: array for name, array in weights.items() if name not in HEAD}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet.safetensors"
    save_file({f"module.{name}": array for name, array in trunk_of().items()}, path)
    return path


def study(checkpoint: Path, **changes: Any) -> Loaded:
    table = tiny_table(
        arms=["scratch", "random_trunk", "probe", "converged_probe", "full"],
        sizes=[20],
        seeds=2,
        training={"updates": 4, "batch_size": 8, "validations": 2},
    )
    del table["network"], table["tasks"]["source"]
    source = {"pretrained": NETWORK, "weights": str(checkpoint)}
    return with_facts(StudySpec(**{**table, "sources": {"other": source}, **changes}))


@pytest.fixture(scope="module")
def loaded(checkpoint: Path) -> Loaded:
    return study(checkpoint)


@pytest.fixture(scope="module")
def folder(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    done = run(loaded, RunOptions(store=folder, workers=1), listen=lambda *_: None)
    assert done.analysis.failures == ()
    assert done.analysis.num_done == done.analysis.num_trials == 10
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store(folder) as opened:
        yield opened


@pytest.fixture
def plan(loaded: Loaded, store: Store) -> Plan:
    return plan_of(loaded, store)


def trial(plan: Plan, arm: str, seed: int = 0) -> Trial:
    (found,) = (t for t in plan.trials if (t.arm, t.seed) == (arm, seed))
    return found


def weights_of(store: Store, one: Trial) -> Weights:
    return StoredWeights(store, {}).finished(one.train_keys, "last")[0]


def test_sources_without_pairs_are_one_pair_each(loaded: Loaded) -> None:
    (pair,) = loaded.study.pairs
    assert (pair.source, pair.target) == ("other", "target")
    assert str(loaded.study.network_of(pair)) == NETWORK


def test_a_checkpoint_is_read_once_for_all_seeds(plan: Plan, store: Store) -> None:
    (merge,) = (step for step in plan.steps.values() if step.kind == "merge")
    row = store.row(merge.key)
    assert row is not None
    account = row.result["account"]
    assert (account["share"], account["prefix"], account["missing"]) == (1.0, "module.", [])
    for name, array in trunk_of().items():
        np.testing.assert_array_equal(store.arrays(merge.key)[f"last/{name}"], array)


@pytest.mark.parametrize("arm", ["probe", "converged_probe"])
def test_a_probe_has_the_checkpoints_trunk_and_stores_its_head_alone(
    arm: str, plan: Plan, store: Store
) -> None:
    one = trial(plan, arm)
    row = store.row(one.train_keys[0])
    assert row is not None
    assert row.result["start"]["fresh"] == ["head"]
    names = {name.partition("/")[2] for name in store.arrays(row.key)}
    assert names == HEAD
    assert row.result["rest"] == len(trunk_of())
    weights = weights_of(store, one)
    for name, array in trunk_of().items():
        np.testing.assert_array_equal(weights[name], array)


def test_a_random_trunk_stores_its_head_alone_and_is_drawn_again(plan: Plan, store: Store) -> None:
    from headstart.networks.libraries.build import fresh_weights

    weights = weights_of(store, trial(plan, "random_trunk", seed=1))
    drawn = fresh_weights("timm", "test_resnet", (28, 28, 3), 5, 1, "target")
    for name in trunk_of():
        np.testing.assert_array_equal(weights[name], drawn[name])
    assert not np.array_equal(weights["fc.weight"], drawn["fc.weight"])


def test_full_moves_everything_from_the_checkpoint_on(plan: Plan, store: Store) -> None:
    one = trial(plan, "full")
    row = store.row(one.train_keys[0])
    assert row is not None
    assert row.result["rest"] == 0
    weights = weights_of(store, one)
    moved = [name for name, array in trunk_of().items() if not np.array_equal(weights[name], array)]
    assert "conv1.0.weight" in moved
    assert "conv1.1.running_mean" in moved


def test_arms_of_a_seed_share_the_head_they_start_from(plan: Plan, store: Store) -> None:
    stored, heads = StoredWeights(store, {}), []
    for arm in ("scratch", "probe", "full"):
        step = plan.steps[trial(plan, arm).train_keys[0]]
        payload = cast(TrainPayload, step.payload)
        start = stored.start(payload, step.inputs, stored.architecture(payload, (28, 28, 3)))
        heads.append(start["fc.weight"])
    for head in heads[1:]:
        np.testing.assert_array_equal(head, heads[0])


def test_inputs_are_as_the_network_was_trained_with(plan: Plan) -> None:
    step = plan.steps[trial(plan, "probe").train_keys[0]]
    assert step.payload["preprocessing"] == {
        "scale": "unit",
        "standardise": "network",
        "mean": [0.5, 0.5, 0.5],
        "deviation": [0.5, 0.5, 0.5],
        "channels": 3,
    }


def test_what_was_lost_is_computed_again_to_the_same_bit(
    loaded: Loaded, folder: Path, store: Store, plan: Plan
) -> None:
    key = trial(plan, "full").predict_key
    before = store.arrays(key)
    for step in plan.steps.values():
        path = folder / f"blobs/{step.key[:2]}/{step.key}.safetensors"
        if step.kind in ("train", "predict", "merge"):
            path.unlink()
    done = run(loaded, RunOptions(store=folder, workers=2), listen=lambda *_: None)
    assert done.analysis.num_done == done.analysis.num_trials
    for name, array in store.arrays(key).items():
        np.testing.assert_array_equal(array, before[name])


def test_a_study_is_reopened_without_its_library(folder: Path, loaded: Loaded) -> None:
    with Store(folder) as opened:
        again = flow.reopen(opened, loaded.study.name)
    assert again.loaded.facts == loaded.facts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": {"a": {"pretrained": "timm:test_resnett"}}}, "Did you mean 'test_resnet'?"),
        ({"sources": {"a": {"pretrained": NETWORK}}}, "were not found. Looked in:"),
        (
            {"sources": {"a": {"pretrained": NETWORK, "weights": "./nowhere.pth"}}},
            "nowhere.pth. Expected one with pretrained weights.",
        ),
        ({"arms": ["scratch", "label_map"]}, "which are not known of a pretrained source"),
        ({"forgetting": True}, "needs the source's own head and test images"),
        ({"network": "cnn-tiny"}, "every source is pretrained and brings its own network"),
        (
            {"arms": ["scratch", {"name": "f", "start": "source", "strategy": FREEZE}]},
            "Known: stage1, stage2, stage3, stage4, stem.",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_training(
    changes: dict[str, Any], message: str, checkpoint: Path
) -> None:
    with pytest.raises(SpecError) as error:
        study(checkpoint, **changes)
    assert message in str(error.value)


def test_what_a_verdict_rests_on_is_said(loaded: Loaded, store: Store, plan: Plan) -> None:
    analysis = analyse(loaded.study, loaded.facts, plan, store)
    gates = {gate.id: gate for gate in analysis.gates}
    assert "the pretrained network" in analysis.headline
    assert any("about this checkpoint" in line for line in analysis.detail)
    assert gates["CHK-25-loaded"].passed
    assert gates["CHK-26"].passed
    assert (gates["CHK-25-seen"].passed, gates["CHK-25-seen"].severity) == (False, "caveat")
    (report,) = analysis.leaks
    assert "; what 'other' was pretrained on is not known." in leak_line(report)
    assert gates["CHK-25-seen"].message.startswith(
        "what 'other' (timm:test_resnet) was pretrained on is not known"
    )
    assert not [
        gate.id for gate in analysis.gates if not gate.passed and gate.severity == "invalid"
    ]
    protocol = dict(analysis.protocol)
    assert "a verdict is about this checkpoint" in protocol["Seeds"]
    assert protocol["Source other"].startswith("timm:test_resnet, pretrained, weights of ")


def test_inputs_on_another_scale_are_a_caveat(checkpoint: Path, tmp_path: Path) -> None:
    loaded = study(checkpoint, arms=["scratch", "probe"], preprocessing={"scale": "none"}, seeds=1)
    plain = study(
        checkpoint,
        arms=["scratch", "probe"],
        preprocessing={"scale": "none", "standardise": "none"},
        seeds=1,
    )
    found = {}
    for name, one in (("auto", loaded), ("raw", plain)):
        options = RunOptions(store=tmp_path / name, workers=1)
        analysis = run(one, options, listen=lambda *_: None).analysis
        (found[name],) = (gate for gate in analysis.gates if gate.id == "CHK-26")
    assert found["auto"].passed
    assert not found["raw"].passed
    assert "was trained on inputs from -1 to 1 (mean 0.5, deviation 0.5)" in found["raw"].message
    assert "were given 0 to 255" in found["raw"].message


def test_images_that_a_checkpoint_has_seen_are_searched(checkpoint: Path, tmp_path: Path) -> None:
    source = {"pretrained": NETWORK, "weights": str(checkpoint), "seen": "mnist-mini"}
    loaded = study(checkpoint, arms=["scratch", "probe"], seeds=1, sources={"other": source})
    options = RunOptions(store=tmp_path, workers=1)
    analysis = run(loaded, options, listen=lambda *_: None).analysis
    gates = {gate.id: gate for gate in analysis.gates}
    assert gates["CHK-25-seen"].passed
    (report,) = analysis.leaks
    (shared,) = (one for one in report.copies if one.part == "target training")
    assert shared.other == "source training"
    assert shared.exact == shared.num_part  # all that the target trains on has been seen


def test_a_checkpoint_of_which_little_fits_is_told_or_refused(
    checkpoint: Path, tmp_path: Path
) -> None:
    names = [name for name, array in trunk_of().items() if array.ndim > 1]
    few = tmp_path / "few.safetensors"
    save_file({name: trunk_of()[name] for name in names[:4]}, few)
    source = {"pretrained": NETWORK, "weights": str(few)}
    options = RunOptions(store=tmp_path / "store", workers=1)
    arms = ["scratch", "probe"]
    refused = study(checkpoint, arms=arms, seeds=1, sources={"other": source})
    done = run(refused, options, listen=lambda *_: None)
    (failure,) = done.analysis.failures
    assert "it fits 4 of the 75 tensors of the trunk (4.4% of its numbers; 50% is" in failure
    taken = study(
        checkpoint, arms=arms, seeds=1, sources={"other": {**source, "allow_partial": True}}
    )
    done = run(taken, options, listen=lambda *_: None)
    (gate,) = (gate for gate in done.analysis.gates if gate.id == "CHK-25-loaded")
    assert not gate.passed
    assert "of the trunk of 'other' 4 of" in gate.message


def test_a_network_that_is_not_known_is_one_problem(checkpoint: Path) -> None:
    with pytest.raises(SpecError) as caught:
        study(checkpoint, sources={"other": {"pretrained": "timm:test_resnt"}})
    (problem,) = caught.value.problems
    assert problem.where == "sources.other.pretrained"
    assert "Did you mean 'test_resnet'?" in problem.message
