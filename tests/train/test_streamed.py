"""Image files that are decoded batch by batch: the same numbers as decoded once and kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.core.array_cache import MemmapCache
from headstart.data import datasets
from headstart.data.datasets import open_part
from headstart.execute.steps.inputs import _examples
from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import Freeze, Full, Probe, Strategy
from headstart.study.declared import DeclaredNetwork
from headstart.study.tasks import DataRef
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train import features, forward
from headstart.train.forward import Forward
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, prepare, run_phase
from headstart.train.prediction import predict

CPU, IMAGE = torch.device("cpu"), (8, 6, 3)
NETWORK = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "conv", "layers": [{"kind": "conv", "channels": 4}, "relu", "max_pool"]},
            {"name": "dense", "layers": ["flatten", {"kind": "dense", "units": 6}, "relu"]},
        ]
    }
)
PLAIN = {"scale": "unit", "standardise": "none"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    drawn = np.random.default_rng(0)
    for name in ("a", "b"):
        (folder / name).mkdir()
        for number in range(20):
            pixels = drawn.integers(0, 256, (12, 10, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def examples(photos: Path, limit: int, name: str = "") -> Examples:
    datasets.forget()
    data = DataRef(dataset=str(photos), size=IMAGE[:2], colour="rgb")
    found = _examples(open_part(data, "train", limit), PLAIN, {})
    return Examples(found.inputs, found.labels, found.at, name, found.scaling)


@pytest.fixture
def kept(photos: Path) -> Examples:
    return examples(photos, limit=10**9)


@pytest.fixture
def streamed(photos: Path) -> Iterator[Examples]:
    yield examples(photos, limit=0)
    datasets.forget()


def config(strategy: Strategy) -> PhaseConfig:
    return PhaseConfig(
        network=NETWORK,
        image=IMAGE,
        num_classes=2,
        phase=phases_of(strategy, NETWORK.stage_names, 6)[0],
        optimiser=OptimiserSpec(lr=0.05),
        schedule=ScheduleSpec(),
        batch_size=8,
        first_update=0,
        measure_at=(3, 6),
        seed=0,
        role="target",
    )


def trained(work: PhaseConfig, images: Examples) -> PhaseResult:
    return run_phase(work, fresh_weights(NETWORK, IMAGE, 2, 0, "target"), images, images, CPU)


def test_one_is_an_array_and_the_other_is_not(kept: Examples, streamed: Examples) -> None:
    assert isinstance(kept.inputs, np.ndarray)
    assert not isinstance(streamed.inputs, np.ndarray)
    assert streamed.image == kept.image == IMAGE
    assert streamed.ends == kept.ends
    assert streamed.bytes < kept.labels.nbytes * 3


@pytest.mark.parametrize("strategy", [Full(), Freeze(cut="conv"), Probe()], ids=repr)
def test_trainings_agree_to_the_bit(strategy: Strategy, kept: Examples, streamed: Examples) -> None:
    ours, theirs = (trained(config(strategy), images) for images in (streamed, kept))
    for name, array in theirs.last_weights.items():
        np.testing.assert_array_equal(ours.last_weights[name], array)
    assert ours.curve == theirs.curve


def test_predictions_agree(kept: Examples, streamed: Examples) -> None:
    weights = fresh_weights(NETWORK, IMAGE, 2, 0, "target")
    ours, theirs = (predict(NETWORK, IMAGE, 2, weights, one, CPU) for one in (streamed, kept))
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)


def test_features_go_on_where_a_killed_pass_has_ended(
    streamed: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batches are written and recorded; the next process computes the others alone."""
    work, weights = config(Probe()), fresh_weights(NETWORK, IMAGE, 2, 0, "target")
    named = replace(streamed, name="photos")
    computed: list[int] = []

    class Interrupted(Forward):
        at_most = 4

        def __call__(self, at: int) -> torch.Tensor:
            if len(computed) == self.at_most:
                raise KeyboardInterrupt
            computed.append(at)
            return super().__call__(at)

    monkeypatch.setattr(features, "Forward", Interrupted)
    monkeypatch.setitem(forward.MOST, "cpu", 5)
    cache = MemmapCache(tmp_path, least=0, part=1)
    with pytest.raises(KeyboardInterrupt):
        prepare(work, weights, named, named, CPU, cache)
    assert computed == [0, 5, 10, 15]
    computed.clear()
    Interrupted.at_most = 1_000
    resumed = prepare(work, weights, named, named, CPU, cache).train.resident
    # The first batch tells the shape; then what was not yet written.
    left = list(range(20, len(streamed.labels), 5))
    assert computed[: len(left) + 1] == [0, *left]
    plain = prepare(work, weights, streamed, streamed, CPU).train.resident
    assert torch.equal(resumed, plain)
