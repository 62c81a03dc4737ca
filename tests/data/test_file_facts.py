"""Image trees are known by the hashes of their files, each of which is measured once."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tiny_images import picture, published, saved, write_folder, write_zip
from tiny_sets import alone as alone
from tiny_sets import ref

from headstart.data import datasets
from headstart.data.datasets import facts_of, open_part
from headstart.data.formats import file_facts, image_files
from headstart.data.formats.archives import open_source
from headstart.data.formats.file_facts import content_of
from headstart.data.formats.file_facts import file_facts as measured
from headstart.study.decoding import Decoding

pytestmark = pytest.mark.usefixtures("alone")


def lines(tmp_path: Path) -> list[str]:
    """Names of the files that were measured, in that order."""
    (path,) = (tmp_path / "cache" / "files").glob("*.jsonl")
    return [json.loads(line)[0] for line in path.read_text().splitlines() if line]


def photo_sets(tmp_path: Path) -> list[Path]:
    """What is cached of whole sets."""
    return list((tmp_path / "cache" / "photos").glob("*.npz"))


def test_the_content_is_that_of_the_files(tmp_path: Path) -> None:
    files = published()
    folder = write_folder(tmp_path / "photos", files)
    entries = [
        (name.split("/")[0], name, hashlib.sha256(files[name]).hexdigest(), name.split("/")[1])
        for name in files
    ]
    assert facts_of(ref(folder)).content == content_of(entries)
    assert content_of(reversed(entries)) == content_of(entries)


def test_the_content_hash_of_image_files_stands() -> None:
    # It enters the keys of steps: another value would make every old store useless.
    stands = "b57a262c74fe80a602fef33e972f474dbbf905c5425c84c41deac813c037fa14"
    assert content_of([("train", "train/cat/a.jpg", "0" * 64, "cat")]) == stands


Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "bytes": lambda folder: (folder / "train/cat/0.png").write_bytes(picture(99)),
    "name": lambda folder: (folder / "train/cat/0.png").rename(folder / "train/cat/x.png"),
    "label": lambda folder: (folder / "train/cat/0.png").rename(folder / "train/dog/x.png"),
    "part": lambda folder: (folder / "test/cat/0.png").rename(folder / "train/cat/x.png"),
    "one less": lambda folder: (folder / "train/cat/0.png").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_all_that_makes_a_data_set_is_in_its_content(tmp_path: Path, change: Change) -> None:
    folder = write_folder(tmp_path / "photos", published())
    before = facts_of(ref(folder)).content
    change(folder)
    assert facts_of(ref(folder)).content != before


def test_the_content_does_not_depend_on_how_images_are_decoded(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published())
    refs = [
        ref(folder),
        ref(folder, size=(2, 2)),
        ref(folder, colour="grey"),
        ref(folder, size=(2, 2), fit="crop", interpolation="bicubic"),
        ref(folder, skip_broken=True),
    ]
    assert len({facts_of(one).content for one in refs}) == 1
    assert [facts_of(one).name for one in refs] == [str(one) for one in refs]


def test_an_added_photo_costs_only_itself(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published())
    facts_of(ref(folder))
    assert len(lines(tmp_path)) == 10
    write_folder(folder, {"train/cat/new.png": picture(77)})
    assert facts_of(ref(folder)).train_counts == (4, 3)
    assert lines(tmp_path)[10:] == ["train/cat/new.png"]
    path = folder / "train/cat/0.png"
    os.utime(path, ns=(0, 5))  # it may have been changed
    facts_of(ref(folder))
    assert lines(tmp_path)[11:] == ["train/cat/0.png"]
    for skip in (True, True):  # once to find what headers do not show
        facts_of(ref(folder, skip_broken=skip))
    assert len(lines(tmp_path)) in (11, 23)


def test_a_pass_that_was_killed_goes_on(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published())
    facts = facts_of(ref(folder))
    (path,) = (tmp_path / "cache" / "files").glob("*.jsonl")
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    for cached in (*(tmp_path / "cache" / "facts").iterdir(), *photo_sets(tmp_path)):
        cached.unlink()
    datasets.forget()
    assert facts_of(ref(folder)) == facts
    text = path.read_text()
    assert text.startswith(whole[: len(whole) // 2] + "\n")
    assert len(text) < len(whole) + 200


@pytest.mark.parametrize("how", ["torn", "empty", "other", "strange"])
def test_what_is_cached_of_a_set_is_read_or_made_again(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = published() | {"train/cat/é\udce9.png": picture(8), "notes.txt": b""}
    folder = write_folder(tmp_path / "photos", files)
    before = open_part(ref(folder), "train")
    (path,) = photo_sets(tmp_path)
    whole = path.read_bytes()
    datasets.forget()
    with monkeypatch.context() as patched:
        patched.setattr(image_files, "labelled_files", None)  # not looked at again
        again = open_part(ref(folder), "train", limit=0)
    assert again.streamed
    assert (next(again.batches(99)) == before.pixels).all()
    assert (again.labels == before.labels).all()
    changed = {"torn": whole[:-50], "empty": b"", "other": bytes(len(whole)), "strange": b"PK"}
    path.write_bytes(changed[how])
    datasets.forget()
    assert (open_part(ref(folder), "train").pixels == before.pixels).all()
    assert path.read_bytes() == whole


def test_a_cache_full_of_files_that_are_gone_is_written_anew(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published(num=20))
    facts_of(ref(folder))
    for number in range(2, 20):
        for label in ("cat", "dog"):
            (folder / "train" / label / f"{number}.png").unlink(missing_ok=True)
    for path in sorted((folder / "train" / "dog").iterdir())[2:]:
        path.unlink()
    write_folder(folder, {"train/cat/new.png": picture(77)})
    facts = facts_of(ref(folder))
    assert len(lines(tmp_path)) == sum(facts.train_counts + facts.test_counts)


def test_members_of_an_archive_are_as_old_as_the_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "photos.zip", published())
    facts_of(ref(path))
    source = open_source(path)
    assert {changed for _, changed in source.listing.files.values()} == {path.stat().st_mtime_ns}
    assert len(lines(tmp_path)) == 10
    os.utime(path, ns=(0, 5))
    facts_of(ref(path))
    assert len(lines(tmp_path)) in (10, 20)  # those of the older archive may have been dropped


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [None, 1, 3, 6, 8])
def test_headers_are_upright(tmp_path: Path, kind: str, orientation: int | None) -> None:
    image = Image.new("RGB", (9, 5))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    folder = write_folder(tmp_path, {"a.jpg": saved(image, kind, exif=exif)})
    (facts,) = measured(open_source(folder), ["a.jpg"])
    turned = orientation in (6, 8)
    assert (facts.height, facts.width) == ((9, 5) if turned else (5, 9))
    assert facts.mode == "RGB"


def test_what_all_images_have_in_common(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published())
    same = facts_of(ref(folder))
    assert (same.shape, same.sizes, same.modes) == ((4, 5, 3), ((4, 5), (4, 5)), ("RGB",))
    assert same.from_files
    write_folder(folder, {"test/cat/x.png": picture(1, (9, 3))})
    write_folder(folder, {"test/cat/y.png": picture(1, mode="L")})
    mixed = facts_of(ref(folder))
    assert (mixed.shape, mixed.sizes) == (None, ((4, 3), (9, 5)))
    assert mixed.modes == ("L", "RGB")
    assert mixed.image_shape(Decoding(size=(8, 8), colour="rgb")) == (8, 8, 3)
    assert mixed.image_shape(Decoding(size=(8, 8))) is None
    assert mixed.image_shape(Decoding(colour="grey")) is None
    assert not facts_of(ref("mnist-mini")).from_files
    assert facts_of(ref("mnist-mini")).image_shape(Decoding()) == (28, 28, 1)


def test_headers_are_read_without_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "photos", published(kind="JPEG", size=(40, 40)))

    def never(image: Image.Image) -> None:
        raise AssertionError("decoded")

    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "load", never)
        facts = facts_of(ref(folder))
    assert facts.shape == (40, 40, 3)
    assert open_part(ref(folder), "test").shape == facts.shape


def test_the_cache_is_shared_by_studies_of_other_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "photos", published())
    facts_of(ref(folder))

    def never(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(file_facts, "_measure", never)
    datasets.forget()
    assert facts_of(ref(folder, size=(2, 2))).train_counts == (3, 3)
    assert open_part(ref(folder, size=(2, 2)), "train").shape == (2, 2, 3)
