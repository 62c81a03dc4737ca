"""Image files of every kind become arrays of one shape, or their fault is named."""

import io
import re
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from tiny_images import picture, pictures, published, saved, write_folder, write_zip
from tiny_sets import alone as alone
from tiny_sets import ref

from commands import Call
from headstart.core.errors import DataError
from headstart.data import progress
from headstart.data.catalogue import PARTS
from headstart.data.datasets import facts_of, open_part
from headstart.data.formats import file_facts, image_files, stream
from headstart.data.formats.archives import open_source
from headstart.data.progress import Progress, listening

pytestmark = pytest.mark.usefixtures("alone")


def pixels_of(folder: Path, *files: bytes, **decoding: Any) -> np.ndarray:
    """The pixels of `files`, each alone in its class, in this order."""
    named = {f"{part}/{index}/x.png": one for index, one in enumerate(files) for part in PARTS}
    images = open_part(ref(write_folder(folder, named), **decoding), "test")
    return images.pixels[np.argsort(images.labels)]


def fault_of(path: Path, **decoding: Any) -> str:
    with pytest.raises(DataError) as caught:
        open_part(ref(path, **decoding), "train")
    text = str(caught.value)
    assert text.startswith(str(path))
    return text


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "JPEG", "WEBP"])
def test_every_kind_of_file(tmp_path: Path, kind: str, mode: str) -> None:
    if (kind, mode) == ("WEBP", "L"):
        mode = "RGB"  # the only mode of this kind
    files = [picture(value, mode=mode, kind=kind) for value in (1, 2)]
    decoded = pixels_of(tmp_path, *files)
    assert decoded.shape == (2, 4, 5, 1 if mode == "L" else 3)
    for pixels, file in zip(decoded, files, strict=True):
        wanted = np.asarray(Image.open(io.BytesIO(file)).convert(mode))
        assert (pixels.reshape(wanted.shape) == wanted).all()


def test_a_gif_has_a_palette_and_needs_a_colour(tmp_path: Path) -> None:
    files = [picture(value, mode="P", kind="GIF") for value in (1, 2)]
    assert pixels_of(tmp_path, *files, colour="rgb").shape == (2, 4, 5, 3)


def test_the_name_may_lie_about_the_kind(tmp_path: Path) -> None:
    first, second = picture(1, kind="BMP"), picture(2, kind="PNG")
    assert pixels_of(tmp_path, first, second).shape == (2, 4, 5, 3)


def test_images_are_turned_upright(tmp_path: Path) -> None:
    image = Image.open(io.BytesIO(picture(1, size=(4, 5))))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned = saved(image, exif=exif)
    decoded = pixels_of(tmp_path, turned, picture(2, size=(5, 4)))
    assert (decoded[0] == np.rot90(np.asarray(image), -1)).all()


