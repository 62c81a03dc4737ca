"""Decoding is preprocessing: sizes and crops as pretrained networks expect them, and its key."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from tiny_images import picture, published, saved, write_folder
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


@given(
    proportions=st.sampled_from([(1, 1), (3, 4), (4, 3), (2, 5)]),
    scales=st.tuples(st.integers(2, 40), st.integers(40, 150)),
    turned=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_the_least_crop_of_an_image_of_the_wished_proportions_is_the_image(
    proportions: tuple[int, int], scales: tuple[int, int], turned: bool
) -> None:
    small, large = (tuple(scale * side for side in proportions) for scale in scales)
    exif = Image.Exif()
    if turned:
        exif[0x0112], large = 6, large[::-1]
    high, wide = large
    file = saved(photo(max(high, 20), max(wide, 20)).resize((wide, high)), "JPEG", exif=exif)
    stretched, cropped = (
        decode(file, Decoding(size=(small[0], small[1]), fit=fit)) for fit in ("stretch", "crop")
    )
    assert (stretched == cropped).all()


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize("of", SIZES)
def test_padding_agrees_with_that_of_timm(of: tuple[int, int]) -> None:
    data = pytest.importorskip("timm.data")
    theirs = data.create_transform(
        input_size=(3, 96, 128), crop_pct=1.0, crop_mode="border", mean=(0.5, 0.5, 0.5),
        interpolation="bicubic", is_training=False, normalize=False,
    )  # fmt: skip
    file = saved(photo(*of))
    wanted = theirs(Image.open(io.BytesIO(file))).numpy().transpose(1, 2, 0)
    decoding = Decoding(size=(96, 128), colour="rgb", fit="pad", interpolation="bicubic")
    found = decode(file, decoding)
    assert found.shape == wanted.shape
    assert ((found == 128).all(axis=2) == (wanted == 128).all(axis=2)).all()
    assert np.abs(found.astype(int) - wanted).mean() < 1


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_padded_image_is_whole_with_grey_on_either_side(mode: str) -> None:
    wide = saved(Image.new(mode, (90, 30), "white"))
    found = decode(wide, Decoding(size=(20, 20), fit="pad"))
    assert (found[7:13] == 255).all()
    assert (found[:6] == 128).all()
    assert (found[14:] == 128).all()
    tall = decode(saved(Image.new(mode, (3, 900))), Decoding(size=(20, 20), fit="pad"))
    assert (tall[:, :9] == 128).all()
    assert (tall == 0).any()


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


def test_photos_of_other_proportions_are_cropped_where_no_fit_is_said(tmp_path: Path) -> None:
    square = facts_of(ref(write_folder(tmp_path / "square", published(size=(8, 8)))))
    odd = published(size=(8, 8)) | {"train/cat/odd.png": picture(9, size=(8, 9))}
    mixed = facts_of(ref(write_folder(tmp_path / "mixed", odd)))
    assert square.proportions == ((1, 1), (1, 1))
    assert mixed.proportions == ((8, 9), (1, 1))
    data = DataRef(dataset="x", size=(4, 4))
    assert data.cropping(square) == data
    assert data.cropping(mixed).decoding == Decoding(size=(4, 4), fit="crop", crop=1.0)
    assert DataRef(dataset="x", size=(8, 9)).cropping(square).fit == "crop"
    for said in (DataRef(dataset="x"), ref("x", size=(4, 4), fit="stretch"), ref("x", crop=0.9)):
        assert said.cropping(mixed) == said
    stored = mixed.model_copy(update={"proportions": ()})  # by a version that stretched
    assert data.cropping(stored) == data
    assert stored.has_proportions((4, 4)) is None


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
    padded = Decoding(size=(8, 9), fit="pad", bits=12)
    assert padded.payload == {"version": 1, "size": [8, 9], "fit": "pad", "bits": 12}


def test_a_task_says_how_its_images_are_decoded() -> None:
    image = ImageSpec(size=(64, 64), fit="crop", crop=0.9, interpolation="bicubic")
    data = TaskSpec(dataset="photos", image=image).data
    assert str(data) == "photos at 64x64 cropped to 0.9 bicubic"
    assert str(ref("photos", fit="stretch", colour="grey")) == "photos grey stretched"
    assert str(ref("photos", size=(4, 4), fit="pad", bits=12)) == "photos at 4x4 padded of 12 bits"
    for fit, word in (("stretch", "stretched"), ("pad", "padded")):
        with pytest.raises(ValidationError, match=f"a {word} image is not cropped: leave out"):
            ImageSpec(size=(64, 64), fit=fit, crop=0.9)
    with pytest.raises(ValidationError, match="less than or equal to 16"):
        ImageSpec(bits=17)
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
