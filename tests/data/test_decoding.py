"""Decoding is preprocessing: sizes and crops as pretrained networks expect them, and its key."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from tiny_images import published, saved, write_folder
from tiny_sets import alone as alone
from tiny_sets import ref

from headstart.data.datasets import facts_of, open_part
from headstart.data.formats.decode import decode, resized_to
from headstart.networks.libraries.torchvision_shim import prepare_torchvision
from headstart.study.decoding import Decoding
from headstart.study.network_facts import InputFacts
from headstart.study.tasks import DataRef, ImageSpec, TaskSpec

pytestmark = pytest.mark.usefixtures("alone")

SIZES = [(240, 320), (320, 240), (375, 500), (501, 333), (224, 224), (100, 130), (1200, 1601)]
TIMM = [
    (224, 0.875, "bicubic"),
    (224, 0.9, "bicubic"),
    (224, 224 / 232, "bilinear"),
    ((160, 224), 0.9, "bicubic"),
]


@pytest.fixture(scope="module")
def torchvision() -> None:
    """Importable beside a build of PyTorch that its compiled part does not fit."""
    prepare_torchvision()


def photo(height: int, width: int, seed: int = 0) -> Image.Image:
    """Blurred colours with some noise, as a camera would see them."""
    draw = np.random.default_rng(seed)
    blocks = draw.integers(0, 256, (height // 20, width // 20, 3), dtype=np.uint8)
    smooth = Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)
    noisy = np.asarray(smooth) + draw.normal(0, 8, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize(("size", "crop", "interpolation"), TIMM)
@pytest.mark.parametrize("of", SIZES)
def test_crops_agree_with_those_of_timm(
    of: tuple[int, int], size: int | tuple[int, int], crop: float, interpolation: Any
) -> None:
    data = pytest.importorskip("timm.data")
    whole = size if isinstance(size, tuple) else (size, size)
    theirs = data.create_transform(
        input_size=(3, *whole),
        interpolation=interpolation,
        crop_pct=crop - 1e-12,  # 224 / 232 falls short of itself
        normalize=False,
    )
    file = saved(photo(*of), "JPEG", quality=90)
    wanted = theirs(Image.open(io.BytesIO(file)).convert("RGB")).numpy().transpose(1, 2, 0)
    decoding = Decoding(
        size=whole, colour="rgb", fit="crop", crop=crop, interpolation=interpolation
    )
    found = decode(file, decoding)
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).mean() < 1


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize("of", SIZES)
def test_the_size_before_the_crop_is_that_of_torchvision(of: tuple[int, int]) -> None:
    transforms = pytest.importorskip("torchvision.transforms")
    theirs = transforms.Resize(256)(Image.new("L", of[::-1]))
    crop = Decoding(size=(224, 224), fit="crop", crop=0.875)
    assert resized_to(*of, crop) == (theirs.height, theirs.width)


def test_a_crop_is_the_centre_and_a_stretch_is_the_whole() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 20:60] = 255  # the centre
    file = saved(Image.fromarray(image))
    cropped = decode(file, Decoding(size=(40, 40), fit="crop"))
    assert (cropped == 255).all()
    stretched = decode(file, Decoding(size=(40, 40)))
    assert (stretched[:, [0, -1]] == 0).all()


def test_a_turned_photo_is_cropped_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    one = photo(300, 500)
    lying = saved(one, "JPEG", quality=95, exif=exif)
    upright = saved(one.rotate(-90, expand=True), "JPEG", quality=95)
    for decoding in (
        Decoding(size=(64, 64), fit="crop", crop=0.875),
        Decoding(size=(48, 64), fit="crop", crop=0.9, interpolation="bicubic"),
    ):
        difference = decode(lying, decoding).astype(int) - decode(upright, decoding)
        assert np.abs(difference).mean() < 2


def test_nearest_takes_pixels_as_they_are() -> None:
    image = photo(64, 64)
    found = decode(saved(image), Decoding(size=(8, 8), interpolation="nearest"))
    wanted = image.resize((8, 8), Image.Resampling.NEAREST)
    assert (found == np.asarray(wanted)).all()
    lanczos = decode(saved(image), Decoding(size=(8, 8), interpolation="lanczos"))
    assert (lanczos != found).any()


def test_what_is_not_said_is_as_it_always_was() -> None:
    assert DataRef(dataset="x").decoding == Decoding()
    assert DataRef(dataset="x", size=(8, 9)).decoding == Decoding(size=(8, 9))
    assert DataRef(dataset="x", interpolation="bicubic", crop=0.5).decoding == Decoding()
    cropped = DataRef(dataset="x", size=(8, 9), fit="crop").decoding
    assert cropped == Decoding(size=(8, 9), fit="crop", crop=0.875)
    assert DataRef(dataset="x", size=(8, 9), crop=0.5).decoding.fit == "crop"


def test_a_network_fills_what_is_not_said() -> None:
    wanted = InputFacts(size=(160, 160), crop=0.9, interpolation="bicubic")
    usual = DataRef(dataset="x").preferring(wanted).decoding
    assert usual == Decoding(
        size=(160, 160), colour="rgb", fit="crop", crop=0.9, interpolation="bicubic"
    )
    said = ref("x", size=(64, 64), colour="grey", fit="stretch", interpolation="nearest")
    assert said.preferring(wanted) == said
    assert DataRef(dataset="x", crop=0.5).preferring(wanted).decoding.crop == 0.5
    odd = InputFacts(size=(160, 160), channels=1, interpolation="hamming")
    decoding = DataRef(dataset="x").preferring(odd).decoding
    assert (decoding.colour, decoding.interpolation) == ("grey", "bilinear")


def test_the_payload_names_what_is_not_usual() -> None:
    assert Decoding().payload == {"version": 1}
    assert Decoding(size=(8, 9), colour="rgb").payload == {
        "version": 1,
        "size": [8, 9],
        "colour": "rgb",
    }
    cropped = Decoding(size=(8, 9), fit="crop", crop=0.9, interpolation="bicubic")
    assert cropped.payload == {
        "version": 1,
        "size": [8, 9],
        "fit": "crop",
        "crop": 0.9,
        "interpolation": "bicubic",
    }


def test_a_task_says_how_its_images_are_decoded() -> None:
    image = ImageSpec(size=(64, 64), fit="crop", crop=0.9, interpolation="bicubic")
    data = TaskSpec(dataset="photos", image=image).data
    assert str(data) == "photos at 64x64 cropped to 0.9 bicubic"
    assert str(ref("photos", fit="stretch", colour="grey")) == "photos grey stretched"
    with pytest.raises(ValidationError, match="a stretched image is not cropped: leave out 'crop'"):
        ImageSpec(size=(64, 64), fit="stretch", crop=0.9)
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        ImageSpec(crop=1.5)


def test_two_decodings_of_one_content(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published(num=20, size=(30, 20)))
    refs = [ref(folder, size=(8, 8), fit=fit) for fit in ("stretch", "crop")]
    first, second = (open_part(one, "train") for one in refs)
    assert first.shape == second.shape == (8, 8, 3)
    assert (first.pixels != second.pixels).any()
    assert (first.labels == second.labels).all()
    assert len({facts_of(one).content for one in refs}) == 1
    assert len(list((tmp_path / "cache" / "decoded").glob("*.npy"))) == 2
