"""What is faster gives what is plain: the same accuracies on the mean over seeds.

Where draws or the order of sums differ, single trainings differ, by less and less often than two
seeds do; the mean over seeds must not. Where the arithmetic is the same, tests of each way (heads,
features, columns, lanes) compare the numbers themselves.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import AnyStrategy, Freeze, Full, Probe
from headstart.study.network import NetworkSpec
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import autograd, loop
from headstart.train.loop import Examples, run_phase
from headstart.train.phase_config import PhaseConfig

IMAGE, CLASSES, SEEDS, CPU = (8, 8, 1), 4, 16, torch.device("cpu")
CONV = NetworkSpec.model_validate(
    {
        "stages": [
            {
                "name": "conv",
                "layers": [
                    {"kind": "conv", "channels": 4},
                    "max_pool",
                    "relu",
                    {"kind": "dropout", "rate": 0.25},
                    "flatten",
                ],
            },
            {"name": "dense", "layers": [{"kind": "dense", "units": 12}, "relu"]},
        ]
    }
)
DENSE = NetworkSpec.model_validate(
    {
        "stages": [
            {
                "name": "dense",
                "layers": [
                    "flatten",
                    {"kind": "dense", "units": 12},
                    "relu",
                    {"kind": "dropout", "rate": 0.25},
                ],
            }
        ]
    }
)
SGD = OptimiserSpec(kind="sgd", lr=0.05, momentum=0.9)
ADAM = OptimiserSpec.model_validate({"kind": "adam", "lr": 0.01})


def examples(seed: int, num: int) -> Examples:
    """Noise with a brighter quarter, which is the class."""
    drawn = np.random.default_rng(seed)
    labels = drawn.integers(0, CLASSES, num)
    inputs = drawn.normal(size=(num, 1, 8, 8)).astype(np.float32)
    for image, label in zip(inputs, labels, strict=True):
        down, across = 4 * (label // 2), 4 * (label % 2)
        image[0, down : down + 4, across : across + 4] += 0.9
    return Examples(inputs=inputs, labels=labels)


VALIDATION = examples(0, 300)


def accuracies(network: NetworkSpec, strategy: AnyStrategy, optimiser: OptimiserSpec) -> np.ndarray:
    """Accuracy on 300 images after 40 updates, by seed."""
    (phase,) = phases_of(strategy, network.stage_names, 40, "train")
    found = []
    for seed in range(SEEDS):
        work = PhaseConfig(
            network=network,
            image=IMAGE,
            num_classes=CLASSES,
            phase=phase,
            optimiser=optimiser,
            schedule=ScheduleSpec(),
            batch_size=16,
            first_update=0,
            measure_at=(40,),
            seed=seed,
            role="target",
        )
        weights = fresh_weights(network, IMAGE, CLASSES, seed=seed, role="target")
        result = run_phase(work, weights, examples(seed + 1, 120), VALIDATION, CPU)
        found.append(result.curve[-1].validation_accuracy)
    return np.array(found, dtype=float)


Patch = Callable[[pytest.MonkeyPatch], None]


def plainly(patch: pytest.MonkeyPatch) -> None:
    """Every update through the whole network, by autograd, the batch in one piece."""
    patch.setattr(autograd, "LEAST_SPLIT", float("inf"))
    patch.setattr(loop, "supports", lambda _: False)
    patch.setattr(loop, "frozen_prefix", lambda *_: 0)
    patch.setattr(loop, "trains_only_head", lambda *_: False)


def in_halves(patch: pytest.MonkeyPatch) -> None:
    """Two parts of every batch, which draw their dropout by themselves."""
    patch.setattr(autograd, "LEAST_SPLIT", 0)
    patch.setattr(loop, "supports", lambda _: False)


def as_it_is(_: pytest.MonkeyPatch) -> None:
    """On columns, heads side by side, features once: what such a training gets."""


@pytest.mark.parametrize(
    ("network", "strategy", "optimiser", "faster"),
    [
        (CONV, Full(), ADAM, in_halves),
        (CONV, Freeze(cut="conv"), ADAM, in_halves),
        (CONV, Full(), ADAM, as_it_is),
        (CONV, Freeze(cut="conv"), ADAM, as_it_is),
        (CONV, Freeze(cut="conv"), SGD, as_it_is),
        (DENSE, Full(), SGD, as_it_is),
        (CONV, Probe(), SGD, as_it_is),
    ],
)
def test_means_over_seeds_agree_within_the_noise_of_seeds(
    network: NetworkSpec,
    strategy: AnyStrategy,
    optimiser: OptimiserSpec,
    faster: Patch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        faster(patch)
        fast = accuracies(network, strategy, optimiser)
    with monkeypatch.context() as patch:
        plainly(patch)
        plain = accuracies(network, strategy, optimiser)
    noise = plain.std(ddof=1) / SEEDS**0.5
    assert plain.mean() > 0.4  # something is learnt,
    assert noise > 0.002  # and seeds differ
    assert abs(fast.mean() - plain.mean()) <= 2 * noise


def test_a_path_that_learns_less_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the rate, as a path might have that forgot to take a mean, is far outside."""
    right = accuracies(CONV, Full(), ADAM)
    wrong = accuracies(CONV, Full(), ADAM.model_copy(update={"lr": 0.001}))
    assert abs(right.mean() - wrong.mean()) > 4 * right.std(ddof=1) / SEEDS**0.5
