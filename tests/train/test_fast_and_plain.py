"""What is faster gives what is plain: the same accuracies on the mean over seeds.

Where draws or the order of sums differ, single trainings differ, by less and less often than two
seeds do; the mean over seeds must not. Where the arithmetic is the same, tests of each way (heads,
features, columns, lanes) compare the numbers themselves.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import AnyStrategy, Freeze, Full, Probe
from headstart.study.declared import DeclaredNetwork
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import autograd
from headstart.train.loop import Examples, run_phase
from headstart.train.phase_config import PhaseConfig
from headstart.train.registry import AUTOGRAD, BATCHED_HEADS, TRAINERS
from headstart.train.trainer import TrainerKind

IMAGE, CLASSES, SEEDS, CPU = (8, 8, 1), 4, 16, torch.device("cpu")
CONV = DeclaredNetwork.model_validate(
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
DENSE = DeclaredNetwork.model_validate(
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


def accuracies(
    network: DeclaredNetwork,
    strategy: AnyStrategy,
    optimiser: OptimiserSpec,
    way: "Way | None" = None,
) -> np.ndarray:
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
        result = run_phase(
            work,
            weights,
            examples(seed + 1, 120),
            VALIDATION,
            CPU,
            trainers=way.trainers if way else TRAINERS,
            use_features=way is None or way.use_features,
        )
        found.append(result.curve[-1].validation_accuracy)
    return np.array(found, dtype=float)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to train: the trainers to choose from, features or none, from when on batches split."""

    trainers: tuple[TrainerKind, ...] = TRAINERS
    use_features: bool = True
    least_split: float = autograd.LEAST_SPLIT


PLAINLY = Way(trainers=(AUTOGRAD,), use_features=False, least_split=float("inf"))
IN_HALVES = Way(trainers=(BATCHED_HEADS, AUTOGRAD), least_split=0)
AS_IT_IS = Way()


@pytest.mark.parametrize(
    ("network", "strategy", "optimiser", "faster"),
    [
        (CONV, Full(), ADAM, IN_HALVES),
        (CONV, Freeze(cut="conv"), ADAM, IN_HALVES),
        (CONV, Full(), ADAM, AS_IT_IS),
        (CONV, Freeze(cut="conv"), ADAM, AS_IT_IS),
        (CONV, Freeze(cut="conv"), SGD, AS_IT_IS),
        (DENSE, Full(), SGD, AS_IT_IS),
        (CONV, Probe(), SGD, AS_IT_IS),
    ],
)
def test_means_over_seeds_agree_within_the_noise_of_seeds(
    network: DeclaredNetwork,
    strategy: AnyStrategy,
    optimiser: OptimiserSpec,
    faster: Way,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autograd, "LEAST_SPLIT", faster.least_split)
    fast = accuracies(network, strategy, optimiser, faster)
    monkeypatch.setattr(autograd, "LEAST_SPLIT", PLAINLY.least_split)
    plain = accuracies(network, strategy, optimiser, PLAINLY)
    noise = plain.std(ddof=1) / SEEDS**0.5
    assert plain.mean() > 0.4  # something is learnt,
    assert noise > 0.002  # and seeds differ
    assert abs(fast.mean() - plain.mean()) <= 2 * noise


def test_a_path_that_learns_less_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the rate, as a path might have that forgot to take a mean, is far outside."""
    right = accuracies(CONV, Full(), ADAM)
    wrong = accuracies(CONV, Full(), ADAM.model_copy(update={"lr": 0.001}))
    assert abs(right.mean() - wrong.mean()) > 4 * right.std(ddof=1) / SEEDS**0.5
