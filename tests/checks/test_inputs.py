"""Images on the scale of the checkpoint, or on another."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import headstart as hs
from headstart.core.errors import CheckFailed, DataError, NetworkError

FACTS = hs.InputFacts(size=(8, 8), mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225))
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3)).astype(np.uint8)
MEAN, DEVIATION = np.array(FACTS.mean), np.array(FACTS.deviation)
STANDARDISED = (PIXELS / 255 - MEAN) / DEVIATION

timm = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")


def test_standardised_images_are_as_expected() -> None:
    found = hs.inputs(STANDARDISED, FACTS)
    assert found.check() is found
    assert str(found) == (
        "Inputs from -2.12 to 2.64 are on the scale that the checkpoint was trained on, "
        "-2.12 to 2.64."
    )
    assert len(found.mean) == 3


def test_channels_may_come_first_in_any_type() -> None:
    images = torch.tensor(STANDARDISED).movedim(3, 1).bfloat16()
    found = hs.inputs(images, FACTS)
    assert found.ok
    assert len(found.deviation) == 3


def test_pixels_are_named_with_what_to_do() -> None:
    found = hs.inputs(PIXELS, FACTS)
    assert str(found) == (
        "Inputs from 0 to 255 are on another scale than the one that the checkpoint was trained "
        "on, -2.12 to 2.64; "
        "they look like pixels: divide by 255, then standardise by mean 0.485/0.456/0.406 and "
        "deviation 0.229/0.224/0.225."
    )
    with pytest.raises(CheckFailed, match="on another scale"):
        found.check()


def test_what_is_scaled_and_not_standardised_is_named() -> None:
    assert "they look scaled, not standardised" in str(hs.inputs(PIXELS / 255, FACTS))
    tiny = hs.inputs(PIXELS / 255 / 255, FACTS)
    assert not tiny.range_fits


def test_other_channels_are_named() -> None:
    found = hs.inputs(STANDARDISED[..., :1], FACTS)
    assert found.range_fits
    assert not found.ok
    assert "no axis has the 3 channels it wants" in str(found)
    assert len(found.mean) == 1


def test_numbers_that_are_not_finite_are_named() -> None:
    images = STANDARDISED.copy()
    images[0, 0, 0, 0] = np.nan
    found = hs.inputs(images, FACTS)
    assert not found.ok
    assert "they hold NaN or infinity" in str(found)


def test_what_is_no_batch_of_images_is_refused() -> None:
    for wrong in (np.zeros((2, 3)), np.zeros((0, 3, 8, 8)), np.array(["a"])):
        with pytest.raises(DataError, match="Expected one batch of images"):
            hs.inputs(wrong, FACTS)


@timm
def test_checkpoints_go_by_the_names_of_a_study_file() -> None:
    assert hs.inputs(STANDARDISED, "timm:resnet18").ok
    with pytest.raises(NetworkError, match="Did you mean 'timm:resnet18'"):
        hs.inputs(STANDARDISED, "resnet18")
    with pytest.raises(NetworkError, match="timm network 'resnet81' is not known"):
        hs.inputs(STANDARDISED, "timm:resnet81")


@timm
def test_a_module_that_timm_made_says_itself_what_it_expects() -> None:
    import timm

    module = timm.create_model("test_vit", num_classes=2)
    found = hs.inputs(PIXELS / 127.5 - 1, module)
    assert found.ok
    assert found.checkpoint == "timm:test_vit"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_keras_file_is_fed_what_its_own_scaling_layers_expect(tmp_path: Path) -> None:
    files = pytest.importorskip("keras_files")
    keras, layers = files.keras, files.keras.layers
    inside = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)]
    keras.Sequential([keras.Input((8, 8, 3)), *inside]).save(tmp_path / "scaling.keras")
    assert hs.inputs(PIXELS, f"keras:{tmp_path / 'scaling.keras'}").ok
    assert not hs.inputs(PIXELS / 255, f"keras:{tmp_path / 'scaling.keras'}").ok
    keras.Sequential([keras.Input((8, 8, 3)), *inside[1:]]).save(tmp_path / "none.keras")
    with pytest.raises(NetworkError, match="does not say how its images are prepared"):
        hs.inputs(PIXELS, f"keras:{tmp_path / 'none.keras'}")
