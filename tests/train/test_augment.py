"""Augmentation: drawn by seed and update, for training images alone, and nothing computed once."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from headstart.data.preprocess import Scaling
from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import Full, Probe, Strategy
from headstart.study.augment import AnyAugmentation, Augmentation
from headstart.study.declared import DeclaredNetwork
from headstart.study.operations import flops_per_image
from headstart.study.training import OptimiserSpec, ScheduleSpec, TrainingSpec
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, prepare, run_phase
from headstart.train.registry import AUTOGRAD

pytestmark = pytest.mark.skipif(
    find_spec("torchvision") is None, reason="torchvision is not installed"
)

CPU, IMAGE = torch.device("cpu"), (8, 8, 3)
NETWORK = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "conv", "layers": [{"kind": "conv", "channels": 4}, "relu", "max_pool"]},
            {"name": "dense", "layers": ["flatten", {"kind": "dense", "units": 6}, "relu"]},
        ]
    }
)
ALL = ("flip", {"kind": "flip", "vertical": True}, "crop", "resized_crop", "colour", "rand_augment")


def augmentations(*given: Any) -> tuple[AnyAugmentation, ...]:
    return TypeAdapter(tuple[Augmentation, ...]).validate_python(given)


def images(num: int = 12) -> Examples:
    drawn = np.random.default_rng(0)
    pixels = drawn.integers(0, 256, (num, *IMAGE), dtype=np.uint8)
    inputs, labels = pixels.transpose(0, 3, 1, 2), drawn.integers(0, 3, num)
    return Examples(inputs, labels, name=f"images {num}", scaling=Scaling(255.0))


def config(strategy: Strategy, *given: Any, **changes: Any) -> PhaseConfig:
    base = PhaseConfig(
        network=NETWORK,
        image=IMAGE,
        num_classes=3,
        phase=phases_of(strategy, NETWORK.stage_names, 4)[0],
        optimiser=OptimiserSpec(lr=0.05),
        schedule=ScheduleSpec(),
        batch_size=4,
        first_update=0,
        measure_at=(4,),
        seed=0,
        role="target",
        augment=augmentations(*given),
    )
    return replace(base, **changes)


def trained(work: PhaseConfig) -> PhaseResult:
    weights = fresh_weights(NETWORK, IMAGE, 3, 0, "target")
    return run_phase(work, weights, images(), images(5), CPU)


def batches(work: PhaseConfig, number: int = 3) -> list[np.ndarray]:
    """What the first updates would see of the same four images."""
    weights = fresh_weights(NETWORK, IMAGE, 3, 0, "target")
    data = prepare(work, weights, images(), images(5), CPU).train
    return [data.batch(torch.arange(4))[0].numpy() for _ in range(number)]


def test_every_arm_of_a_seed_sees_the_same_images_at_the_same_update() -> None:
    full, probe = (batches(config(strategy, *ALL)) for strategy in (Full(), Probe()))
    for one, other in zip(full, probe, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(full[0], full[1])


def test_a_phase_that_begins_later_goes_on_where_it_would_be() -> None:
    later = batches(config(Full(), *ALL, first_update=2), 1)
    np.testing.assert_array_equal(later[0], batches(config(Full(), *ALL))[2])


def test_another_seed_draws_others() -> None:
    one, other = (batches(config(Full(), "flip", seed=seed), 6) for seed in (0, 1))
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_image_is_flipped_by_itself_and_nothing_else_happens() -> None:
    plain = batches(config(Full()), 1)[0]
    flipped = 0
    for batch in batches(config(Full(), "flip"), 8):
        for image, original in zip(batch, plain, strict=True):
            same = np.array_equal(image, original)
            assert same or np.array_equal(image, original[:, :, ::-1])
            flipped += not same
    assert 6 <= flipped <= 26  # of 32


@pytest.mark.parametrize("given", ALL, ids=str)
def test_images_keep_their_shape_and_range(given: Any) -> None:
    for batch in batches(config(Full(), given)):
        assert batch.shape == (4, 3, 8, 8)
        assert batch.dtype == np.float32
        assert batch.min() >= 0
        assert batch.max() <= 1


def test_grey_images_can_be_augmented() -> None:
    grey = Examples(images().array[:, :1], images().labels, scaling=Scaling(255.0))
    work = config(Full(), *ALL, image=(8, 8, 1))
    weights = fresh_weights(NETWORK, (8, 8, 1), 3, 0, "target")
    assert run_phase(work, weights, grey, grey, CPU).finite


def test_validation_images_stay_as_they_are() -> None:
    weights = fresh_weights(NETWORK, IMAGE, 3, 0, "target")
    phase = prepare(config(Full(), *ALL), weights, images(), images(5), CPU)
    assert phase.validation.augment is None


def test_nothing_is_computed_once_and_operations_say_so() -> None:
    work = config(Probe(), "flip")
    weights = fresh_weights(NETWORK, IMAGE, 3, 0, "target")
    phase = prepare(work, weights, images(), images(5), CPU)
    assert (phase.done, phase.trainer) == (0, AUTOGRAD)
    once = flops_per_image(work.facts, work.phase)
    every_time = flops_per_image(work.facts, work.phase, augmented=True)
    assert every_time.once == 0
    assert every_time.each == once.once + once.each


def test_a_probe_is_trained_on_changed_images_and_its_trunk_stays() -> None:
    plain, changed = (trained(config(Probe(), *given)) for given in ((), ("resized_crop",)))
    assert changed.frozen_before == changed.frozen_after == plain.frozen_after
    assert changed.trained_moved
    name = "head.0.weight"
    assert not np.array_equal(plain.last_weights[name], changed.last_weights[name])


def test_the_same_training_gives_the_same_bits() -> None:
    state = torch.random.get_rng_state()
    one, other = (trained(config(Full(), *ALL)) for _ in range(2))
    for name, array in one.last_weights.items():
        np.testing.assert_array_equal(other.last_weights[name], array)
    assert torch.equal(torch.random.get_rng_state(), state)  # the generator of all is left alone


def test_words_of_a_study_file() -> None:
    spec = TrainingSpec.model_validate(
        {"updates": 3, "augment": ["flip", {"kind": "crop", "padding": 2}]}
    )
    assert [one.kind for one in spec.augment] == ["flip", "crop"]
