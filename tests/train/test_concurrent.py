"""Networks trained abreast: the bits of each alone, on a processor and on a GPU."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import AnyStrategy, Freeze, Full, Probe
from headstart.study.declared import DeclaredNetwork
from headstart.study.phases import Phase, Rule
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import loop
from headstart.train.fast.cuda_graph import GraphedTrainer, Record, Update
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, prepare, train_together
from headstart.train.registry import make_trainer
from headstart.train.trainer import PreparedPhase

CPU = torch.device("cpu")
GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))
DEVICES = ["cpu", GPU]
IMAGE = (8, 8, 2)
NETWORK = DeclaredNetwork.model_validate(
    {
        "stages": [
            {
                "name": "conv",
                "layers": [
                    {"kind": "conv", "channels": 5},
                    "batch_norm",
                    "relu",
                    {"kind": "max_pool", "size": 2},
                    {"kind": "dropout", "rate": 0.25},
                ],
            },
            {"name": "dense", "layers": ["flatten", {"kind": "dense", "units": 9}, "relu"]},
        ]
    }
)
OPTIMISERS: dict[str, dict[str, Any]] = {
    "sgd": {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    "plain": {"kind": "sgd"},
    "adam": {"kind": "adam"},
    "adamw": {"kind": "adamw"},
    "rmsprop": {"kind": "rmsprop"},
    "keras": {"kind": "rmsprop", "defaults": "keras"},
    "adadelta": {"kind": "adadelta"},
}


def examples(seed: int, num: int) -> Examples:
    drawn = np.random.default_rng(seed)
    return Examples(
        inputs=drawn.normal(size=(num, 2, 8, 8)).astype(np.float32),
        labels=drawn.integers(0, 3, num),
    )


def full(strategy: AnyStrategy | None = None) -> Phase:
    return phases_of(strategy or Full(), NETWORK.stage_names, 24)[0]


def member(
    seed: int, device: str, *, phase: Phase | None = None, kind: str = "sgd", **changes: Any
) -> PreparedPhase:
    """A training with data, first weights, batches, dropout and a rate of its own."""
    net = changes.pop("network", NETWORK)
    work = PhaseConfig(
        network=net,
        image=IMAGE,
        num_classes=3,
        phase=phase or full(),
        optimiser=OptimiserSpec(**{"lr": (0.02, 0.005)[seed % 2], **OPTIMISERS[kind]}),
        schedule=ScheduleSpec(kind="cosine", warmup=0.1),
        batch_size=16,
        first_update=0,
        measure_at=(8, 24),
        seed=seed,
        role="target",
    )
    return prepare(
        replace(work, **changes),
        fresh_weights(net, IMAGE, 3, seed, "target"),
        examples(seed, 50),  # the last batch of an epoch is smaller
        examples(99, 30),
        torch.device(device),
    )


def assert_same_bits(ours: PhaseResult, theirs: PhaseResult) -> None:
    assert bare(ours) == bare(theirs)
    for name, array in theirs.last_weights.items():
        np.testing.assert_array_equal(ours.last_weights[name], array, strict=True)


def bare(result: PhaseResult) -> PhaseResult:
    return replace(result, seconds=0.0, last_weights={}, best_weights=None)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", OPTIMISERS)
def test_a_network_has_the_same_bits_alone_and_abreast(device: str, kind: str) -> None:
    together = train_together([member(seed, device, kind=kind) for seed in range(3)])
    for seed, found in enumerate(together):
        (alone,) = train_together([member(seed, device, kind=kind)])
        assert_same_bits(found, alone)
        assert found.trained_moved


FREEZING = [
    full(Freeze(cut="conv")),
    full(Probe()),
    Phase(
        rules=(
            Rule(first="conv", last="conv", lr_scale=0.0, mode="train"),
            Rule(first="dense", last="head", lr_scale=1.0, mode="train"),
        ),
        updates=24,
    ),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("phase", FREEZING, ids=["frozen", "probe", "frozen, dropout live"])
def test_what_is_frozen_stays_so_abreast(device: str, phase: Phase) -> None:
    together = train_together([member(seed, device, phase=phase) for seed in range(3)])
    for seed, found in enumerate(together):
        (alone,) = train_together([member(seed, device, phase=phase)])
        assert_same_bits(found, alone)


@pytest.mark.parametrize("device", DEVICES)
def test_the_order_of_neighbours_changes_nothing(device: str) -> None:
    there = train_together([member(seed, device) for seed in (0, 1, 2)])
    back = train_together([member(seed, device) for seed in (2, 1, 0)])
    for one, other in zip(there, reversed(back), strict=True):
        assert_same_bits(one, other)


STILL = DeclaredNetwork.model_validate(
    {
        "stages": [
            {
                "name": "conv",
                "layers": [
                    {"kind": "conv", "channels": 5},
                    "tanh",
                    {"kind": "max_pool", "size": 2},
                ],
            },
            {"name": "dense", "layers": ["flatten", {"kind": "dense", "units": 9}, "tanh"]},
        ]
    }
)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("strategy", [Full(), Freeze(cut="conv"), Probe()])
@pytest.mark.parametrize("kind", OPTIMISERS)
def test_a_gpu_gives_what_a_processor_gives_within_rounding(
    kind: str, strategy: AnyStrategy
) -> None:
    """No dropout, whose draws are the device's own; smooth layers, where rounding stays small."""
    phase = full(strategy)
    there, here = (
        train_together([member(1, device, kind=kind, phase=phase, network=STILL)])[0]
        for device in ("cuda", "cpu")
    )
    for name, array in here.last_weights.items():
        np.testing.assert_allclose(there.last_weights[name], array, rtol=2e-4, atol=2e-4)
    assert there.frozen_before == here.frozen_before == there.frozen_after


class Pretending:
    """A recorder for a machine without a GPU: what is recorded is done anew at each playing."""

    def __init__(self) -> None:
        self.taken = self.recorded = self.played = 0

    def take(self, update: Update) -> tuple[torch.Tensor, torch.Tensor]:
        self.taken += 1
        return update()

    def record(self, update: Update, generators: Sequence[torch.Generator]) -> Record:
        self.recorded += 1
        logits, truth = torch.empty(0), torch.empty(0, dtype=torch.int64)

        def play() -> None:
            self.played += 1
            for room, found in zip((logits, truth), update(), strict=True):
                room.resize_(found.shape).copy_(found)

        return Record(play=play, logits=logits, truth=truth)


@pytest.mark.parametrize("kind", ["plain", "adam", "keras"])
@pytest.mark.parametrize("strategy", [Freeze(cut="conv"), Probe()])
def test_an_update_played_back_is_the_update(
    kind: str, strategy: AnyStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches, rates of the schedule and both batch sizes reach what was recorded once."""

    def members() -> list[PreparedPhase]:
        return [member(seed, "cpu", kind=kind, phase=full(strategy)) for seed in range(3)]

    plain, pretending, make = train_together(members()), Pretending(), make_trainer
    monkeypatch.setattr(
        loop, "make_trainer", lambda phases: GraphedTrainer(make(phases), pretending, CPU)
    )
    for found, wanted in zip(train_together(members()), plain, strict=True):
        for name, array in wanted.last_weights.items():
            np.testing.assert_allclose(found.last_weights[name], array, rtol=1e-5, atol=1e-6)
        losses = [[point.train_loss for point in result.curve] for result in (found, wanted)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert (pretending.taken, pretending.recorded, pretending.played) == (2, 2, 22)
