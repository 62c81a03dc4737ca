"""Where weights come from, on real runs: what was stored against what it was to be made of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.data.datasets import facts_of, open_part
from headstart.execute.options import RunOptions
from headstart.execute.steps.inputs import test_images as images_to_test
from headstart.execute.steps.inputs import training_examples
from headstart.execute.steps.weights import StoredWeights
from headstart.flow import Loaded, run
from headstart.networks.declared.initial import fresh_weights, stage_of
from headstart.networks.weights import Weights
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step, Trial
from headstart.store.store import Store
from headstart.study.declared import DeclaredNetwork
from headstart.study.facts import Facts
from headstart.study.study import StudySpec
from headstart.study.tasks import DataRef
from headstart.train.checkpoints import Keep
from studies import TINY_NETWORK, tiny_table

SEEDS = (0, 1)
PARITY = {"odd": [1, 3, 5, 7, 9], "even": [0, 2, 4, 6, 8]}


def arm(name: str, start: Any, strategy: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "start": start, "strategy": strategy, **more}


ARMS = [
    "scratch",
    "random_trunk",
    "full",
    "label_map",
    "shuffled",
    "selffer",
    "scratch_long",
    arm("shuffled and frozen", {"transform": "shuffled"}, "probe"),
    arm("self and frozen", "self", "probe"),
    arm("surgical", "source", {"kind": "surgical", "first": "dense2", "last": "dense2"}),
    arm("live", "source", "probe", frozen="train"),
    arm("still", "source", "probe"),
    arm("two origins", [{"last": "dense1"}, {"origin": "self", "first": "dense2"}], "probe"),
]


def digits_to_parity() -> Loaded:
    """Ten digits, and odd or even on the other half of the images; dropout in the trunk."""
    pool, dense1, dense2 = TINY_NETWORK["stages"]
    layers = [*dense1["layers"], {"kind": "dropout", "rate": 0.1}]
    study = StudySpec(
        **tiny_table(
            tasks={
                "source": {
                    "dataset": "mnist-mini",
                    "split": {"take": [0.0, 0.5], "validation": 300},
                },
                "target": {
                    "dataset": "mnist-mini",
                    "classes": PARITY,
                    "split": {"take": [0.5, 1.0], "validation": 300},
                },
            },
            network={"stages": [pool, {**dense1, "layers": layers}, dense2]},
            source_training={
                "updates": 800,
                "batch_size": 32,
                "validations": 4,
                "optimiser": {"kind": "sgd", "lr": 0.1, "momentum": 0.9},
            },
            arms=ARMS,
            sizes=[60],
            seeds=list(SEEDS),
        )
    )
    return Loaded(
        study=study, facts=Facts(datasets={"mnist-mini": facts_of(DataRef(dataset="mnist-mini"))})
    )


class Ran:
    """A finished study with its plan and its open store."""

    def __init__(self, loaded: Loaded, store: Store) -> None:
        self.loaded, self.store = loaded, store
        self.plan: Plan = make_plan(loaded.study, loaded.facts)

    def trial(self, name: str, seed: int) -> Trial:
        (found,) = (t for t in self.plan.trials if (t.arm, t.seed) == (name, seed))
        return found

    def first_step(self, name: str, seed: int) -> Step:
        return self.plan.steps[self.trial(name, seed).train_keys[0]]

    def start_of(self, name: str, seed: int) -> Any:
        row = self.store.row(self.trial(name, seed).train_keys[0])
        assert row is not None
        return row.result["start"]

    def last(self, name: str, seed: int) -> Weights:
        """Weights at the end of an arm's training."""
        return self._weights(self.trial(name, seed).train_keys[-1], "last")

    def best(self, key: str) -> Weights:
        """The best measured weights of a training of one step."""
        return self._weights(key, "best")

    def _weights(self, key: str, keep: Keep) -> Weights:
        row = self.store.row(key)
        assert row is not None
        return StoredWeights(self.store, {}).of(row, keep)

    def source(self, seed: int) -> Weights:
        (found,) = (t for t in self.plan.sources if t.seed == seed)
        return self.best(found.train_keys[0])

    def correct(self, name: str, seed: int) -> float:
        told = self.store.arrays(self.trial(name, seed).predict_key)
        return float((told["labels"] == told["classes"]).mean())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The study, run once for all tests of this file."""
    folder: Path = tmp_path_factory.mktemp("starts") / "store"
    loaded = digits_to_parity()
    options = RunOptions(store=folder, workers=1, device="cpu")
    assert run(loaded, options, listen=lambda *_: None).tally.failed == ()
    with Store(folder) as store:
        yield Ran(loaded, store)


def stages(weights: Weights, *names: str) -> Weights:
    return {name: array for name, array in weights.items() if stage_of(name) in names}


def fresh(ran: Ran, seed: int, role: str = "target") -> Weights:
    network = ran.loaded.study.network
    assert isinstance(network, DeclaredNetwork)
    return fresh_weights(network, (28, 28, 1), 2, seed, role)


def assert_same(found: Weights, expected: Weights) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


TRUNK = ("dense1", "dense2")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shuffled_trunk_keeps_its_numbers_and_forgets_their_places(ran: Ran, seed: int) -> None:
    # Frozen, so that what the run began with is what it ended with.
    began, source = ran.last("shuffled and frozen", seed), ran.source(seed)
    for name, array in stages(source, *TRUNK).items():
        np.testing.assert_array_equal(np.sort(began[name].ravel()), np.sort(array.ravel()))
        assert began[name].shape == array.shape
        assert (began[name] != array).mean() > 0.5
    assert ran.start_of("shuffled", seed) == {"fresh": ["head"], "taken": list(TRUNK)}
    assert ran.start_of("shuffled", seed) == ran.start_of("shuffled and frozen", seed)


def test_each_seed_is_shuffled_in_its_own_way(ran: Ran) -> None:
    orders = []
    for seed in SEEDS:
        before = ran.source(seed)["dense1.0.weight"].ravel()
        after = ran.last("shuffled and frozen", seed)["dense1.0.weight"].ravel()
        assert len(set(before.tolist())) == len(before)
        place = {value: at for at, value in enumerate(before.tolist())}
        orders.append([place[value] for value in after.tolist()])
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_selffer_starts_from_a_run_on_its_own_images(ran: Ran, seed: int) -> None:
    frozen, scratch = ran.first_step("self and frozen", seed), ran.first_step("scratch", seed)
    (self_run,) = frozen.inputs
    assert ran.first_step("selffer", seed).inputs == frozen.inputs
    step = ran.plan.steps[self_run]
    assert step.label == f"self run on target, 60, seed {seed}"
    # The same images and budget as from scratch, with other first weights and another order.
    different = {name for name in step.payload if step.payload[name] != scratch.payload[name]}
    assert different == {"role"}
    assert (step.payload["role"], scratch.payload["role"]) == ("self", "target")
    ours, theirs = fresh(ran, seed, "self"), fresh(ran, seed)
    assert all((ours[n] != theirs[n]).any() for n in ours if n.endswith("weight"))
    learnt = stages(ran.best(self_run), *TRUNK)
    assert_same(stages(ran.last("self and frozen", seed), *TRUNK), learnt)
    assert ran.start_of("selffer", seed) == {"fresh": ["head"], "taken": list(TRUNK)}


@pytest.mark.parametrize("seed", SEEDS)
def test_stages_come_from_the_origins_of_their_rules(ran: Ran, seed: int) -> None:
    found, source = ran.last("two origins", seed), ran.source(seed)
    (self_run,) = ran.first_step("selffer", seed).inputs
    assert_same(stages(found, "dense1"), stages(source, "dense1"))
    assert_same(stages(found, "dense2"), stages(ran.best(self_run), "dense2"))


@pytest.mark.parametrize("seed", SEEDS)
def test_surgery_leaves_all_other_stages_as_they_were(ran: Ran, seed: int) -> None:
    found = ran.last("surgical", seed)
    assert_same(stages(found, "dense1"), stages(ran.source(seed), "dense1"))
    assert_same(stages(found, "head"), stages(fresh(ran, seed), "head"))
    for name, array in stages(ran.source(seed), "dense2").items():
        assert (found[name] != array).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_dropout_that_stays_live_in_a_frozen_stage_changes_the_head_alone(
    ran: Ran, seed: int
) -> None:
    live, still = ran.last("live", seed), ran.last("still", seed)
    assert_same(stages(live, *TRUNK), stages(ran.source(seed), *TRUNK))
    assert_same(stages(still, *TRUNK), stages(ran.source(seed), *TRUNK))
    assert (live["head.0.weight"] != still["head.0.weight"]).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_long_run_from_scratch_costs_what_the_transfer_did_with_its_source(
    ran: Ran, seed: int
) -> None:
    long, full = ran.trial("scratch_long", seed), ran.trial("full", seed)
    (source,) = (t for t in ran.plan.sources if t.seed == seed)
    spent = full.flops + source.flops
    assert spent <= long.flops < spent + long.flops // long.updates
    curve = ran.store.row(long.train_keys[-1])
    assert curve is not None
    assert curve.result["curve"][-1][0] == long.updates > full.updates + 800


# The label map, computed again with numpy alone.


def told_by_hand(weights: Weights, pixels: np.ndarray) -> np.ndarray:
    """Probabilities of the ten digits for images (n, 28, 28, 1) of bytes."""
    images = pixels[..., 0].astype(np.float64) / 255
    means = images.reshape(len(images), 7, 4, 7, 4).mean(axis=(2, 4)).reshape(len(images), 49)
    for layer in ("dense1.0", "dense2.0"):
        means = np.maximum(means @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"], 0)
    logits = means @ weights["head.0.weight"].T + weights["head.0.bias"]
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_label_map_is_the_source_network_and_a_table(ran: Ran, seed: int) -> None:
    trial = ran.trial("label_map", seed)
    assert (trial.train_keys, trial.updates, trial.flops) == ((), 0, 0)
    assert trial.trainable_parameters == 0
    step = ran.plan.steps[trial.predict_key]
    weights = ran.source(seed)

    # The table: most seen parity of each digit answered on the arm's own 60 training images.
    examples, _ = training_examples(
        step.payload["label_map"], step.payload["preprocessing"], step.datasets
    )
    own, _ = training_examples(
        ran.first_step("scratch", seed).payload["data"],
        step.payload["preprocessing"],
        step.datasets,
    )
    np.testing.assert_array_equal(examples.inputs, own.inputs)
    assert len(examples.labels) == 60
    pixels = examples.array.transpose(0, 2, 3, 1)
    answered = told_by_hand(weights, pixels).argmax(1)
    usual = np.bincount(examples.labels, minlength=2).argmax()
    table = []
    for digit in range(10):
        seen = np.bincount(examples.labels[answered == digit], minlength=2)
        table.append(int(seen.argmax()) if seen[0] != seen[1] else int(usual))
    row = ran.store.row(trial.predict_key)
    assert row is not None
    assert row.result["checkpoint"]["map"] == table

    # The answers: probabilities of digits added up under what they stand for.
    published = open_part(DataRef(dataset="mnist-mini"), "test")
    digits = told_by_hand(weights, published.pixels)
    expected = np.stack([digits[:, np.array(table) == parity].sum(1) for parity in (0, 1)], 1)
    told = ran.store.arrays(trial.predict_key)
    np.testing.assert_array_equal(told["labels"], 1 - published.labels % 2)
    np.testing.assert_allclose(told["probabilities"], expected, atol=1e-5)
    of_truth = told["probabilities"][np.arange(len(told["labels"])), told["labels"]]
    np.testing.assert_allclose(np.exp(-told["losses"]), of_truth, atol=1e-6)
    assert (np.isinf(told["losses"]) == (of_truth == 0)).all()
    sure = np.abs(expected[:, 0] - expected[:, 1]) > 1e-4
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(told["classes"][sure], expected.argmax(1)[sure])


@pytest.mark.parametrize("seed", SEEDS)
def test_reading_the_digit_beats_a_head_on_a_random_trunk(ran: Ran, seed: int) -> None:
    assert ran.correct("label_map", seed) > 0.75
    assert ran.correct("label_map", seed) > ran.correct("random_trunk", seed) + 0.1


def test_label_map_and_source_run_see_disjoint_images(ran: Ran) -> None:
    step = ran.plan.steps[ran.trial("label_map", 0).predict_key]
    assert step.payload["label_map"]["split"]["take"] == [0.5, 1.0]
    ((key,),) = ran.plan.overlaps.values()
    found = ran.store.row(key)
    assert found is not None
    assert (found.result["shared_train"], found.result["num_test"]) == (0, 2_000)
    assert len(images_to_test(step.payload["data"], step.datasets).labels) == 2_000
