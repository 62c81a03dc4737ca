"""Small networks trained on columns, without autograd: the numbers that the plain update gives."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from headstart.networks.declared.initial import fresh_weights
from headstart.networks.weights import Weights
from headstart.study.declared import DeclaredNetwork
from headstart.study.phases import Phase, Rule
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import autograd
from headstart.train.fast.manual_backprop import supports
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, run_phase
from headstart.train.registry import AUTOGRAD, TRAINERS
from headstart.train.trainer import TrainerKind

CPU = torch.device("cpu")
IMAGE = (10, 8, 2)
LEAKY = {"kind": "leaky_relu", "slope": 0.3}
DROPOUT = {"kind": "dropout", "rate": 0.3}
CONV = {"kind": "conv", "channels": 2}
PLAIN = {"momentum": 0.0}
OTHERS: list[dict[str, Any]] = [
    {"kind": kind, "lr": lr, "momentum": 0.0} | more
    for kind, lr, more in (
        ("adam", 0.01, {}),
        ("adamw", 0.01, {"weight_decay": 0.1}),
        ("rmsprop", 0.001, {"momentum": 0.5}),
        ("rmsprop", 0.001, {"defaults": "keras"}),
        ("adadelta", 1.0, {}),
    )
]


def dense(units: int, **settings: object) -> dict[str, object]:
    return {"kind": "dense", "units": units, **settings}


def network(*stages: Sequence[Any], output: str = "softmax") -> DeclaredNetwork:
    """Stages `s0`, `s1`, and so on."""
    named = [{"name": f"s{at}", "layers": list(layers)} for at, layers in enumerate(stages)]
    return DeclaredNetwork.model_validate(
        {"stages": named, "head": {"output": output}, "initialiser": "torch"}
    )


def rule(first: str, last: str, scale: float = 1.0, mode: str = "train", kind: str = "all") -> Rule:
    return Rule.model_validate(
        {"first": first, "last": last, "lr_scale": scale, "mode": mode, "kind": kind}
    )


ALL = (rule("s0", "head"),)
TWO = network(["flatten", dense(9), LEAKY], [dense(7), "tanh"])
DROPPED = network(["flatten", dense(9), "relu", DROPOUT], [dense(7), DROPOUT, "gelu"])
SAME = CONV | {"padding": "same"}
POOLED = network([SAME, "relu", "max_pool", "flatten"], [dense(7), "relu"])
TWICE = network([SAME, "max_pool", "relu"], [CONV, "max_pool", "tanh", "flatten"], [dense(7)])
CONVOLVED = network([CONV, "relu", DROPOUT], ["flatten", dense(7), "relu"])


def examples(seed: int, num: int, classes: int) -> Examples:
    drawn = np.random.default_rng(seed)
    return Examples(
        inputs=drawn.normal(size=(num, 2, 10, 8)).astype(np.float32),
        labels=drawn.integers(0, classes, num),
    )


def work(
    net: DeclaredNetwork, rules: tuple[Rule, ...], classes: int, **optimiser: Any
) -> PhaseConfig:
    return PhaseConfig(
        network=net,
        image=IMAGE,
        num_classes=classes,
        phase=Phase(rules=rules, updates=14),
        optimiser=OptimiserSpec.model_validate({"lr": 0.1, "momentum": 0.9} | optimiser),
        schedule=ScheduleSpec(kind="cosine", warmup=0.2),
        batch_size=8,
        first_update=0,
        measure_at=(5, 14),
        seed=0,
        role="target",
    )


def trained(given: PhaseConfig, trainers: Sequence[TrainerKind] = TRAINERS) -> PhaseResult:
    assert isinstance(given.network, DeclaredNetwork)
    first = fresh_weights(given.network, IMAGE, given.num_classes, 0, "target")
    classes = given.num_classes
    train, validation = examples(0, 35, classes), examples(1, 20, classes)
    return run_phase(given, first, train, validation, CPU, trainers=trainers)


CASES: list[tuple[DeclaredNetwork, tuple[Rule, ...], int, dict[str, Any]]] = [
    (network(["flatten", dense(9), activation]), ALL, 3, PLAIN)
    for activation in ("relu", LEAKY, "tanh", "gelu")
]
CASES += [
    (TWO, ALL, 3, {}),
    (TWO, ALL, 3, {"weight_decay": 0.05}),
    (TWO, ALL, 3, {"weight_decay": 0.05, "momentum": 0.0}),
    (TWO, ALL, 3, {"weight_decay": 0.05, "nesterov": True}),
    (network(["flatten", dense(9, bias=False), "relu", "tanh"]), ALL, 3, {}),
    (network(["flatten", dense(9), "relu"], output="sigmoid"), ALL, 2, {}),
    (network(["flatten", dense(9), "relu"]), ALL, 2, {}),
    # Discriminative rates; a rate of the bias alone.
    (TWO, (rule("s0", "s0", 0.1), rule("s1", "s1", 0.3), rule("head", "head")), 3, {}),
    (
        TWO,
        (rule("s0", "head", 1.0, kind="weight"), rule("s0", "head", 2.0, kind="bias")),
        3,
        PLAIN,
    ),
    # Frozen below, frozen above, frozen weights with biases that move.
    (TWO, (rule("s0", "s0", 0, "eval"), rule("s1", "head")), 3, {"weight_decay": 0.05}),
    (TWO, (rule("s0", "s0"), rule("s1", "head", 0, "eval")), 3, {"weight_decay": 0.05}),
    (TWO, (rule("s0", "head", 0, kind="weight"), rule("s0", "head", 1, kind="bias")), 3, {}),
    # Dropout: live, not live, above a frozen convolution.
    (DROPPED, ALL, 3, {}),
    (DROPPED, (rule("s0", "s0", mode="eval"), rule("s1", "head")), 3, {}),
    (CONVOLVED, (rule("s0", "s0", 0, "train"), rule("s1", "head")), 3, {}),
    (CONVOLVED, (rule("s0", "s1", 0, "train"), rule("head", "head")), 3, {}),
    # Batch statistics that move in a frozen stage below.
    (
        network([CONV, "batch_norm"], ["flatten", dense(7), "relu"]),
        (rule("s0", "s0", 0, "train"), rule("s1", "head")),
        3,
        PLAIN,
    ),
]
CASES += [(net, ALL, 3, optimiser) for net in (DROPPED, POOLED) for optimiser in OTHERS]
CASES += [
    (network([CONV | settings, "max_pool", "flatten", dense(5), "relu"]), ALL, 3, PLAIN)
    for settings in (
        {"kernel": 1},
        {"kernel": 2},  # 9 x 7 values, of which the pool drops a row and a column
        {"kernel": 3},
        {"kernel": 4},
        {"kernel": 5, "padding": "same"},
        {"padding": "same", "bias": False},
        {"padding": "same", "channels": 16},
    )
]
CASES += [
    (POOLED, ALL, 3, {"weight_decay": 0.05, "nesterov": True}),
    (POOLED, (rule("s0", "s0", 0.1), rule("s1", "head")), 3, {}),
    (POOLED, (rule("s0", "head", 0, kind="weight"), rule("s0", "head", 1, kind="bias")), 3, {}),
    (POOLED, (rule("s0", "s0"), rule("s1", "head", 0, "eval")), 3, {}),
    # Dropout on what is still an image.
    (network([SAME, "max_pool", DROPOUT, "tanh", "tanh", "flatten"]), ALL, 3, {}),
    # Convolutions above others: all trained, one frozen above or below, dropout between.
    (TWICE, ALL, 3, {}),
    (TWICE, (rule("s0", "s0"), rule("s1", "s1", 0, "eval"), rule("s2", "head")), 3, {}),
    (TWICE, (rule("s0", "s0", 0, "eval"), rule("s1", "head")), 3, {}),
    (network([SAME, "max_pool", DROPOUT], [CONV, "max_pool", "flatten"]), ALL, 3, {}),
]
CASES += [
    (network([SAME, "max_pool"], [CONV | settings, "max_pool", "flatten"]), ALL, 3, PLAIN)
    for settings in (
        {"kernel": 1},
        {"kernel": 2},  # 4 x 3 values: a window fewer than pixels have room for
        {"kernel": 3, "channels": 5},
        {"kernel": 3, "padding": "same"},
        {"kernel": 5, "padding": "same"},
    )
]


@pytest.mark.parametrize(("net", "rules", "classes", "optimiser"), CASES)
def test_it_equals_the_plain_update(
    net: DeclaredNetwork,
    rules: tuple[Rule, ...],
    classes: int,
    optimiser: dict[str, Any],
) -> None:
    given = work(net, rules, classes, **optimiser)
    assert supports(given, CPU)
    ours = trained(given)
    plain = trained(given, (AUTOGRAD,))
    # Other optimisers divide by roots of what is next to nothing here and there.
    atol = 1e-6 if given.optimiser.kind == "sgd" else 1e-5
    for name, array in plain.last_weights.items():
        np.testing.assert_allclose(
            ours.last_weights[name], array, rtol=1e-4, atol=atol, err_msg=name
        )
    for mine, other in zip(ours.curve, plain.curve, strict=True):
        assert mine.train_loss == pytest.approx(other.train_loss, rel=1e-5)
        assert mine.validation_loss == pytest.approx(other.validation_loss, rel=1e-5)
        assert mine.train_accuracy == other.train_accuracy
    assert ours.frozen_before == plain.frozen_before == ours.frozen_after
    assert ours.trained_moved


@pytest.mark.parametrize(
    ("net", "rules", "optimiser"),
    [
        (CONVOLVED, ALL, {}),
        (network([CONV | {"channels": 17}, "max_pool", "flatten"]), ALL, {}),
        (network([CONV | {"stride": 2, "padding": "same"}, "max_pool", "flatten"]), ALL, {}),
        (network([CONV | {"kernel": 2, "padding": "same"}, "max_pool", "flatten"]), ALL, {}),
        (network([CONV, {"kind": "max_pool", "size": 1}, "flatten"]), ALL, {}),
        (network(["flatten", dense(9), "batch_norm", "relu"]), ALL, {}),
    ],
)
def test_what_it_cannot_do_is_left_to_the_plain_update(
    net: DeclaredNetwork, rules: tuple[Rule, ...], optimiser: dict[str, Any]
) -> None:
    assert not supports(work(net, rules, 3, **optimiser), CPU)


def test_images_that_are_split_for_two_threads_are_left_to_the_plain_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = network([SAME, "max_pool", "flatten", dense(100_000)])  # only its dense layers are large
    assert supports(work(wide, ALL, 3), CPU)
    assert supports(work(TWO, ALL, 3), CPU)
    monkeypatch.setattr(autograd, "LEAST_SPLIT", 0)
    assert not supports(work(wide, ALL, 3), CPU)
    assert supports(work(TWO, ALL, 3), CPU)


def test_of_equal_values_the_first_one_learns_as_in_pytorch() -> None:
    """All of a convolution's weights are zero: so are its values, and each window is a tie."""
    net = network([SAME, "max_pool", "flatten"], [dense(7), "relu"])
    given = work(net, ALL, 3, **PLAIN)
    first = fresh_weights(net, IMAGE, 3, 0, "target")
    first = {name: array * (not name.startswith("s0")) for name, array in first.items()}

    def last(trainers: Sequence[TrainerKind]) -> Weights:
        train, validation = examples(0, 35, 3), examples(1, 20, 3)
        return run_phase(given, first, train, validation, CPU, trainers=trainers).last_weights

    ours = last(TRAINERS)
    for name, array in last((AUTOGRAD,)).items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-4, atol=1e-6)
    assert np.abs(ours["s0.0.weight"]).max() > 0.01


def test_it_gives_the_same_bits_twice() -> None:
    first, again = (trained(work(DROPPED, ALL, 3)) for _ in range(2))
    for name, array in first.last_weights.items():
        np.testing.assert_array_equal(again.last_weights[name], array)
