"""Network inputs: scaled, standardised, channels first; statistics against plain numpy."""

import numpy as np
import pytest

from headstart.data import preprocess
from headstart.data.preprocess import statistics, to_inputs
from headstart.spec.tasks import PreprocessingSpec

PIXELS = np.random.default_rng(3).integers(0, 256, (7, 4, 5, 3), dtype=np.uint8)


def test_bytes_become_units_with_channels_first() -> None:
    spec = PreprocessingSpec()
    assert statistics(PIXELS, spec) is None
    inputs = to_inputs(PIXELS, spec, None)
    assert inputs.shape == (7, 3, 4, 5)
    assert inputs.dtype == np.float32
    assert inputs.flags.c_contiguous
    assert (inputs == PIXELS.transpose(0, 3, 1, 2) / np.float32(255)).all()


def test_bytes_may_stay_as_they_are() -> None:
    inputs = to_inputs(PIXELS, PreprocessingSpec(scale="none"), None)
    assert (inputs == PIXELS.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize("scale", ["unit", "none"])
@pytest.mark.parametrize(("by", "axes"), [("channel", (0, 1, 2)), ("pixel", (0,))])
def test_statistics_are_those_of_numpy(
    scale: str, by: str, axes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preprocess, "CHUNK", 3)
    spec = PreprocessingSpec.model_validate({"scale": scale, "standardise": by})
    scaled = PIXELS / (255 if scale == "unit" else 1)
    standardiser = statistics(PIXELS, spec)
    assert standardiser
    assert standardiser.mean.dtype == standardiser.deviation.dtype == np.float32
    np.testing.assert_allclose(standardiser.mean, scaled.mean(axes, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(standardiser.deviation, scaled.std(axes, keepdims=True), rtol=1e-6)
    inputs = to_inputs(PIXELS, spec, standardiser)
    assert inputs.flags.c_contiguous
    expected = (scaled - scaled.mean(axes, keepdims=True)) / scaled.std(axes, keepdims=True)
    np.testing.assert_allclose(inputs, expected.transpose(0, 3, 1, 2), atol=1e-5)


@pytest.mark.parametrize(("scale", "floor"), [("unit", 0.05), ("none", 0.05 * 255)])
def test_a_constant_pixel_meets_the_floor(scale: str, floor: float) -> None:
    pixels = np.full((5, 2, 2, 1), 77, dtype=np.uint8)
    given = {"scale": scale, "standardise": "pixel", "floor": 0.05}
    spec = PreprocessingSpec.model_validate(given)
    standardiser = statistics(pixels, spec)
    assert standardiser
    np.testing.assert_allclose(standardiser.deviation, floor, rtol=1e-6)
    np.testing.assert_allclose(to_inputs(pixels, spec, standardiser), 0, atol=1e-6)


def test_statistics_of_one_set_serve_for_another() -> None:
    spec = PreprocessingSpec(standardise="channel")
    standardiser = statistics(PIXELS, spec)
    alone, beside = (to_inputs(part, spec, standardiser) for part in (PIXELS[:1], PIXELS))
    assert (alone[0] == beside[0]).all()
