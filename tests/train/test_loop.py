"""The loop against a plain one, frozen that stays, batches that agree between arms."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from headstart.core.seeds import generator
from headstart.networks.declared.build import build
from headstart.networks.declared.initial import fresh_weights, stage_of
from headstart.networks.weights import Weights
from headstart.strategies import phases_of
from headstart.study.arms import AnyStrategy, Discriminative, Freeze, Full, Gradual, Probe
from headstart.study.declared import DeclaredNetwork
from headstart.study.phases import Phase, Rule
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train.autograd import AutogradTrainer
from headstart.train.loop import (
    Examples,
    Measurement,
    PhaseConfig,
    PhaseResult,
    prepare,
    run_phase,
)
from headstart.train.optimisers import make_optimiser, rate_factor
from headstart.train.prediction import predict
from headstart.train.registry import AUTOGRAD, MANUAL_BACKPROP, TRAINERS
from headstart.train.trainer import Factor, TrainerKind

CPU = torch.device("cpu")
IMAGE = (6, 6, 1)
NETWORK = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "conv", "layers": [{"kind": "conv", "channels": 3}, "batch_norm", "relu"]},
            {"name": "drop", "layers": ["flatten", {"kind": "dropout", "rate": 0.3}]},
            {"name": "dense", "layers": [{"kind": "dense", "units": 8}, "relu"]},
        ]
    }
)
PLAIN = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "one", "layers": ["flatten", {"kind": "dense", "units": 8}, "tanh"]},
            {"name": "two", "layers": [{"kind": "dense", "units": 6}, "tanh"]},
        ]
    }
)


def examples(seed: int, num: int) -> Examples:
    """Noise with a class that can be learnt: which third of the image is brightest."""
    drawn = np.random.default_rng(seed)
    labels = drawn.integers(0, 3, num)
    inputs = drawn.normal(size=(num, 1, 6, 6)).astype(np.float32)
    for image, label in zip(inputs, labels, strict=True):
        image[0, 2 * label : 2 * label + 2] += 1.5
    return Examples(inputs=inputs, labels=labels)


TRAIN, VALIDATION = examples(0, 50), examples(1, 40)


def work(phase: Phase, network: DeclaredNetwork = NETWORK, **changes: object) -> PhaseConfig:
    base = PhaseConfig(
        network=network,
        image=IMAGE,
        num_classes=3,
        phase=phase,
        optimiser=OptimiserSpec(lr=0.05, momentum=0.9, weight_decay=1e-3),
        schedule=ScheduleSpec(),
        batch_size=16,
        first_update=0,
        measure_at=(5, 10),
        seed=0,
        role="target",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def start(network: DeclaredNetwork = NETWORK) -> Weights:
    return fresh_weights(network, IMAGE, 3, seed=0, role="target")


def go(
    phase: Phase,
    network: DeclaredNetwork = NETWORK,
    *,
    trainers: Sequence[TrainerKind] = TRAINERS,
    use_features: bool = True,
    **changes: object,
) -> PhaseResult:
    return run_phase(
        work(phase, network, **changes),
        start(network),
        TRAIN,
        VALIDATION,
        CPU,
        trainers=trainers,
        use_features=use_features,
    )


def moved_in(result: PhaseResult) -> set[str]:
    return {
        name
        for name, array in start().items()
        if not np.array_equal(array, result.last_weights[name])
    }


def accuracy_of(point: Measurement) -> float:
    assert point.validation_accuracy is not None
    return point.validation_accuracy


def full(network: DeclaredNetwork = NETWORK, updates: int = 10) -> Phase:
    return phases_of(Full(), network.stage_names, updates)[0]


@pytest.mark.parametrize("dense", [False, True])
def test_the_loop_equals_a_plain_pytorch_loop(dense: bool) -> None:
    """Bit for bit with PyTorch's own update, within rounding with that of dense layers."""
    result = go(full(PLAIN), PLAIN, trainers=(MANUAL_BACKPROP if dense else AUTOGRAD,))
    module = build(PLAIN, IMAGE, 3, start(PLAIN))
    optimiser = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    update = 0
    for epoch in range(3):
        order = generator(0, "target", "order", epoch).permutation(50)
        for at in range(0, 50, 16):
            if update == 10:
                break
            chosen = order[at : at + 16]
            loss = functional.cross_entropy(
                module(torch.from_numpy(TRAIN.inputs[chosen])),
                torch.from_numpy(TRAIN.labels[chosen]),
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            update += 1
    tolerance = {"rtol": 1e-4, "atol": 1e-6} if dense else {"rtol": 0, "atol": 0}
    for name, array in module.weights().items():
        np.testing.assert_allclose(result.last_weights[name], array, **tolerance)


@pytest.mark.parametrize(
    "strategy", [Probe(), Freeze(cut="conv"), Freeze(cut="drop"), Gradual(), Discriminative()]
)
def test_frozen_stages_keep_parameters_and_buffers_and_the_rest_moves(
    strategy: AnyStrategy,
) -> None:
    first = phases_of(strategy, NETWORK.stage_names, 40)[0]
    result = go(first)
    assert result.frozen_before == result.frozen_after
    assert result.trained_moved
    frozen_until = max(
        (NETWORK.stage_names.index(rule.last) for rule in first.rules if rule.frozen), default=-1
    )
    for name, array in start().items():
        stage_at = NETWORK.stage_names.index(stage_of(name))
        same = np.array_equal(array, result.last_weights[name])
        assert same == (stage_at <= frozen_until), name


def test_weight_decay_and_momentum_do_not_move_what_is_frozen() -> None:
    """A frozen parameter with a zero gradient would still decay: it must not be optimised."""
    phase = phases_of(Probe(), PLAIN.stage_names, 10)[0]
    result = go(phase, PLAIN, optimiser=OptimiserSpec(kind="adamw", lr=0.1, weight_decay=0.5))
    np.testing.assert_array_equal(result.last_weights["one.1.weight"], start(PLAIN)["one.1.weight"])


def test_frozen_in_train_mode_moves_batch_statistics_only() -> None:
    rules = (
        Rule(first="conv", last="dense", lr_scale=0, mode="train"),
        Rule(first="head", last="head", lr_scale=1, mode="train"),
    )
    result = go(Phase(rules=rules, updates=5))
    moved = {
        name
        for name, array in start().items()
        if not np.array_equal(array, result.last_weights[name])
    }
    assert moved == {"conv.1.running_mean", "conv.1.running_var", "head.0.weight", "head.0.bias"}
    assert result.frozen_before == result.frozen_after


def test_rules_by_kind_of_parameter_train_norms_only() -> None:
    rules = (
        Rule(first="conv", last="dense", kind="weight", lr_scale=0, mode="eval"),
        Rule(first="conv", last="dense", kind="bias", lr_scale=0, mode="eval"),
        Rule(first="conv", last="dense", kind="norm", lr_scale=1, mode="eval"),
        Rule(first="head", last="head", lr_scale=1, mode="train"),
    )
    result = go(Phase(rules=rules, updates=5))
    moved = {
        name
        for name, array in start().items()
        if not np.array_equal(array, result.last_weights[name])
    }
    assert moved == {"conv.1.weight", "conv.1.bias", "head.0.weight", "head.0.bias"}


def test_two_phases_see_the_batches_of_one() -> None:
    """A phase that begins at update 4 goes on in the order of the trial, so arms stay paired."""
    whole = go(full(PLAIN, 10), PLAIN, optimiser=OptimiserSpec(lr=0.05))
    first = go(full(PLAIN, 4), PLAIN, optimiser=OptimiserSpec(lr=0.05), measure_at=())
    rest = run_phase(
        work(full(PLAIN, 6), PLAIN, optimiser=OptimiserSpec(lr=0.05), first_update=4),
        first.last_weights,
        TRAIN,
        VALIDATION,
        CPU,
    )
    # Plain SGD without momentum has no state, so the two ways give the same weights.
    for name, array in whole.last_weights.items():
        np.testing.assert_array_equal(rest.last_weights[name], array)


def test_measurements_come_at_the_updates_asked_for_and_the_best_is_the_first_of_equals() -> None:
    result = go(full(updates=30), measure_at=(3, 6, 9, 30))
    assert [point.update for point in result.curve] == [3, 6, 9, 30]
    accuracies = [accuracy_of(point) for point in result.curve]
    assert result.best is not None
    assert result.best.accuracy == max(accuracies)
    assert result.best.update == result.curve[accuracies.index(max(accuracies))].update
    assert result.best_weights is not None
    told = predict(NETWORK, IMAGE, 3, result.best_weights, VALIDATION, CPU)
    assert (told.classes == VALIDATION.labels).mean() == pytest.approx(result.best.accuracy)
    np.testing.assert_allclose(told.probabilities.sum(1), 1, atol=1e-6)


def test_measuring_does_not_change_the_training() -> None:
    often, never = go(full(), measure_at=tuple(range(1, 11))), go(full(), measure_at=())
    for name, array in often.last_weights.items():
        np.testing.assert_array_equal(never.last_weights[name], array)
    assert never.best is None
    assert never.best_weights is None


def test_it_learns() -> None:
    result = go(full(updates=150), measure_at=(150,))
    assert accuracy_of(result.curve[-1]) > 0.8
    assert result.finite


def test_a_training_that_blows_up_says_so() -> None:
    result = go(full(PLAIN, 20), PLAIN, optimiser=OptimiserSpec(lr=3e38))
    assert not result.finite


def test_the_weights_passed_in_are_left_alone() -> None:
    weights = start()
    kept = {name: array.copy() for name, array in weights.items()}
    run_phase(work(full()), weights, TRAIN, VALIDATION, CPU)
    for name, array in kept.items():
        np.testing.assert_array_equal(weights[name], array)


def test_fewer_images_than_a_batch_is_one_batch_an_update() -> None:
    few = Examples(inputs=TRAIN.array[:5], labels=TRAIN.labels[:5])
    result = run_phase(work(full(PLAIN, 4), PLAIN), start(PLAIN), few, VALIDATION, CPU)
    assert result.finite


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw", "rmsprop", "adadelta"])
@pytest.mark.parametrize("library", ["torch", "keras"])
def test_every_optimiser_takes_its_spec(kind: str, library: str) -> None:
    spec = OptimiserSpec.model_validate({"kind": kind, "defaults": library})
    parameter = torch.nn.Parameter(torch.ones(3))
    optimiser = make_optimiser(spec, [(0.5 * spec.lr, [parameter])])
    assert optimiser.groups[0].rate == pytest.approx(0.5 * spec.lr)
    parameter.sum().backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    assert (parameter != 1).all()
    assert optimiser.spec == spec


def test_cosine_falls_from_one_to_zero_after_a_linear_warm_up() -> None:
    schedule = ScheduleSpec(kind="cosine", warmup=0.1)
    factors = [rate_factor(schedule, update, 100) for update in range(100)]
    assert factors[:10] == pytest.approx([(number + 1) / 10 for number in range(10)])
    assert factors[10] == 1
    assert factors[55] == pytest.approx(0.5)
    assert 0 < factors[99] < 1e-3
    assert all(b < a for a, b in pairwise(factors[10:]))
    assert {rate_factor(ScheduleSpec(), update, 10) for update in range(10)} == {1.0}


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("cut", ["conv", "drop", "dense"])
def test_features_of_still_layers_computed_once_give_what_the_whole_network_gives(
    cut: str, mode: str
) -> None:
    """With dropout live in a frozen stage, layers stay still up to the dropout only."""
    network = NETWORK
    phase = phases_of(Freeze(cut=cut), network.stage_names, 10, mode)[0]  # type: ignore[arg-type]
    once = go(phase, network)
    every_time = go(phase, network, trainers=(AUTOGRAD,), use_features=False)
    for name, array in every_time.last_weights.items():
        np.testing.assert_allclose(once.last_weights[name], array, rtol=1e-4, atol=1e-6)
    for ours, theirs in zip(once.curve, every_time.curve, strict=True):
        assert ours.validation_accuracy == theirs.validation_accuracy
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)


