"""Heads trained side by side: the bits of each alone, and what the network itself would give."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.networks.declared.build import Network, build
from headstart.networks.declared.initial import fresh_weights
from headstart.networks.weights import Weights
from headstart.strategies import phases_of
from headstart.study.arms import Probe
from headstart.study.declared import DeclaredNetwork
from headstart.study.phases import Phase, Rule
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import features
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, prepare, train_together
from headstart.train.registry import AUTOGRAD, BATCHED_HEADS, MANUAL_BACKPROP, TRAINERS
from headstart.train.trainer import PreparedPhase, TrainerKind

CPU = torch.device("cpu")
IMAGE = (4, 4, 1)

OTHERS = (MANUAL_BACKPROP, AUTOGRAD)


def network(width: int, output: str = "softmax") -> DeclaredNetwork:
    return DeclaredNetwork.model_validate(
        {
            "stages": [
                {
                    "name": "dense",
                    "layers": ["flatten", {"kind": "dense", "units": width}, "relu"],
                }
            ],
            "head": {"output": output},
        }
    )


# Rows behind it are held pixel by pixel, and so are the weights of its head.
WIDE = DeclaredNetwork.model_validate(
    {"stages": [{"name": "conv", "layers": [{"kind": "conv", "channels": 18}, "relu", "flatten"]}]}
)


def examples(seed: int, num: int, classes: int, name: str = "") -> Examples:
    drawn = np.random.default_rng(seed)
    return Examples(
        inputs=drawn.normal(size=(num, 1, 4, 4)).astype(np.float32),
        labels=drawn.integers(0, classes, num),
        name=name,
    )


def member(
    seed: int, lr: float = 0.05, *, width: int = 40, classes: int = 5, num: int = 50, **changes: Any
) -> PreparedPhase:
    """A probe with data, first weights and batches of its own."""
    net = changes.pop("network", network(width))
    trainers = changes.pop("trainers", TRAINERS)
    work = PhaseConfig(
        network=net,
        image=IMAGE,
        num_classes=classes,
        phase=changes.pop("phase", phases_of(Probe(), net.stage_names, 24)[0]),
        optimiser=OptimiserSpec(
            **{"lr": lr, "momentum": 0.9, "weight_decay": 1e-3, **changes.pop("optimiser", {})}
        ),
        schedule=ScheduleSpec(kind="cosine", warmup=0.1),
        batch_size=16,
        first_update=0,
        measure_at=(8, 16, 24),
        seed=seed,
        role="target",
    )
    return prepare(
        replace(work, **changes),
        fresh_weights(net, IMAGE, classes, seed, "target"),
        examples(seed, num, classes),
        examples(99, 30, classes),
        CPU,
        trainers=trainers,
    )


def assert_same_bits(ours: PhaseResult, theirs: PhaseResult) -> None:
    assert replace_seconds(ours) == replace_seconds(theirs)
    for name, array in theirs.last_weights.items():
        np.testing.assert_array_equal(ours.last_weights[name], array, strict=True)
    assert ours.best_weights is not None
    assert theirs.best_weights is not None
    for name, array in theirs.best_weights.items():
        np.testing.assert_array_equal(ours.best_weights[name], array, strict=True)


def replace_seconds(result: PhaseResult) -> PhaseResult:
    return replace(result, seconds=0.0, last_weights={}, best_weights=None)


def assert_close(ours: PhaseResult, theirs: PhaseResult) -> None:
    for name, array in theirs.last_weights.items():
        np.testing.assert_allclose(ours.last_weights[name], array, rtol=1e-5, atol=1e-5)
    for mine, other in zip(ours.curve, theirs.curve, strict=True):
        assert mine.update == other.update
        assert mine.train_loss == pytest.approx(other.train_loss, rel=1e-5)
        assert mine.validation_loss == pytest.approx(other.validation_loss, rel=1e-5)
    assert ours.frozen_before == theirs.frozen_before == ours.frozen_after
    assert ours.trained_moved == theirs.trained_moved


def rate_of(seed: int) -> float:
    """Neighbours of equal and of different rates, in no order."""
    return (0.05, 0.01, 0.3)[seed % 3]


# Odd widths, two classes, a batch larger than the images, images that fill no batch.
SHAPES = [
    {"width": 40, "classes": 5, "num": 50},
    {"width": 31, "classes": 2, "num": 33},
    {"width": 200, "classes": 10, "num": 64},
    {"width": 7, "classes": 3, "num": 11, "batch_size": 11},
    {"network": network(9, "sigmoid"), "classes": 2, "num": 50},
    {"network": WIDE, "classes": 5, "num": 50},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_head_has_the_same_bits_alone_and_among_any_neighbours(shape: dict[str, Any]) -> None:
    def together(seeds: Sequence[int]) -> dict[int, PhaseResult]:
        members = [member(seed, rate_of(seed), **shape) for seed in seeds]
        return dict(zip(seeds, train_together(members), strict=True))

    alone = {seed: together([seed])[seed] for seed in (0, 1, 5)}
    others = np.random.default_rng(0).permutation(np.arange(20, 40)).tolist()
    groups = [(0, 1, 5), (5, 0, 1), (1, 7, 8, 9, 5), (*others[:13], 5, 1, 0), (0, *others[:16], 5)]
    for group in groups:
        found = together(group)
        for seed in alone.keys() & found.keys():
            assert_same_bits(found[seed], alone[seed])


OPTIMISERS = [
    {"kind": "sgd", "momentum": 0.0, "weight_decay": 0.0},
    {"kind": "sgd", "momentum": 0.9, "nesterov": True},
    {"kind": "adam", "defaults": "torch"},
    {"kind": "adamw", "defaults": "keras"},
    {"kind": "rmsprop", "defaults": "torch", "lr": 0.002},
    {"kind": "rmsprop", "defaults": "keras", "lr": 0.002},
    {"kind": "adadelta", "defaults": "torch"},
]


def optimiser(settings: dict[str, Any]) -> dict[str, Any]:
    return settings if settings["kind"] == "sgd" else {"momentum": 0.0, **settings}


@pytest.mark.parametrize("settings", OPTIMISERS, ids=str)
def test_every_optimiser_gives_bits_that_do_not_depend_on_neighbours_and_rates(
    settings: dict[str, Any],
) -> None:
    def of(seed: int) -> PreparedPhase:
        settled = {**optimiser(settings), "lr": 0.02 * (1 + seed % 2)}
        return member(seed, optimiser=settled)

    alone = [train_together([of(seed)])[0] for seed in range(3)]
    for result, expected in zip(
        train_together([of(seed) for seed in range(7)]), alone, strict=False
    ):
        assert_same_bits(result, expected)


@pytest.mark.parametrize("settings", OPTIMISERS, ids=str)
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[4], SHAPES[5]])
def test_stacked_heads_give_what_the_network_itself_gives(
    settings: dict[str, Any], shape: dict[str, Any]
) -> None:
    def members(trainers: Sequence[TrainerKind] = TRAINERS) -> list[PreparedPhase]:
        return [
            member(seed, optimiser=optimiser(settings), trainers=trainers, **shape)
            for seed in range(3)
        ]

    stacked = train_together(members())
    for ours, one in zip(stacked, members(OTHERS), strict=True):
        assert one.trainer is not BATCHED_HEADS
        assert_close(ours, train_together([one])[0])


def test_a_phase_that_goes_on_in_the_middle_of_an_epoch_gives_what_the_network_gives() -> None:
    def later(trainers: Sequence[TrainerKind] = TRAINERS) -> PreparedPhase:
        return member(0, first_update=6, measure_at=(8, 30), trainers=trainers)

    assert_close(train_together([later()])[0], train_together([later(OTHERS)])[0])


def test_a_learning_rate_scale_of_the_head_counts() -> None:
    rules = (
        Rule(first="dense", last="dense", lr_scale=0, mode="eval"),
        Rule(first="head", last="head", lr_scale=0.25, mode="train"),
    )
    scaled = member(0, 0.4, phase=Phase(rules=rules, updates=24))
    assert scaled.trainer is BATCHED_HEADS
    assert_close(train_together([scaled])[0], train_together([member(0, 0.1)])[0])


def test_a_neighbour_that_blows_up_harms_nobody() -> None:
    alone = train_together([member(0)])[0]
    beside, burst = train_together([member(0), member(1, 3e38)])
    assert not burst.finite
    assert_same_bits(beside, alone)


def test_only_what_differs_in_seed_data_and_rate_goes_together() -> None:
    with pytest.raises(ValueError, match="go apart"):
        train_together([member(0), member(1, num=49)])
    with pytest.raises(ValueError, match="go apart"):
        train_together([member(0), member(1, batch_size=8)])
    whole = Phase(rules=(Rule(first="dense", last="head", lr_scale=1, mode="train"),), updates=3)
    with pytest.raises(ValueError, match="go apart"):
        train_together([member(0), member(1, phase=whole)])


def test_an_epsilon_of_zero_is_left_to_the_network() -> None:
    """It divides 0 by 0 where a weight has no gradient, as those that fill up lanes have none."""
    settings = {"kind": "adam", "momentum": 0.0, "epsilon": 0.0}
    assert member(0, optimiser=settings).trainer is not BATCHED_HEADS


def test_features_of_named_examples_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    base, built = member(0), 0

    def counted(*given: Any) -> Network:
        nonlocal built
        built += 1
        return build(*given)

    def again(weights: Weights) -> PreparedPhase:
        train = examples(0, 50, 5, "train of test_heads")
        return prepare(base.work, weights, train, examples(99, 30, 5, "held out"), CPU)

    monkeypatch.setattr(features, "build", counted)
    first, second = again(base.weights), again(base.weights)
    assert built == 2  # for training and validation images, once each
    assert second.train is first.train
    assert second.validation is first.validation
    assert again({name: array + 1 for name, array in base.weights.items()}).train != first.train
    assert built == 4
    assert_same_bits(train_together([second])[0], train_together([base])[0])
