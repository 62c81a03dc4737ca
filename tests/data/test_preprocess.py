"""Network inputs: scaled and standardised; statistics against plain numpy."""

import numpy as np
import pytest
from tiny_sets import unlabelled

from headstart.data import images as arrays
from headstart.data.preprocess import scaling_of, statistics
from headstart.study.tasks import PreprocessingSpec

PIXELS = np.random.default_rng(3).integers(0, 256, (7, 4, 5, 3), dtype=np.uint8)


def test_bytes_become_units() -> None:
    spec = PreprocessingSpec()
    assert statistics(unlabelled(PIXELS), spec) is None
    inputs = scaling_of(spec, None).of(PIXELS)
    assert inputs.dtype == np.float32
    assert (inputs == PIXELS / np.float32(255)).all()


def test_bytes_may_stay_as_they_are() -> None:
    inputs = scaling_of(PreprocessingSpec(scale="none"), None).of(PIXELS)
    assert inputs.dtype == np.float32
    assert (inputs == PIXELS).all()


@pytest.mark.parametrize("scale", ["unit", "none"])
@pytest.mark.parametrize(("by", "axes"), [("channel", (0, 1, 2)), ("pixel", (0,))])
def test_statistics_are_those_of_numpy(
    scale: str, by: str, axes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 3 * PIXELS[0].nbytes)
    spec = PreprocessingSpec.model_validate({"scale": scale, "standardise": by})
    scaled = PIXELS / (255 if scale == "unit" else 1)
    standardiser = statistics(unlabelled(PIXELS), spec)
    assert standardiser
    assert standardiser.mean.dtype == standardiser.deviation.dtype == np.float32
    np.testing.assert_allclose(standardiser.mean, scaled.mean(axes, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(standardiser.deviation, scaled.std(axes, keepdims=True), rtol=1e-6)
    inputs = scaling_of(spec, standardiser).of(PIXELS)
    assert inputs.dtype == np.float32
    expected = (scaled - scaled.mean(axes, keepdims=True)) / scaled.std(axes, keepdims=True)
    np.testing.assert_allclose(inputs, expected, atol=1e-5)


@pytest.mark.parametrize(("scale", "floor"), [("unit", 0.05), ("none", 0.05 * 255)])
def test_a_constant_pixel_meets_the_floor(scale: str, floor: float) -> None:
    pixels = np.full((5, 2, 2, 1), 77, dtype=np.uint8)
    given = {"scale": scale, "standardise": "pixel", "floor": 0.05}
    spec = PreprocessingSpec.model_validate(given)
    standardiser = statistics(unlabelled(pixels), spec)
    assert standardiser
    np.testing.assert_allclose(standardiser.deviation, floor, rtol=1e-6)
    np.testing.assert_allclose(scaling_of(spec, standardiser).of(pixels), 0, atol=1e-6)


def test_statistics_of_one_set_serve_for_another() -> None:
    spec = PreprocessingSpec(standardise="channel")
    scaling = scaling_of(spec, statistics(unlabelled(PIXELS), spec))
    alone, beside = (scaling.of(part) for part in (PIXELS[:1], PIXELS))
    assert (alone[0] == beside[0]).all()


def test_floats_are_standardised_with_a_floor_from_their_own_range() -> None:
    pixels = (np.random.default_rng(4).normal(size=(9, 4, 5, 3)) * 7).astype(np.float32)
    pixels[:, 0, 0] = 1.5
    spec = PreprocessingSpec(scale="none", standardise="pixel", floor=0.1)
    standardiser = statistics(unlabelled(pixels), spec)
    assert standardiser
    np.testing.assert_allclose(standardiser.mean, pixels.mean(0, keepdims=True), atol=1e-5)
    least = 0.1 * (pixels.max() - pixels.min())
    expected = np.maximum(pixels.std(0, keepdims=True), least)
    np.testing.assert_allclose(standardiser.deviation, expected, rtol=1e-5)