def test_without_validation_images_the_last_weights_are_all_there_is() -> None:
    nothing = Examples(inputs=VALIDATION.array[:0], labels=VALIDATION.labels[:0])
    result = run_phase(work(full(PLAIN), PLAIN), start(PLAIN), TRAIN, nothing, CPU)
    assert result.best is None
    assert [point.validation_accuracy for point in result.curve] == [None, None]
    assert all(point.train_loss > 0 for point in result.curve)


def test_running_training_accuracy_is_that_of_the_batches_trained_on() -> None:
    result = go(full(PLAIN, 4), PLAIN, measure_at=(1, 4), optimiser=OptimiserSpec(lr=1e-9))
    module = build(PLAIN, IMAGE, 3, start(PLAIN))
    order = generator(0, "target", "order", 0).permutation(50)
    right = module(torch.from_numpy(TRAIN.inputs[order])).argmax(1).numpy() == TRAIN.labels[order]
    assert result.curve[0].train_accuracy == pytest.approx(right[:16].mean())
    assert result.curve[1].train_accuracy == pytest.approx(right[16:].mean())


def test_keras_rmsprop_divides_by_the_root_of_square_and_epsilon() -> None:
    spec = OptimiserSpec.model_validate({"kind": "rmsprop", "defaults": "keras"})
    assert spec.epsilon_inside
    weights = torch.nn.Parameter(torch.tensor([1.0, 1.0, 1.0]))
    optimiser = make_optimiser(spec, [(spec.lr, [weights])])
    gradient = np.array([1.0, 1e-3, 1e-5])
    square, expected = np.zeros(3), np.ones(3)
    for _ in range(5):
        weights.grad = torch.tensor(gradient, dtype=torch.float32)
        optimiser.step()
        square = 0.9 * square + 0.1 * gradient**2
        expected -= 1e-3 * gradient / np.sqrt(square + 1e-7)
    np.testing.assert_allclose(weights.detach().numpy(), expected, rtol=1e-5)
    assert 1 - expected[2] < 0.1 * (1 - expected[0])  # a small gradient is damped


