"""Paths in a study file lead from the folder of the file, wherever one stands."""

from pathlib import Path
from typing import Any

import pytest

import headstart as hs
from commands import Call, refused
from headstart.flow import load
from headstart.flow.study_paths import from_here
from photos import photo_folder
from studies import tiny_table
from study_files import write_study


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a study file and the photos that it speaks of."""
    folder = tmp_path / "project"
    photo_folder(folder / "photos")
    task = {"dataset": "./photos", "image": {"size": [16, 16], "colour": "rgb"}}
    tasks = {"source": task, "target": task}
    write_study(folder / "study.toml", tiny_table(tasks=tasks, sizes=["all"], network="cnn-tiny"))
    return folder


def other_photos(folder: Path) -> Path:
    """Photos of other classes under the same name."""
    photo_folder(folder / "photos")
    for part in ("train", "test"):
        (folder / "photos" / part / "dark").rename(folder / "photos" / part / "night")
    return folder


def test_photos_are_those_beside_the_study_file(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    elsewhere = other_photos(tmp_path / "elsewhere")
    monkeypatch.chdir(project)
    at_home = load("study.toml")
    assert at_home.study.tasks["target"].dataset == "./photos"
    monkeypatch.chdir(elsewhere)
    for given in ("../project/study.toml", project / "study.toml"):
        loaded = load(str(given))
        (known,) = loaded.facts.datasets.values()
        assert known.classes == ("dark", "light")
        assert known.place == str(project / "photos")
        assert known.content == at_home.facts.of(at_home.study.tasks["target"]).content
        planned = call("plan", given)
        assert f"  read from {project / 'photos'}\n" in planned.out
    assert hs.load(str(project / "study.toml")).tasks["target"].dataset == str(project / "photos")


def test_what_was_run_beside_the_file_is_found_again_from_elsewhere(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    few = ("--arms", "scratch", "--seeds", 1, "--workers", 1)
    monkeypatch.chdir(project)
    assert call("run", "study.toml", *few, "--store", "store").status == 0
    monkeypatch.chdir(tmp_path)
    planned = call("plan", "project/study.toml", *few, "--store", "project/store")
    assert "Everything is stored; a run only reports." in planned.out


def test_on_the_command_line_a_path_is_from_the_current_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.chdir(project)
    assert "read from" in call("plan", "./photos", "--minutes", 0.1).out


def test_a_path_to_nothing_says_where_it_leads_and_what_lies_there(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    (project / "photos").rename(project / "fotos")
    monkeypatch.chdir(other_photos(tmp_path))
    refused(
        call("plan", "project/study.toml"),
        f"{project / 'photos'}: no such folder.",
        "A relative path is from the folder of the study file",
        "Did you mean 'fotos'?",
    )


def test_files_of_networks_and_weights_are_from_the_folder_of_the_study(tmp_path: Path) -> None:
    (tmp_path / "vit").mkdir()
    (tmp_path / "photos").mkdir()
    table: dict[str, Any] = {
        "tasks": {
            "a": {"dataset": "photos"},
            "b": {"dataset": "mnist"},
            "c": {"dataset": "~/photos", "classes": ["./x"]},
            "d": {"dataset": "C:\\photos"},
            "e": {"dataset": 3},
            "f": "no table",
        },
        "sources": {
            "s": {"pretrained": "keras:./m.keras", "weights": "w.pth", "seen": "./seen"},
            "t": {"pretrained": {"kind": "timm", "name": "local-dir:net"}, "seen": "cifar10"},
            "u": {"pretrained": "hf:vit"},
            "v": {"pretrained": "hf:google/vit", "weights": "/there/w.pth"},
        },
        "network": "module:net.py:make",
    }
    at = str(tmp_path)
    assert from_here(table, tmp_path) == {
        "tasks": {
            **table["tasks"],
            "a": {"dataset": f"{at}/photos"},
        },
        "sources": {
            "s": {
                "pretrained": f"keras:{at}/m.keras",
                "weights": f"{at}/w.pth",
                "seen": f"{at}/seen",
            },
            "t": {"pretrained": {"kind": "timm", "name": f"local-dir:{at}/net"}, "seen": "cifar10"},
            "u": {"pretrained": f"hf:{at}/vit"},
            "v": {"pretrained": "hf:google/vit", "weights": "/there/w.pth"},
        },
        "network": f"module:{at}/net.py:make",
    }
    assert from_here({"network": "timm:resnet18"}, tmp_path) == {"network": "timm:resnet18"}
    assert from_here({"network": {"stages": []}}, tmp_path) == {"network": {"stages": []}}
    assert from_here(table, Path()) is table
