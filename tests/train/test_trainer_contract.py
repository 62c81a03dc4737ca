"""All trainers held to one contract."""

from trainer_contract import TrainerContract

from headstart.strategies import phases_of
from headstart.study.arms import Freeze, Full, Probe
from headstart.study.declared import DeclaredNetwork
from headstart.train.registry import (
    AUTOGRAD,
    BATCHED_HEADS,
    MANUAL_BACKPROP,
    TRAINERS,
)

DENSE = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "low", "layers": ["flatten", {"kind": "dense", "units": 12}, "relu"]},
            {"name": "high", "layers": [{"kind": "dense", "units": 9}, "tanh"]},
        ]
    }
)
POOLED = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "conv", "layers": [{"kind": "conv", "channels": 4}, "max_pool", "relu"]},
            {"name": "dense", "layers": ["flatten", {"kind": "dense", "units": 9}, "relu"]},
        ]
    }
)


class TestBatchedHeads(TrainerContract):
    kind, network = BATCHED_HEADS, DENSE
    phase = phases_of(Probe(), DENSE.stage_names, 14)[0]


class TestManualBackprop(TrainerContract):
    kind, network = MANUAL_BACKPROP, DENSE
    phase = phases_of(Full(), DENSE.stage_names, 14)[0]


class TestManualBackpropOfConvolutions(TrainerContract):
    kind, network = MANUAL_BACKPROP, POOLED
    phase = phases_of(Full(), POOLED.stage_names, 14)[0]


class TestManualBackpropAboveAFrozenStage(TrainerContract):
    kind, network = MANUAL_BACKPROP, POOLED
    phase = phases_of(Freeze(cut="conv"), POOLED.stage_names, 14)[0]


class TestAutograd(TrainerContract):
    kind, network, relative = AUTOGRAD, POOLED, 0.0
    phase = phases_of(Full(), POOLED.stage_names, 14)[0]


class TestAutogradAboveAFrozenStage(TrainerContract):
    kind, network, relative = AUTOGRAD, POOLED, 0.0
    phase = phases_of(Freeze(cut="conv"), POOLED.stage_names, 14)[0]


def test_the_last_of_all_supports_everything() -> None:
    assert TRAINERS[-1] is AUTOGRAD