@pytest.mark.parametrize("network", [NETWORK, PLAIN])
def test_half_the_bits_train_nearly_as_well_and_leave_weights_whole(
    network: DeclaredNetwork,
) -> None:
    whole, half = (
        go(full(network, 60), network, precision=precision, measure_at=(60,))
        for precision in ("float32", "bfloat16")
    )
    assert {array.dtype for array in half.last_weights.values()} == {np.dtype(np.float32)}
    assert half.finite
    assert half.trained_moved
    assert any(
        not np.array_equal(half.last_weights[name], array)
        for name, array in whole.last_weights.items()
    )
    assert half.curve[0].train_loss == pytest.approx(whole.curve[0].train_loss, rel=0.1)


def test_heads_alone_learn_from_features_in_half_the_bits_and_are_measured_on_whole_ones() -> None:
    probe = phases_of(Probe(), PLAIN.stage_names, 10)[0]
    whole, half = (go(probe, PLAIN, precision=precision) for precision in ("float32", "bfloat16"))
    for name, array in whole.last_weights.items():
        np.testing.assert_allclose(half.last_weights[name], array, rtol=0.05, atol=0.01)
    assert not np.array_equal(
        half.last_weights["head.0.weight"], whole.last_weights["head.0.weight"]
    )
    assert half.frozen_before == half.frozen_after == whole.frozen_after

    given = work(probe, PLAIN, precision="bfloat16")
    member = prepare(given, start(PLAIN), TRAIN, VALIDATION, CPU)
    as_whole = prepare(replace(given, precision="float32"), start(PLAIN), TRAIN, VALIDATION, CPU)
    assert torch.equal(member.validation.resident, as_whole.validation.resident)
    assert not torch.equal(member.train.resident, as_whole.train.resident)
    assert torch.allclose(member.train.resident, as_whole.train.resident, atol=0.02)
    assert member.train.resident.dtype == torch.float32


def test_numbers_too_small_to_matter_are_zero_while_training_and_only_then() -> None:
    """A momentum without a gradient shrinks to them, and each takes as long as a hundred others."""
    held: list[bool] = []

    class Looking(AutogradTrainer):
        def update(
            self, batches: torch.Tensor, factor: Factor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            held.append(tiny_is_zero())
            return super().update(batches, factor)

    looking = replace(AUTOGRAD, make=lambda phases: Looking(phases[0]))
    go(full(updates=3), trainers=(looking,))
    assert held == [True] * 3
    assert not tiny_is_zero()


def tiny_is_zero() -> bool:
    return torch.full((1,), 1e-40).mul(1).item() == 0
