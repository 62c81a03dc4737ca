"""What stays is computed once, where it will lie: in memory, or in a scratch file if large."""

import os
import sys

import numpy as np
import pytest
import torch

from headstart.networks.initial import fresh_weights
from headstart.spec.network import NetworkSpec
from headstart.spec.phases import Phase, Rule
from headstart.spec.training import OptimiserSpec, ScheduleSpec
from headstart.train import features
from headstart.train.features import Part, still_part
from headstart.train.prediction import as_images
from headstart.train.work import Examples, PhaseWork

CPU = torch.device("cpu")
IMAGE = (6, 6, 1)
NETWORK = NetworkSpec.model_validate(
    {
        "stages": [
            {"name": "conv", "layers": [{"kind": "conv", "channels": 3}, "relu", "flatten"]},
            {"name": "dense", "layers": [{"kind": "dense", "units": 4}]},
        ]
    }
)
FLAT = NetworkSpec.model_validate(
    {"stages": [{"name": "dense", "layers": ["flatten", {"kind": "dense", "units": 4}]}]}
)
EXAMPLES = Examples(
    inputs=np.random.default_rng(0).normal(size=(300, 1, 6, 6)).astype(np.float32),
    labels=np.zeros(300, np.int64),
)


def part(done: int, network: NetworkSpec = NETWORK, examples: Examples = EXAMPLES) -> Part:
    rules = (Rule(first="dense", last="head", lr_scale=1, mode="train"),)
    work = PhaseWork(
        network=network,
        image=IMAGE,
        num_classes=2,
        phase=Phase(rules=rules, updates=1),
        optimiser=OptimiserSpec(lr=0.1),
        schedule=ScheduleSpec(),
        batch_size=8,
        first_update=0,
        measure_at=(),
        seed=0,
        role="target",
    )
    weights = fresh_weights(network, IMAGE, 2, 0, "target")
    return still_part(work, done, weights, "", examples, CPU, lambda found: found)


@pytest.mark.skipif(sys.platform != "linux", reason="scratch files are for Linux")
@pytest.mark.parametrize("done", [2, 3])  # images with channels last, and rows
def test_what_is_too_large_to_be_kept_lies_in_a_file_and_is_the_same(
    done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = part(done).inputs
    monkeypatch.setattr(features, "KEPT_BYTES", 1000)
    in_file = part(done).inputs
    torch.testing.assert_close(in_file, in_memory, rtol=0, atol=0)
    assert in_file.stride() == in_memory.stride()
    with open("/proc/self/maps", encoding="utf-8") as maps:
        names = [line.split()[5:] for line in maps if _holds(line, in_file.data_ptr())]
    assert "headstart-" in str(names) or "deleted" in str(names)


def _holds(line: str, address: int) -> bool:
    first, end = (int(number, 16) for number in line.split()[0].split("-"))
    return first <= address < end


def test_without_space_for_a_file_it_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError("No space left on device")

    wanted = part(3).inputs
    monkeypatch.setattr(features, "KEPT_BYTES", 1000)
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    torch.testing.assert_close(part(3).inputs, wanted, rtol=0, atol=0)


def test_flattening_alone_copies_nothing() -> None:
    found = part(1, FLAT).inputs
    assert found.shape == (300, 36)
    assert found.data_ptr() == torch.from_numpy(EXAMPLES.inputs).data_ptr()


@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_their_channels_last(channels: int) -> None:
    inputs = np.arange(4 * channels * 30, dtype=np.float32).reshape(4, channels, 5, 6)
    wanted = torch.from_numpy(inputs).to(memory_format=torch.channels_last)
    found = as_images(inputs, CPU)
    assert torch.equal(found, wanted)
    assert found.stride() == wanted.stride()


def test_a_batch_holds_its_images_and_labels() -> None:
    chosen = torch.tensor([3, 1])
    for inputs in (
        torch.randn(5, 4),
        torch.randn(5, 2, 3, 3).to(memory_format=torch.channels_last),
    ):
        found, labels = Part(inputs, torch.arange(5)).batch(chosen)
        assert torch.equal(found, inputs[chosen])
        assert found.stride() == inputs[chosen].stride()
        assert labels.tolist() == [3, 1]
