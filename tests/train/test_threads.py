"""Work spread over threads: the same numbers on any number of them, and as many as are allowed."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from headstart.core import thread_budget
from headstart.core.thread_budget import ThreadBudget
from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import Freeze, Full
from headstart.study.declared import DeclaredNetwork
from headstart.study.phases import Phase
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import autograd
from headstart.train import forward as batches
from headstart.train.autograd import num_micro_batches
from headstart.train.loop import Examples, PhaseResult, run_phase
from headstart.train.phase_config import PhaseConfig
from headstart.train.threads import parallel_map

IMAGE, CLASSES, CPU = (8, 8, 2), 3, torch.device("cpu")


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadBudget]:
    """Threads to lend, every update worth splitting, and batches that are several."""
    made = ThreadBudget()
    monkeypatch.setattr(thread_budget, "_attached", made)
    monkeypatch.setattr(autograd, "LEAST_SPLIT", 0)
    monkeypatch.setitem(batches.MOST, "cpu", 7)
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as a step does that is carried out
    yield made
    torch.set_num_threads(before)


def network(*between: Any, dropout: bool = True) -> DeclaredNetwork:
    low, high = ([{"kind": "dropout", "rate": rate}] if dropout else [] for rate in (0.25, 0.5))
    conv = [{"kind": "conv", "channels": 4}, *between, "max_pool", "relu", *low, "flatten"]
    dense = [{"kind": "dense", "units": 8}, "relu", *high]
    stages = [{"name": "conv", "layers": conv}, {"name": "dense", "layers": dense}]
    return DeclaredNetwork.model_validate({"stages": stages})


def examples(seed: int, num: int) -> Examples:
    drawn = np.random.default_rng(seed)
    inputs = drawn.normal(size=(num, 2, 8, 8)).astype(np.float32)
    return Examples(inputs=inputs, labels=drawn.integers(0, CLASSES, num))


TRAIN, VALIDATION = examples(0, 33), examples(1, 20)


def work(of: DeclaredNetwork, phase: Phase) -> PhaseConfig:
    return PhaseConfig(
        network=of,
        image=IMAGE,
        num_classes=CLASSES,
        phase=phase,
        optimiser=OptimiserSpec(kind="adam", lr=0.01, beta1=0.9, beta2=0.999, epsilon=1e-7),
        schedule=ScheduleSpec(),
        batch_size=16,  # the last of an epoch has one image
        first_update=0,
        measure_at=(4, 9),
        seed=0,
        role="target",
    )


def go(of: DeclaredNetwork, phase: Phase) -> PhaseResult:
    weights = fresh_weights(of, IMAGE, CLASSES, seed=0, role="target")
    return run_phase(work(of, phase), weights, TRAIN, VALIDATION, CPU)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_training_has_the_same_bits_on_any_number_of_threads(
    frozen: bool, budget: ThreadBudget
) -> None:
    """Dropout live, below what is trained too; features and validation in several batches."""
    of = network()
    strategy = Freeze(cut="conv") if frozen else Full()
    (phase,) = phases_of(strategy, of.stage_names, 9, "train")
    found = []
    for threads in (1, 2, 3):
        budget.set_threads(threads)
        found.append(go(of, phase))
    for other in found[1:]:
        assert other.curve == found[0].curve
        for name, array in found[0].last_weights.items():
            np.testing.assert_array_equal(other.last_weights[name], array)


def test_a_batch_in_parts_gives_what_it_gives_whole(
    budget: ThreadBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = network(dropout=False)
    (phase,) = phases_of(Full(), of.stage_names, 9, "eval")
    budget.set_threads(2)
    parts = go(of, phase)
    monkeypatch.setattr(autograd, "MICRO_BATCHES", 1)
    alone = go(of, phase)
    for name, array in alone.last_weights.items():
        np.testing.assert_allclose(parts.last_weights[name], array, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(parts.curve, alone.curve, strict=True):
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)
        assert ours.train_accuracy == theirs.train_accuracy


@pytest.mark.parametrize(("least", "parts"), [(0, 2), (10**12, 1)])
def test_only_large_updates_are_split_and_none_that_normalises_over_its_batch(
    least: int, parts: int, budget: ThreadBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autograd, "LEAST_SPLIT", least)
    for of, wanted in ((network(), parts), (network("batch_norm"), 1)):
        (phase,) = phases_of(Full(), of.stage_names, 9, "eval")
        assert num_micro_batches(work(of, phase)) == wanted


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_as_many_pieces_at_once_as_threads_are_lent_and_in_their_order(
    threads: int, budget: ThreadBudget
) -> None:
    budget.set_threads(threads)
    together = threading.Barrier(threads)
    here: list[int] = []
    most = 0

    def piece(number: int) -> int:
        nonlocal most
        here.append(number)
        most = max(most, len(here))
        together.wait(timeout=10)  # ends only if so many are here at once
        here.remove(number)
        return number

    assert parallel_map(piece, range(6)) == list(range(6))
    assert most == threads


def test_threads_that_come_in_the_middle_are_taken(budget: ThreadBudget) -> None:
    names = []

    def piece(number: int) -> None:
        names.append(threading.current_thread().name)
        if number == 2:
            budget.set_threads(3)

    parallel_map(piece, range(9))
    assert sum(name.startswith("headstart-train") for name in names) == 4


def test_what_a_piece_raises_is_raised(budget: ThreadBudget) -> None:
    budget.set_threads(2)

    def piece(number: int) -> None:
        if number == 3:
            raise ValueError("the fourth")

    with pytest.raises(ValueError, match="the fourth"):
        parallel_map(piece, range(6))
