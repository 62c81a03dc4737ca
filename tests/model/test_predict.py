"""`headstart predict`: files decoded as in training, every form of output, broken images named."""

import csv
import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from trained import trained

import headstart as hs
from commands import Call, refused
from headstart.core.errors import DataError
from headstart.data.datasets import open_part
from headstart.data.formats.image_files import photo_set
from headstart.data.formats.label_place import Place
from headstart.data.progress import Progress, listening
from headstart.flow import open_model
from headstart.store.store import Store
from headstart.study.tasks import DataRef
from photos import photo_folder, photo_study


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photo_folder(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def folder(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(photo_study(photos), tmp_path_factory.mktemp("models") / "store")


def test_test_files_get_what_the_predict_step_stored(photos: Path, folder: Path) -> None:
    predictor = hs.load_model("photos", store=folder)
    names = photo_set(Place(root=photos), "", None, DataRef(dataset="photos")).parts["test"].names
    found = list(predictor.predict([photos / name for name in names]))
    (trial,) = open_model(folder, "photos").images.plan.trials
    with Store(folder, reading=True) as store:
        stored = store.arrays(trial.predict_key)["probabilities"]
    given = [[one.probabilities[name] for name in predictor.classes] for one in found]
    np.testing.assert_array_equal(np.array(given, np.float32), stored)
    assert [one.file for one in found] == [str(photos / name) for name in names]
    assert all(
        max(one.probabilities.values()) == one.probabilities[one.class_name] for one in found
    )
    cropped = DataRef(dataset=str(photos), size=(16, 16), colour="rgb", fit="crop", crop=1.0)
    part = open_part(cropped, "test")
    np.testing.assert_array_equal(predictor.probabilities(part.pixels), stored)


def test_a_folder_and_its_zip_are_predicted_alike_and_in_order(
    photos: Path, folder: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "test.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted((photos / "test").rglob("*.*")):
            packed.write(path, path.relative_to(photos / "test"))
    predictor, heard = hs.load_model("photos", store=folder), list[Progress]()
    with listening(heard.append):
        loose = list(predictor.predict(photos / "test"))
    packed_ones = list(predictor.predict(archive))
    assert [one.file for one in loose] == sorted(one.file for one in loose)
    assert [one.probabilities for one in loose] == [one.probabilities for one in packed_ones]
    assert packed_ones[0].file == f"{archive}/{Path(loose[0].file).relative_to(photos / 'test')}"
    assert heard[-1].text.startswith(f"predicting: 16 of 16 in {photos / 'test'}, about ")


def test_the_table_says_which_model_and_how_far_to_trust_it(
    call: Call, photos: Path, folder: Path
) -> None:
    image = photos / "test" / "light" / "07.png"
    ended = call("predict", "photos", image, "--store", folder)
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    which = "scratch of study 'photos' (source to target), 24 training images, seed 0"
    assert lines[0] == f"Model: {which}."
    assert lines[1].startswith("Chosen: validation prefers scratch with 24 images (")
    assert lines[2].startswith("Accuracy on 16 test images: ")
    assert "expected calibration error" in lines[3]
    assert lines[5].split() == ["image", "class", "%", "runner-up,", "%"]
    assert lines[6].startswith(str(image)) or "…" in lines[6]
    assert len(lines) == 7


def test_json_and_csv_hold_every_class(call: Call, photos: Path, folder: Path) -> None:
    given = ("predict", "photos", photos / "test" / "dark", "--store", folder)
    document = json.loads(call(*given, "--json").out)
    assert document["classes"] == ["dark", "light"]
    assert document["model"]["arm"] == "scratch"
    assert document["model"]["why"].startswith("validation prefers scratch")
    rows = list(csv.DictReader(io.StringIO(call(*given, "--csv").out)))
    for row, prediction in zip(rows, document["predictions"], strict=True):
        assert row["file"] == prediction["file"]
        assert row["class"] == prediction["class"]
        assert {row["class"]: float(row["probability"])}.items() <= prediction[
            "probabilities"
        ].items()
        for name, probability in prediction["probabilities"].items():
            assert float(row[f"p({name})"]) == probability


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
def test_a_broken_image_is_named_and_the_rest_is_predicted(
    call: Call, photos: Path, folder: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    place = tmp_path / "some"
    shutil.copytree(photos / "test" / "dark", place)
    (place / "03.jpg").write_bytes(b"no image")
    whole = (place / "05.png").read_bytes()
    (place / "05.png").write_bytes(whole[: len(whole) // 2])
    ended = call("predict", "photos", place, "--store", folder, *form)
    assert ended.status == 3
    assert ended.err.startswith(f"headstart: {place / '03.jpg'}: not an image\n")
    assert f"headstart: {place / '05.png'}: " in ended.err
    assert len(ended.err.splitlines()) == 2
    for line in ("07.png", "04.png"):
        assert line in ended.out


def test_paths_that_cannot_be_predicted_are_refused_together(
    call: Call, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image")
    refused(
        call("predict", "photos", tmp_path / "empty", tmp_path / "gone.jpg", "--store", folder),
        f"{tmp_path / 'empty'} holds no image files (of 1 files). Image files end in .jpg, ",
        f"{tmp_path / 'gone.jpg'} is not there. Expected an image, a folder or an archive of ",
    )


def test_models_that_are_not_there_are_refused(
    call: Call, photos: Path, folder: Path, tmp_path: Path
) -> None:
    image = photos / "test" / "light" / "07.png"
    refused(
        call("predict", "photo", image, "--store", folder),
        f"study 'photo' is not in the store {folder}. Known: photos. Did you mean 'photos'?",
    )
    refused(
        call("predict", "photos", image, "--store", folder, "--arm", "scrach"),
        "the model of study 'photos' has 1 problem:\n  1. arm 'scrach' is not known.",
        "Known: best, scratch.\n     Did you mean 'scratch'?",
    )
    refused(
        call("predict", "photos", image, "--store", tmp_path / "nowhere"),
        f"there is no store at {tmp_path / 'nowhere'}. Run a study first",
    )
    refused(
        call("predict", "photos", image, "--store", folder, "--json", "--csv"),
        "--json and --csv are two forms of one output: give one of them.",
    )


def test_python_refuses_what_the_command_refuses(folder: Path, tmp_path: Path) -> None:
    predictor = hs.load_model("photos", store=folder)
    with pytest.raises(DataError, match="is not there"):
        predictor.predict([tmp_path / "gone.jpg"])
    assert list(predictor.predict([])) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_that_may_not_be_read_is_named(folder: Path, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos / "test" / "dark", tmp_path / "some")
    (tmp_path / "some" / "03.jpg").chmod(0)
    found = list(hs.load_model("photos", store=folder).predict(tmp_path / "some"))
    assert [one.broken for one in found if one.broken] == ["cannot be read: Permission denied"]
