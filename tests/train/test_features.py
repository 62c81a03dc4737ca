"""What stays is computed once, where it will lie: in memory, or on the cache if large."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.core.array_cache import MemmapCache
from headstart.core.lru import SizedLRU
from headstart.core.thread_budget import allowing_threads
from headstart.networks.declared.initial import fresh_weights
from headstart.study.declared import DeclaredNetwork
from headstart.study.training import Precision
from headstart.train import features
from headstart.train.device_data import DeviceData
from headstart.train.features import KEPT_BYTES, as_they_are, cached_features
from headstart.train.phase_config import Examples
from headstart.train.prediction import predict

CPU = torch.device("cpu")
IMAGE = (6, 6, 1)
NETWORK = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "conv", "layers": [{"kind": "conv", "channels": 3}, "relu", "flatten"]},
            {"name": "dense", "layers": [{"kind": "dense", "units": 4}]},
        ]
    }
)
EXAMPLES = Examples(
    inputs=np.random.default_rng(0).normal(size=(300, 1, 6, 6)).astype(np.float32),
    labels=np.zeros(300, np.int64),
)


def part(
    done: int,
    examples: Examples = EXAMPLES,
    cache: MemmapCache | None = None,
    above: dict[str, float] | None = None,
    precision: Precision = "float32",
) -> DeviceData:
    weights = fresh_weights(NETWORK, IMAGE, 2, 0, "target")
    weights = {name: array + (above or {}).get(name, 0) for name, array in weights.items()}
    return cached_features(
        (NETWORK, IMAGE, 2), done, weights, examples, CPU, as_they_are, cache, precision
    )


def drawn(rows: np.ndarray, pool: Examples) -> Examples:
    """Some examples of a pool."""
    inputs, labels = pool.array[rows], pool.labels[rows]
    return Examples(inputs=inputs, labels=labels, name=f"rows {rows}", pool=(pool, rows))


NAMED = replace(EXAMPLES, name="some images")
LINUX = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space cannot be set aside")


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered."""
    forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another process that shares the cache would be."""
    monkeypatch.setattr(features, "_kept", SizedLRU(KEPT_BYTES, lambda part: part.bytes))


@LINUX
@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("done", [2, 3])  # images with channels last, and rows
def test_what_is_large_is_cached_for_other_processes(
    done: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = part(done).resident
    cache = MemmapCache(tmp_path, least=1_000)
    written = part(done, examples=NAMED, cache=cache)
    forget(monkeypatch)
    monkeypatch.setattr(features, "_computed", None)  # nobody computes it again
    read = part(done, examples=NAMED, cache=cache)
    for found in (written, read):
        assert found.mapped
        torch.testing.assert_close(found.resident, in_memory, rtol=0, atol=0)
        assert found.resident.stride() == in_memory.stride()


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("done", [2, 3])
def test_subsets_share_the_features_of_their_pool(
    done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = part(done, examples=NAMED).resident
    monkeypatch.setattr(features, "_computed", None)  # nobody computes them again
    for rows in (np.array([7, 3, 299]).repeat(20), np.arange(40, 90)):
        found = part(done, examples=drawn(rows, NAMED)).resident
        torch.testing.assert_close(found, pool[rows], rtol=0, atol=0)
        assert found.stride() == pool.stride()


@pytest.mark.usefixtures("forgetful")
def test_a_pool_much_larger_than_the_subset_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.array([7, 3, 299])
    few = part(3, examples=drawn(rows, NAMED)).resident
    monkeypatch.setattr("headstart.study.operations.SMALL_BYTES", 1)
    many = part(3, examples=drawn(np.arange(200), NAMED)).resident
    assert len(features._kept._values) == 2  # that of the pool is not there
    torch.testing.assert_close(few, part(3).resident[rows])
    torch.testing.assert_close(many, part(3).resident[:200])


@LINUX
@pytest.mark.usefixtures("forgetful")
def test_another_network_images_or_depth_have_features_of_their_own(tmp_path: Path) -> None:
    cache = MemmapCache(tmp_path, least=1_000)
    part(3, examples=NAMED, cache=cache)
    part(3, examples=replace(NAMED, name="others"), cache=cache)
    part(2, examples=NAMED, cache=cache)
    assert len(list(tmp_path.glob("*/*.npy"))) == 3


@pytest.mark.usefixtures("forgetful")
def test_features_in_half_the_bits_are_others_kept_by_themselves_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = MemmapCache(tmp_path, least=1_000)
    for _ in range(2):  # computed, and from the cache or remembered
        whole = part(3, examples=NAMED, cache=cache).resident
        half = part(3, examples=NAMED, cache=cache, precision="bfloat16").resident
        assert half.dtype == torch.float32
        torch.testing.assert_close(half, whole, rtol=0.02, atol=0.02)
        assert not torch.equal(half, whole)
    forget(monkeypatch)
    assert torch.equal(part(3, examples=NAMED, cache=cache).resident, whole)


@LINUX
@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("number", [1, 2, 8])
def test_each_image_is_computed_once_however_many_threads_there_are(number: int) -> None:
    alone = part(1)
    computed: list[int] = []

    def counted(found: torch.Tensor) -> torch.Tensor:
        computed.append(len(found))
        return found

    weights = fresh_weights(NETWORK, IMAGE, 2, 0, "target")
    with allowing_threads(number):
        shared = cached_features((NETWORK, IMAGE, 2), 1, weights, EXAMPLES, CPU, counted)
    assert sum(computed) == len(EXAMPLES.labels)
    assert torch.equal(shared.between(0, 300), alone.between(0, 300))


def test_trunks_that_differ_only_above_share_what_is_below(tmp_path: Path) -> None:
    cache = MemmapCache(tmp_path, least=1_000)
    part(3, examples=NAMED, cache=cache)
    part(3, examples=NAMED, cache=cache, above={"dense.0.weight": 1.0, "head.0.bias": 1.0})
    assert len(list(tmp_path.glob("*/*.npy"))) == 1
    part(3, examples=NAMED, cache=cache, above={"conv.0.bias": 1.0})
    assert len(list(tmp_path.glob("*/*.npy"))) == 2


@pytest.mark.usefixtures("forgetful")
def test_without_space_for_a_file_it_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError("No space left on device")

    wanted = part(3).inputs
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    found = part(3, examples=NAMED, cache=MemmapCache(tmp_path, least=1_000))
    assert not found.mapped
    torch.testing.assert_close(found.inputs, wanted, rtol=0, atol=0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]


@pytest.mark.usefixtures("forgetful")
def test_what_is_small_or_has_no_name_is_not_cached_in_files(tmp_path: Path) -> None:
    cache = MemmapCache(tmp_path)
    assert not part(3, examples=NAMED, cache=cache).mapped
    assert not part(3, cache=cache).mapped
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("done", [1, 3, 4])
def test_predictions_from_cached_features_are_those_of_the_network(done: int) -> None:
    weights = fresh_weights(NETWORK, IMAGE, 2, 0, "target")
    given = (NETWORK, IMAGE, 2, weights, NAMED, CPU)
    whole, from_features = predict(*given), predict(*given, done)
    assert len(features._kept._values) == 1
    np.testing.assert_array_equal(from_features.probabilities, whole.probabilities)
