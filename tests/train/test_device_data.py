"""Images in memory: as bytes or scaled, batches of them, and that no number depends on which."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.data import images as arrays
from headstart.data.images import Images
from headstart.data.preprocess import Scaling, scaling_of, statistics
from headstart.networks.declared.build import build
from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import Full, Probe, Strategy
from headstart.study.declared import DeclaredNetwork
from headstart.study.network_facts import Shape
from headstart.study.tasks import PreprocessingSpec
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import device_data, features
from headstart.train import forward as batches
from headstart.train.device_data import scaled, to_device
from headstart.train.features import raw_inputs
from headstart.train.forward import Forward
from headstart.train.loop import Examples, PhaseConfig, prepare, train_together
from headstart.train.prediction import predict
from headstart.train.trainer import bytes_of

CPU = torch.device("cpu")
CLASSES = 3
SCALINGS: list[dict[str, Any]] = [
    {},
    {"scale": "none"},
    {"standardise": "channel"},
    {"standardise": "pixel", "scale": "none"},
]
channels_1_and_3 = pytest.mark.parametrize("channels", [1, 3])


def pixels(channels: int, num: int = 40) -> np.ndarray:
    drawn = np.random.default_rng(channels)
    made = drawn.integers(0, 256, (num, 8, 6, channels), dtype=np.uint8)
    made.flags.writeable = False  # as a mapped file is
    return made


def scaling(images: np.ndarray, **given: Any) -> Scaling:
    spec = PreprocessingSpec.model_validate(given)
    return scaling_of(spec, statistics(Images(images, np.arange(len(images))), spec))


def as_bytes(images: np.ndarray, **given: Any) -> Examples:
    labels = np.random.default_rng(9).integers(0, CLASSES, len(images))
    return Examples(images.transpose(0, 3, 1, 2), labels, scaling=scaling(images, **given))


def as_inputs(images: np.ndarray, **given: Any) -> Examples:
    """The same, scaled by numpy, channel by channel."""
    inputs = scaling(images, **given).of(images).transpose(0, 3, 1, 2)
    return Examples(np.ascontiguousarray(inputs), as_bytes(images).labels)


@channels_1_and_3
@pytest.mark.parametrize("given", SCALINGS)
def test_bytes_are_scaled_to_the_numbers_that_numpy_gives(
    channels: int, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_data, "AT_ONCE", 7)
    images = pixels(channels)
    raw, inputs = as_bytes(images, **given), as_inputs(images, **given).array
    chosen = torch.tensor([3, 1, 39])
    for part in (to_device(raw, CPU), scaled(to_device(raw, CPU))):
        found, labels = part.batch(chosen)
        np.testing.assert_array_equal(found.numpy(), inputs[chosen])
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert labels.tolist() == raw.labels[chosen].tolist()
        np.testing.assert_array_equal(part.between(30, 50).numpy(), inputs[30:])
    assert raw.ends == (inputs.min(), inputs.max())


@channels_1_and_3
def test_floats_are_given_as_they_are_and_stay_so(channels: int) -> None:
    images = np.random.default_rng(2).normal(size=(40, 9, 8, channels)).astype(np.float32)
    before = images.copy()
    for given in ({"scale": "none"}, {"scale": "none", "standardise": "channel"}):
        raw, inputs = as_bytes(images, **given), as_inputs(images, **given).array
        for part in (to_device(raw, CPU), scaled(to_device(raw, CPU))):
            np.testing.assert_array_equal(part.between(0, 40).numpy(), inputs)
            found, _ = part.batch(torch.tensor([3, 1, 39]))
            np.testing.assert_array_equal(found.numpy(), inputs[[3, 1, 39]])
        assert (images == before).all()
        assert raw.ends == (inputs.min(), inputs.max())


@channels_1_and_3
@pytest.mark.parametrize("given", SCALINGS)
def test_images_may_be_some_of_those_that_are_stored(channels: int, given: dict[str, Any]) -> None:
    at = np.array([30, 2, 17, 5, 8])
    images = pixels(channels)
    whole = as_bytes(images, **given)
    some = replace(whole, labels=whole.labels[at], at=at)
    inputs = as_inputs(images, **given).array[at]
    chosen = torch.tensor([3, 0])
    part = to_device(some, CPU)
    assert part.resident.data_ptr() == images.ctypes.data
    for one in (part, scaled(part)):
        found, labels = one.batch(chosen)
        np.testing.assert_array_equal(found.numpy(), inputs[chosen])
        assert labels.tolist() == some.labels[chosen].tolist()
        np.testing.assert_array_equal(one.between(1, 9).numpy(), inputs[1:])
    assert some.ends == (inputs.min(), inputs.max())
    assert (part.bytes, some.bytes) == (2 * at.nbytes, 2 * at.nbytes)


def test_the_ends_are_those_of_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    images = pixels(3)
    inputs = as_inputs(images, standardise="pixel").array
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 7 * images[0].nbytes)
    assert as_bytes(images, standardise="pixel").ends == (inputs.min(), inputs.max())


def test_images_and_their_rows_take_memory_once() -> None:
    images = replace(as_bytes(pixels(1)), name=f"rows of {__name__}")
    network = network_of(NETWORKS["on columns"])
    work = work_of(network, Full(), (8, 6, 1))
    weights = fresh_weights(network, work.image, CLASSES, 0, "target")
    one, other = (prepare(work, weights, images, images, CPU) for _ in range(2))
    assert one.train.inputs.shape == (40, 48)
    assert bytes_of([one, other]) == bytes_of([one]) == 40 * (48 * 4 + 8)


@channels_1_and_3
def test_bytes_are_not_copied(channels: int) -> None:
    images = pixels(channels)
    part = to_device(as_bytes(images), CPU)
    assert part.resident.dtype == torch.uint8
    assert part.resident.data_ptr() == images.ctypes.data


@channels_1_and_3
def test_inputs_get_their_channels_last(channels: int) -> None:
    inputs = np.arange(4 * channels * 30, dtype=np.float32).reshape(4, channels, 5, 6)
    wanted = torch.from_numpy(inputs).to(memory_format=torch.channels_last)
    found = to_device(Examples(inputs, np.zeros(4, np.int64)), CPU).resident
    assert torch.equal(found, wanted)
    assert found.stride() == wanted.stride()


def test_only_a_small_set_is_scaled_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    images = as_bytes(pixels(3))
    monkeypatch.setattr(features, "SCALED_BYTES", images.array.size * 4)
    assert raw_inputs(images, CPU).resident.dtype == torch.float32
    monkeypatch.setattr(features, "SCALED_BYTES", images.array.size * 4 - 1)
    assert raw_inputs(images, CPU).resident.dtype == torch.uint8


def dense(units: int) -> dict[str, object]:
    return {"kind": "dense", "units": units}


def conv(channels: int) -> dict[str, object]:
    return {"kind": "conv", "channels": channels, "padding": "same"}


NETWORKS: dict[str, list[Sequence[Any]]] = {
    "on columns": [["flatten", dense(8), "relu"], [dense(5)]],
    "pooled": [[conv(4), "max_pool", "relu"], ["flatten", dense(5), "relu"]],
    "by autograd": [[conv(4), "batch_norm", "relu"], ["global_average_pool", dense(5)]],
}


def network_of(layers: list[Sequence[Any]]) -> DeclaredNetwork:
    stages = zip(("low", "high"), layers, strict=True)
    return DeclaredNetwork.model_validate(
        {"stages": [{"name": name, "layers": list(within)} for name, within in stages]}
    )


def work_of(network: DeclaredNetwork, strategy: Strategy, image: Shape) -> PhaseConfig:
    (phase,) = phases_of(strategy, network.stage_names, 9)
    return PhaseConfig(
        network=network,
        image=image,
        num_classes=CLASSES,
        phase=phase,
        optimiser=OptimiserSpec(lr=0.1),
        schedule=ScheduleSpec(),
        batch_size=16,
        first_update=0,
        measure_at=(4, 9),
        seed=0,
        role="target",
    )


@channels_1_and_3
@pytest.mark.parametrize("strategy", [Full(), Probe()])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_training_and_no_test_depends_on_how_images_lie_in_memory(
    name: str, strategy: Strategy, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, image, given = network_of(NETWORKS[name]), (8, 6, channels), {"standardise": "channel"}
    weights = fresh_weights(network, image, CLASSES, 0, "target")
    work = work_of(network, strategy, image)
    found = []
    for made, limit in ((as_inputs, 0), (as_bytes, 0), (as_bytes, 10**9)):
        monkeypatch.setattr(features, "SCALED_BYTES", limit)
        train, validation = (made(pixels(channels, num), **given) for num in (40, 20))
        (result,) = train_together([prepare(work, weights, train, validation, CPU)])
        told = predict(network, image, CLASSES, result.last_weights, validation, CPU)
        found.append((result.curve, result.last_weights, told.probabilities))
    for curve, last, probabilities in found[1:]:
        assert curve == found[0][0]
        np.testing.assert_array_equal(probabilities, found[0][2])
        for array, first in zip(last.values(), found[0][1].values(), strict=True):
            np.testing.assert_array_equal(array, first)


def forward(side: int, channels: int = 3, num: int = 5) -> Forward:
    """Of a convolution that gives 4 * side * side values, pooling and a dense layer."""
    layers = [conv(4), "max_pool", "flatten", dense(6)]
    network = DeclaredNetwork.model_validate({"stages": [{"name": "low", "layers": layers}]})
    image = (side, side, channels)
    drawn = np.random.default_rng(0).integers(0, 256, (num, *image), dtype=np.uint8)
    module = build(network, image, CLASSES, fresh_weights(network, image, CLASSES, 0, "target"))
    return Forward(module.eval(), to_device(as_bytes(drawn), CPU), 0, len(module.facts.blocks), CPU)


@pytest.mark.parametrize(
    ("side", "piece", "batch"), [(8, 128, 128), (100, 125, 125), (200, 31, 62), (1_000, 1, 32)]
)
def test_the_larger_images_are_the_fewer_are_looked_at_at_a_time(
    side: int, piece: int, batch: int
) -> None:
    assert (forward(side).piece, forward(side).batch) == (piece, batch)


@pytest.mark.parametrize(("batch", "piece"), [(5, 5), (6, 3), (4, 2), (3, 1)])
def test_pieces_and_batches_are_all_images_in_order(
    batch: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = forward(8)(0)
    assert whole.shape == (5, CLASSES)
    monkeypatch.setitem(batches.MOST, "cpu", 5)
    monkeypatch.setattr(batches, "SHARED", batch)
    values = (4 * 8 * 8 + 4 * 4 * 4 + 4 * 4 * 4) / 3  # the convolution's, the pool's, and flat
    monkeypatch.setitem(batches.VALUES, "cpu", piece * values)
    some = forward(8)
    assert (some.batch, some.piece) == (batch, piece)
    found = torch.cat([some(at) for at in some.batches])
    torch.testing.assert_close(found, whole)
