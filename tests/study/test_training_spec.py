"""Budgets in updates, evenly spaced measurements, optimisers with every setting explicit."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from headstart.study.training import DEFAULTS, OptimiserSpec, ScheduleSpec, TrainingSpec

SETTINGS = ("lr", "momentum", "beta1", "beta2", "decay", "epsilon", "weight_decay")


# What the documentation of PyTorch 2 and of Keras 3 says; what an optimiser lacks stays at zero.
@pytest.mark.parametrize(
    ("library", "kind", "expected"),
    [
        ("torch", "sgd", (1e-3, 0, 0, 0, 0, 0, 0)),
        ("torch", "adam", (1e-3, 0, 0.9, 0.999, 0, 1e-8, 0)),
        ("torch", "adamw", (1e-3, 0, 0.9, 0.999, 0, 1e-8, 1e-2)),
        ("torch", "rmsprop", (1e-2, 0, 0, 0, 0.99, 1e-8, 0)),
        ("torch", "adadelta", (1.0, 0, 0, 0, 0.9, 1e-6, 0)),
        ("keras", "sgd", (1e-2, 0, 0, 0, 0, 0, 0)),
        ("keras", "adam", (1e-3, 0, 0.9, 0.999, 0, 1e-7, 0)),
        ("keras", "adamw", (1e-3, 0, 0.9, 0.999, 0, 1e-7, 4e-3)),
        ("keras", "rmsprop", (1e-3, 0, 0, 0, 0.9, 1e-7, 0)),
        ("keras", "adadelta", (1e-3, 0, 0, 0, 0.95, 1e-7, 0)),
    ],
)
def test_defaults_are_those_of_the_library_named(
    library: str, kind: str, expected: tuple[float, ...]
) -> None:
    spec = OptimiserSpec.model_validate({"kind": kind, "defaults": library})
    assert tuple(getattr(spec, name) for name in SETTINGS) == expected
    assert not spec.nesterov


def test_every_optimiser_has_defaults_in_both_libraries() -> None:
    assert DEFAULTS["torch"].keys() == DEFAULTS["keras"].keys()
    for kind in DEFAULTS["torch"]:
        # PyTorch knows no epsilon inside the root.
        only_keras = DEFAULTS["keras"][kind].keys() - DEFAULTS["torch"][kind].keys()
        assert only_keras == ({"epsilon_inside"} if kind == "rmsprop" else set())
        assert DEFAULTS["torch"][kind].keys() <= DEFAULTS["keras"][kind].keys()


def test_a_bare_name_and_what_is_given_win_over_defaults() -> None:
    assert OptimiserSpec.model_validate("adam").kind == "adam"
    spec = OptimiserSpec.model_validate({"kind": "sgd", "lr": 0.3, "momentum": 0.5})
    assert (spec.lr, spec.momentum) == (0.3, 0.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"kind": "sgd", "beta1": 0.5},
            "'beta1' is not a setting of sgd; it takes: lr, momentum, nesterov, weight_decay",
        ),
        (
            {"kind": "adam", "momentum": 0.9},
            "'momentum' is not a setting of adam; it takes: beta1, beta2, epsilon, lr, "
            "weight_decay",
        ),
        (
            {"kind": "adamw", "decay": 0.9},
            "'decay' is not a setting of adamw; it takes: beta1, beta2, epsilon, lr, weight_decay",
        ),
        (
            {"kind": "rmsprop", "beta2": 0.9},
            "'beta2' is not a setting of rmsprop; it takes: decay, epsilon, epsilon_inside, lr, "
            "momentum, weight_decay",
        ),
        (
            {"kind": "adadelta", "nesterov": True},
            "'nesterov' is not a setting of adadelta; it takes: decay, epsilon, lr, weight_decay",
        ),
        ({"kind": "sgd", "nesterov": True}, "'nesterov' needs a momentum above 0"),
    ],
)
def test_settings_that_do_not_belong_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OptimiserSpec.model_validate(given)
    assert caught.value.errors()[0]["msg"] == f"Value error, {message}"


@pytest.mark.parametrize(
    "given",
    [
        {"lr": 0},
        {"lr": -1},
        {"lr": float("inf")},
        {"lr": float("nan")},
        {"momentum": 1},
        {"weight_decay": -1},
        {"kind": "adam", "beta1": 1.0},
    ],
)
def test_settings_out_of_range_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OptimiserSpec.model_validate(given)


def test_schedule_by_its_name() -> None:
    assert ScheduleSpec.model_validate("cosine") == ScheduleSpec(kind="cosine", warmup=0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give either 'epochs' (with 'min_updates') or 'updates', one of them"),
        (
            {"epochs": 1, "updates": 5},
            "give either 'epochs' (with 'min_updates') or 'updates', one of them",
        ),
        (
            {"updates": 5, "min_updates": 3},
            "'min_updates' goes with 'epochs'; 'updates' is already a number",
        ),
    ],
)
def test_a_training_has_one_budget(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainingSpec(**given)
    assert caught.value.errors()[0]["msg"] == f"Value error, {message}"


@pytest.mark.parametrize(
    ("epochs", "floor", "num_images", "updates"),
    [
        (5, 0, 640, 50),
        (5, 0, 641, 55),  # the last, smaller batch counts
        (5, 300, 640, 300),
        (5, 300, 64_000, 5000),
        (1, 0, 10, 1),  # a batch is never larger than what there is
        (0.5, 0, 640, 5),
        (0.01, 0, 10, 1),  # never none at all
    ],
)
def test_epochs_become_updates(epochs: float, floor: int, num_images: int, updates: int) -> None:
    training = TrainingSpec(epochs=epochs, min_updates=floor, batch_size=64)
    assert training.updates_for(num_images) == updates


def test_updates_are_the_same_for_every_size() -> None:
    training = TrainingSpec(updates=7, batch_size=64)
    assert [training.updates_for(size) for size in (1, 64, 10_000)] == [7, 7, 7]
    assert [training.batch_of(size) for size in (1, 64, 10_000)] == [1, 64, 64]


def test_measurements_by_hand() -> None:
    training = TrainingSpec(updates=12, validations=3)
    assert training.measured_at(12, 0, 12) == (4, 8, 12)
    assert training.measured_at(12, 0, 6) == (4,)
    assert training.measured_at(12, 6, 6) == (8, 12)
    assert training.measured_at(2, 0, 2) == (1, 2)


@settings(max_examples=60)
@given(
    validations=st.integers(1, 40),
    shares=st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_measurements_are_even_and_phases_share_them(validations: int, shares: list[int]) -> None:
    training = TrainingSpec(updates=1, validations=validations)
    total = sum(shares)
    whole = training.measured_at(total, 0, total)
    assert len(whole) == min(validations, total)
    assert whole[-1] == total
    gaps = [after - before for before, after in zip((0, *whole), whole, strict=False)]
    assert max(gaps) - min(gaps) <= 1
    split: list[int] = []
    for number, updates in enumerate(shares):
        first = sum(shares[:number])
        part = training.measured_at(total, first, updates)
        assert all(first < point <= first + updates for point in part)
        split += part
    assert tuple(split) == whole