def test_colours_are_converted(tmp_path: Path) -> None:
    files = [picture(3, mode=mode) for mode in ("1", "L", "P", "LA", "RGB", "RGBA")]
    files.append(picture(3, mode="CMYK", kind="JPEG"))
    assert pixels_of(tmp_path / "a", *files, colour="rgb").shape == (7, 4, 5, 3)
    assert pixels_of(tmp_path / "b", *files, colour="grey").shape == (7, 4, 5, 1)
    decoded = pixels_of(tmp_path / "c", *files, colour="rgb")
    assert (decoded[1] == decoded[1][..., :1]).all()  # grey as rgb: three equal channels


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (5, 4), (10, 20, 30, 0))
    half = Image.new("RGBA", (5, 4), (0, 0, 0, 128))
    palette = Image.new("P", (5, 4), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    files = [saved(clear), saved(half), saved(palette, transparency=1), saved(palette)]
    decoded = pixels_of(tmp_path, *files, colour="rgb")
    assert [set(pixels.reshape(-1).tolist()) for pixels in decoded] == [{255}, {127}, {255}, {9}]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = np.array([[0, 255, 256, 65535]], dtype=np.uint16)
    files = [saved(Image.fromarray(deep)), saved(Image.fromarray(deep), "TIFF")]
    files.append(b"P5\n4 1\n65535\n" + deep.astype(">u2").tobytes())
    decoded = pixels_of(tmp_path, *files, colour="grey")
    assert decoded.reshape(3, 4).tolist() == [[0, 0, 1, 255]] * 3
    assert "neither grey nor RGB of 8 bits" in fault_of(tmp_path)


def test_the_upper_eight_of_the_bits_that_are_used_are_kept(tmp_path: Path) -> None:
    deep = saved(Image.fromarray(np.array([[0, 15, 16, 4095]], dtype=np.uint16)))
    decoded = pixels_of(tmp_path, deep, picture(1, size=(1, 4), mode="L"), colour="grey", bits=12)
    assert decoded[0].reshape(-1).tolist() == [0, 0, 1, 255]
    text = fault_of(tmp_path, colour="grey", bits=11)
    assert "has the value 4,095, more than 11 bits hold" in text


def colours_of_16_bits(*values: int) -> bytes:
    """A PNG of 16 bits per channel, which Pillow reads and does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        sum_ = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + sum_

    header = struct.pack(">IIBBBBB", len(values), 1, 16, 2, 0, 0, 0)
    row = b"\0" + b"".join(struct.pack(">HHH", value, value, 0) for value in values)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_the_greatest_value_of_images_of_sixteen_bits_is_a_fact(tmp_path: Path) -> None:
    grey = saved(Image.fromarray(np.array([[0, 4000]], dtype=np.uint16)), "TIFF")
    usual = picture(1, size=(1, 2))
    files = {
        f"{part}/{name}/{at}.png": content
        for part in PARTS
        for name, content in (("a", grey), ("b", colours_of_16_bits(7, 900)), ("c", usual))
        for at in range(2)
    }
    facts = facts_of(ref(write_folder(tmp_path / "deep", files)))
    assert facts.deep == {"I;16": 4000, "RGB": 1023}  # the lower 8 bits of colours are not read
    assert facts.modes == ("I;16", "RGB")
    assert (facts.bits_used("I;16"), facts.bits_used("RGB"), facts.bits_wanted) == (12, 10, 12)
    files |= {"train/a/2.png": saved(Image.fromarray(np.array([[0, 40_000]], dtype=np.uint16)))}
    brighter = facts_of(ref(write_folder(tmp_path / "brighter", files)))
    assert (brighter.deep["I;16"], brighter.bits_wanted) == (40_000, None)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_that_no_conversion_is_sure_of(tmp_path: Path, mode: str) -> None:
    values = np.full((4, 5), 1e6, dtype=np.float32 if mode == "F" else np.int32)
    file = saved(Image.fromarray(values), "TIFF")
    folder = write_folder(
        tmp_path / "deep", {f"{part}/{name}/x.tif": file for part in PARTS for name in "ab"}
    )
    text = "floating-point pixels" if mode == "F" else "more than 16 bits"
    assert text in fault_of(folder, colour="grey")


def test_images_are_resized_with_antialiasing(tmp_path: Path) -> None:
    board = np.indices((64, 96)).sum(axis=0) % 2 * 255  # every pixel differs from its neighbours
    file = saved(Image.fromarray(board.astype(np.uint8)))
    decoded = pixels_of(tmp_path, file, picture(1, size=(3, 9), mode="L"), size=(6, 8))
    assert decoded.shape == (2, 6, 8, 1)
    assert np.abs(decoded[0].astype(int) - 127).max() <= 3


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_photo_is_read_at_a_fraction_and_looks_the_same(
    tmp_path: Path, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    smooth = np.random.default_rng(2).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    photo = Image.fromarray(smooth).resize((640, 480), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = saved(photo, "JPEG", quality=95, exif=exif)
    upright = photo if orientation == 1 else photo.rotate(-90, expand=True)
    read: list[tuple[int, int]] = []
    turn = ImageOps.exif_transpose

    def watched(image: Image.Image, *, in_place: bool) -> None:
        read.append(image.size)
        assert in_place
        turn(image, in_place=True)

    monkeypatch.setattr(ImageOps, "exif_transpose", watched)
    (decoded, _) = pixels_of(tmp_path, file, file, size=(20, 30))
    # An eighth would be 80 x 60, less than three times 30.
    assert set(read) == {(160, 120)}
    wanted = np.asarray(upright.resize((30, 20), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(decoded - wanted).mean() < 2
    assert np.abs(decoded - wanted).max() < 12


@pytest.mark.parametrize(
    ("looks", "found", "fix"),
    [
        ({"size": (7, 9)}, "different sizes: ", "`image = { size = [64, 64] }` (height, width)"),
        ({"mode": "L"}, "different colours: ", '`image = { colour = "rgb" }` (or "grey")'),
    ],
)
def test_images_that_differ(tmp_path: Path, looks: dict[str, Any], found: str, fix: str) -> None:
    folder = write_folder(tmp_path, published() | {"train/cat/odd.png": picture(9, **looks)})
    text = fault_of(folder)
    assert f"images of {found}" in text
    assert "train/cat/odd.png is 7x9 rgb" in text or "train/cat/odd.png is 4x5 grey" in text
    assert ".png is 4x5 rgb" in text
    assert fix in text
    assert facts_of(ref(folder)).shape is None
    assert open_part(ref(folder, size=(4, 4), colour="rgb"), "train").shape == (4, 4, 3)


def test_parts_that_differ(tmp_path: Path) -> None:
    files = pictures("train/a", "train/b") | pictures("test/a", "test/b", mode="L")
    text = fault_of(write_folder(tmp_path, files))
    assert re.search(r"different colours: train/./\d.png is 4x5 rgb, test/./\d.png is 4x5 gr", text)
    assert 'colour = "rgb"' in text


def test_a_mode_that_needs_a_decision(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, published(mode="RGBA"))
    text = fault_of(folder)
    assert "is 4x5 RGBA: neither grey nor RGB of 8 bits." in text
    assert '`image = { colour = "rgb" }`' in text


NO_HEADER = {
    "train/cat/empty.png": b"",
    "train/cat/text.png": b"<html>",
    "train/cat/short.png": picture(4)[:20],
    "train/dog/jpeg.jpg": picture(6, size=(40, 40), kind="JPEG")[:300],
}
TORN = {
    "train/dog/torn.png": picture(5, size=(40, 40))[:-900],
    "train/dog/torn.jpg": picture(6, size=(40, 40), kind="JPEG")[:-300],
}


@pytest.mark.parametrize("write", [write_folder, write_zip])
@pytest.mark.parametrize("broken", [NO_HEADER, TORN, NO_HEADER | TORN])
def test_broken_files_are_counted_or_left_out(
    tmp_path: Path, write: Any, broken: dict[str, bytes]
) -> None:
    path = write(tmp_path / "photos.zip", published() | broken)
    text = fault_of(path, size=(4, 5))
    assert f"{len(broken)} of {len(broken) + 10} image files cannot be decoded (train/" in text
    assert all(name in text for name in broken)
    assert "`image = { skip_broken = true }`" in text
    if broken is TORN:  # which headers do not show
        assert facts_of(ref(path)).train_counts == (3, 5)
    else:
        with pytest.raises(DataError, match=rf"{len(broken)} of .* files cannot be decoded"):
            facts_of(ref(path))
    left = facts_of(ref(path, skip_broken=True))
    assert {entry.why for entry in left.left_out} == {"broken"}
    assert sum(entry.number for entry in left.left_out) == len(broken)
    assert len(open_part(ref(path, skip_broken=True), "train")) == 6
    sound = facts_of(ref(write(tmp_path / "sound.zip", published())))
    assert left.content == sound.content
    assert left.train_counts == (3, 3)


@pytest.mark.parametrize("torn", [TORN["train/dog/torn.jpg"], b"no image"])
def test_broken_files_of_all_parts_are_named_at_once(tmp_path: Path, torn: bytes) -> None:
    places = [f"{part}/cat/torn{n}.jpg" for part in ("train", "test") for n in range(6)]
    path = write_folder(tmp_path, published() | dict.fromkeys(places, torn))
    text = fault_of(path, size=(4, 5))
    assert "12 of 22 image files cannot be decoded (" in text
    assert text.count(".jpg: ") == 10
    assert "; and 2 more)." in text


def test_nothing_but_broken_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {"a/x.png": b"x", "b/x.png": b"y", "b/y.png": b"z"})
    with pytest.raises(DataError, match=r"3 of 3 image files cannot be decoded"):
        open_part(ref(folder, skip_broken=True), "train")


def test_a_damaged_member_of_an_archive(tmp_path: Path) -> None:
    files = published()
    path = write_zip(tmp_path / "photos.zip", files)
    content = bytearray(path.read_bytes())
    content[content.index(files["train/cat/0.png"]) + 40] ^= 0xFF
    path.write_bytes(content)
    text = fault_of(path)
    assert "1 of 10 image files cannot be decoded (train/cat/0.png: cannot be unpacked: B" in text


@pytest.mark.parametrize(
    ("packing", "at", "said"),
    [
        (zipfile.ZIP_DEFLATED, 0, "Error -3 while decompressing data"),
        (zipfile.ZIP_BZIP2, 12, "Invalid data stream"),
        (zipfile.ZIP_LZMA, 12, "Corrupt input data"),
    ],
)
def test_a_packed_member_that_is_damaged_can_be_left_out(
    tmp_path: Path, packing: int, at: int, said: str
) -> None:
    path = write_zip(tmp_path / "photos.zip", published(), packing)
    content = bytearray(path.read_bytes())
    packed = content.index(b"train/cat/0.png") + len("train/cat/0.png")
    content[packed + at : packed + at + 12] = b"\xff" * 12
    path.write_bytes(content)
    assert f"(train/cat/0.png: cannot be unpacked: {said}" in fault_of(path)
    assert len(open_part(ref(path, skip_broken=True), "train")) == 5


def test_a_packing_that_this_python_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "photos.zip", published(), zipfile.ZIP_LZMA)
    monkeypatch.setattr(zipfile, "lzma", None)
    text = fault_of(path)
    assert "10 of 10 image files cannot be decoded" in text
    assert "cannot be unpacked: Compression requires the (missing) lzma module" in text


def zip_with(tmp_path: Path, record: bytes, offset: int, value: int) -> Path:
    """A .zip with one number of two bytes changed in every record of a kind."""
    content = bytearray(write_zip(tmp_path / "photos.zip", published()).read_bytes())
    for found in re.finditer(re.escape(record), bytes(content)):
        content[found.start() + offset : found.start() + offset + 2] = value.to_bytes(2, "little")
    path = tmp_path / "changed.zip"
    path.write_bytes(content)
    return path


def test_a_way_of_packing_that_is_not_known(tmp_path: Path) -> None:
    path = zip_with(tmp_path, b"PK\x01\x02", 10, 99)
    text = fault_of(path)
    assert "10 of 10 image files cannot be decoded" in text
    assert "cannot be unpacked: That compression method is not supported" in text


def test_a_zip_of_a_kind_that_is_not_known(tmp_path: Path) -> None:
    path = zip_with(tmp_path, b"PK\x01\x02", 6, 99)
    text = fault_of(path)
    assert "is not a whole .zip: zip file version 9.9." in text
    assert "Make it or fetch it again." in text


def test_a_file_that_cannot_be_read_is_not_a_broken_image(tmp_path: Path) -> None:
    source = open_source(write_folder(tmp_path, published()))
    assert "train/cat/0.png" in source.listing.files
    (tmp_path / "train" / "cat" / "0.png").unlink()  # meanwhile
    with pytest.raises(DataError, match=r"0\.png: cannot be read"):
        source.read("train/cat/0.png")


def test_a_link_to_nothing_can_be_left_out(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, published())
    (folder / "train" / "cat" / "gone.png").symlink_to(tmp_path / "nowhere")
    assert "(train/cat/gone.png: is a link to nothing (" in fault_of(folder)
    assert len(open_part(ref(folder, skip_broken=True), "train")) == 6


def test_bombs_are_broken_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "a", published() | {"train/cat/big.png": picture(1, (90, 90))})
    with monkeypatch.context() as patched:
        patched.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
        with pytest.raises(DataError, match=r"train/cat/big\.png: too large to be decoded safely"):
            facts_of(ref(folder))
        assert len(open_part(ref(folder, skip_broken=True), "train")) == 6
        (entry,) = facts_of(ref(folder, skip_broken=True)).left_out
        assert (entry.suffix, entry.number) == (".png", 1)


def test_many_large_files_are_decoded_side_by_side_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SMALL", 0)
    monkeypatch.setattr(stream, "num_threads", lambda: 4)
    monkeypatch.setattr(image_files, "CHUNK", 1)
    many = write_folder(tmp_path / "photos", published(num=40))
    pixels = open_part(ref(many), "train").pixels
    monkeypatch.undo()
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "another"))
    same = write_zip(tmp_path / "photos.zip", published(num=40))
    assert (open_part(ref(same), "train").pixels == pixels).all()


def test_decoding_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "CHUNK", 1)
    photos = write_folder(tmp_path / "photos", published(num=20))
    heard: list[Progress] = []
    with listening(heard.append):
        open_part(ref(photos), "train")
    told = [(one.what, one.done, one.num) for one in heard if one.what == "decoding images"]
    assert told == [("decoding images", done, 40) for done in (16, 32, 40)]
    assert {one.place for one in heard} == {photos}
    assert heard[-1].seconds_left == 0
    with listening(heard.append):
        facts_of(ref(photos))
        open_part(ref(photos), "train")
    assert len(heard) == 3 + len([one for one in heard if one.what == "reading image files"])


def test_reading_files_that_takes_long_says_how_far_it_is(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(progress, "REPORT_EVERY", 0.0)
    monkeypatch.setattr(file_facts, "CHUNK", 16)
    photos = write_folder(tmp_path / "photos", published(num=20))  # 40 for training
    study = tmp_path / "study.toml"
    tasks = "".join(
        f'[tasks.{task}]\ndataset = "{photos}"\nsplit = {{ take = [{first}, {first + 0.5}] }}\n'
        for task, first in (("source", 0.0), ("target", 0.5))
    )
    study.write_text(f'name = "photos"\nnetwork = "mlp-small"\n{tasks}[training]\nupdates = 9\n')
    first, second = call("plan", study), call("plan", study)
    assert (first.status, second.status) == (0, 0), first.err
    said = r"headstart: reading image files, once: (\d+) of 44 in (.+), about 0 s left"
    told = re.findall(said, first.err)
    assert told == [(str(done), str(photos)) for done in (16, 32)]
    assert "reading" not in second.err


def test_what_was_done_before_does_not_count_as_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.0, 102.0, 104.0])
    heard: list[Progress] = []
    work = Progress(what="decoding images", place=Path("photos"), num=100, done=80)
    with listening(heard.append), monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: next(times))
        report = progress.reporting(work)
        report(90)
        report(100)
    assert [(one.done, one.seconds_left) for one in heard] == [(90, 2.0), (100, 0.0)]
