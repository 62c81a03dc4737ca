"""What every trainer must hold: subclass it for a new one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from headstart.metrics import BALANCED_ACCURACY
from headstart.networks.declared.initial import fresh_weights
from headstart.networks.weights import Weights
from headstart.study.declared import DeclaredNetwork
from headstart.study.phases import Phase
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, prepare, train_together
from headstart.train.registry import AUTOGRAD
from headstart.train.trainer import PreparedPhase, TrainerKind, moving_tensors

CPU, IMAGE, CLASSES = torch.device("cpu"), (8, 8, 1), 3
SGD = OptimiserSpec(lr=0.05, momentum=0.9, weight_decay=1e-3)
ADAM = OptimiserSpec.model_validate({"kind": "adam", "lr": 0.01})


def images(seed: int, num: int) -> Examples:
    drawn = np.random.default_rng(seed)
    inputs = drawn.normal(size=(num, 1, 8, 8)).astype(np.float32)
    return Examples(inputs=inputs, labels=drawn.integers(0, CLASSES, num))


class TrainerContract:
    """Checks of one trainer on one network and phase.

    Attributes:
        kind: the trainer.
        network: one that it supports in the phase.
        phase: what is trained.
        relative: the tolerance beside autograd; 0 for the same bits.
    """

    kind: TrainerKind
    network: DeclaredNetwork
    phase: Phase
    relative: float = 1e-4

    @pytest.fixture(params=[SGD, ADAM], ids=["sgd", "adam"])
    def config(self, request: pytest.FixtureRequest) -> PhaseConfig:
        return PhaseConfig(
            network=self.network,
            image=IMAGE,
            num_classes=CLASSES,
            phase=self.phase,
            optimiser=request.param,
            schedule=ScheduleSpec(kind="cosine", warmup=0.2),
            batch_size=8,
            first_update=0,
            measure_at=(5, self.phase.updates),
            seed=0,
            role="target",
        )

    def first(self, seed: int = 0) -> Weights:
        return fresh_weights(self.network, IMAGE, CLASSES, seed, "target")

    def prepared(
        self, config: PhaseConfig, seed: int = 0, trainers: Sequence[TrainerKind] | None = None
    ) -> PreparedPhase:
        return prepare(
            replace(config, seed=seed),
            self.first(seed),
            images(seed, 35),
            images(99, 20),
            CPU,
            trainers=trainers or (self.kind,),
        )

    def trained(self, config: PhaseConfig, seed: int = 0) -> PhaseResult:
        return train_together([self.prepared(config, seed)])[0]

    def test_it_supports_the_phase(self, config: PhaseConfig) -> None:
        assert self.kind.supports(config, CPU)

    def test_it_gives_what_autograd_gives(self, config: PhaseConfig) -> None:
        (plain,) = train_together([self.prepared(config, trainers=(AUTOGRAD,))])
        own = self.trained(config)
        for name, array in plain.last_weights.items():
            np.testing.assert_allclose(
                own.last_weights[name], array, rtol=self.relative, atol=self.relative / 10
            )
        for mine, other in zip(own.curve, plain.curve, strict=True):
            assert mine.train_loss == pytest.approx(other.train_loss, rel=1e-4)
            assert mine.validation_accuracy == other.validation_accuracy

    def test_weighted_classes_are_as_autograd_weights_them(self, config: PhaseConfig) -> None:
        weighted = replace(config, class_weights="balanced", metric=BALANCED_ACCURACY)
        assert self.kind.supports(weighted, CPU)
        (plain,) = train_together([self.prepared(weighted, trainers=(AUTOGRAD,))])
        own, unweighted = self.trained(weighted), self.trained(config)
        for name, array in plain.last_weights.items():
            np.testing.assert_allclose(
                own.last_weights[name], array, rtol=self.relative, atol=self.relative / 10
            )
        for name in own.moving:
            assert not np.array_equal(own.last_weights[name], unweighted.last_weights[name])
        together = train_together([self.prepared(weighted, seed) for seed in range(3)])[0]
        for name, array in own.last_weights.items():
            np.testing.assert_array_equal(together.last_weights[name], array)

    def test_the_same_training_gives_the_same_bits(self, config: PhaseConfig) -> None:
        one, other = self.trained(config), self.trained(config)
        for name, array in one.last_weights.items():
            np.testing.assert_array_equal(other.last_weights[name], array)

    def test_neighbours_change_nothing(self, config: PhaseConfig) -> None:
        alone = self.trained(config, seed=1)
        together = train_together([self.prepared(config, seed) for seed in range(3)])[1]
        for name, array in alone.last_weights.items():
            np.testing.assert_array_equal(together.last_weights[name], array)
        assert alone.curve == together.curve

    def test_what_the_phase_freezes_stays_and_the_rest_moves(self, config: PhaseConfig) -> None:
        result, first = self.trained(config), self.first()
        assert result.moving == moving_tensors(config)
        assert result.frozen_before == result.frozen_after
        assert result.trained_moved
        for name, array in first.items():
            moved = not np.array_equal(array, result.last_weights[name])
            assert moved == (name in result.moving), name

    def test_some_tensors_can_be_asked_for(self, config: PhaseConfig) -> None:
        phase = self.prepared(config)
        trainer = phase.trainer.make([phase])
        names = sorted(phase.moving)[:1]
        found = trainer.weights(0, names)
        assert list(found) == names
        np.testing.assert_array_equal(found[names[0]], self.first()[names[0]])

    def test_best_weights_are_those_of_the_best_measurement(self, config: PhaseConfig) -> None:
        result = self.trained(config)
        assert result.best is not None
        accuracies = {point.update: point.validation_accuracy for point in result.curve}
        assert accuracies[result.best.update] == max(a or 0.0 for a in accuracies.values())
