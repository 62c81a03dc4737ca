"""`headstart judge` as it is called: what is printed where, files, templates, refusals."""

import json
from pathlib import Path
from typing import get_args

import jsonschema
import numpy as np
import pytest
from PIL import Image

from commands import Call, refused
from headstart.flow.templates import Tool
from headstart.report.document import schema
from result_files import ARMS, LABELS, rows_of, written

TOOLS = get_args(Tool)


@pytest.fixture
def results(tmp_path: Path) -> str:
    return written(
        tmp_path / "answers.csv", rows_of(ARMS), ("method", "run", "path", "y_true", "y_pred")
    )


def test_what_was_understood_goes_to_stderr_and_the_verdict_to_stdout(
    call: Call, results: str
) -> None:
    ended = call("judge", results)
    assert ended.status == 0
    assert ended.err.splitlines() == [
        "headstart: columns taken as arm = 'method', seed = 'run', image = 'path', label = "
        "'y_true', answer = 'y_pred'",
        "headstart: control: 'scratch', by its name (another one: --control NAME)",
    ]
    assert ended.out.startswith("In these results frozen is right ")
    for part in ("▲ helps", "Nothing was trained", f"Repeat: headstart judge {results}"):
        assert part in ended.out
    for part in ("headstart predict", "headstart export", "transfer arms", "later looks"):
        assert part not in ended.out
    assert list(Path.cwd().iterdir()) == []


def test_files_and_the_document(call: Call, results: str, tmp_path: Path) -> None:
    page, folder = tmp_path / "page.html", tmp_path / "tables"
    ended = call(
        "judge", results, "--html", page, "--csv", folder, "--json", "--control", "scratch"
    )
    document = json.loads(ended.out)
    jsonschema.validate(document, schema())
    assert document["from_elsewhere"]
    assert document["comparisons"][0]["basis"] == "seeds and images, both paired"
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert (folder / "comparisons.csv").read_text().count("\n") == 2


def test_images_are_an_option_that_may_be_repeated(call: Call, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for at, label in enumerate(LABELS):
        for part, pixels in (("test", draw.integers(0, 256, (9, 9), np.uint8)),
                             ("train", draw.integers(0, 256, (9, 9), np.uint8))):  # fmt: skip
            path = tmp_path / part / label / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    copy = tmp_path / "train" / LABELS[7] / "copy.png"
    copy.write_bytes((tmp_path / "test" / LABELS[7] / "7.png").read_bytes())
    rows = [{**r, "image": f"test/{r['image'].replace('jpg', 'png')}"} for r in rows_of(ARMS)]
    given = written(tmp_path / "answers.csv", rows)
    places = ["--images", tmp_path / "train", "--images", tmp_path / "test"]
    ended = call("judge", given, *places, "--json")
    assert [one["other"] for one in json.loads(ended.out)["given_copies"]] == [
        f"train/{LABELS[7]}/copy.png"
    ]
    assert "1 of 60 test images has a copy among 61 other images" in ended.err
    assert "decoding" not in ended.out
    refused(call("judge", given, "--images", tmp_path / "none"), "none: is not there.")


def test_columns_control_metric_and_margin_are_options(call: Call, results: str) -> None:
    ended = call(
        "judge", results, "--column", "label=y_true", "--control", "frozen", "--json",
        "--margin", "2.5", "--metric", "balanced_accuracy",
    )  # fmt: skip
    document = json.loads(ended.out)
    (comparison,) = document["comparisons"]
    assert (comparison["verdict"], comparison["margin_pp"]) == ("hurts", 2.5)
    assert document["metric"] == "balanced_accuracy"


@pytest.mark.parametrize("tool", TOOLS)
def test_templates_are_a_few_lines_of_python(call: Call, tool: str) -> None:
    ended = call("judge", "--template", tool)
    assert (ended.status, ended.err) == (0, "")
    compile(ended.out, tool, "exec")
    assert "results.add(" in ended.out
    assert len(ended.out.splitlines()) <= 9


def test_refusals(call: Call, results: str, tmp_path: Path) -> None:
    refused(call("judge", tmp_path / "none.csv"), "none.csv: is not there.", "or a pattern")
    refused(
        call("judge", results, "--column", "lable=x"),
        "--column: 'lable=x' names no role and column.",
        "Did you mean 'label'?",
    )
    refused(call("judge", results, "--control", "scrach"), "there is no arm 'scrach'")
    assert "Give a file of results, or --template TOOL" in call("judge").err
    locked = tmp_path / "file"
    locked.write_text("")
    refused(call("judge", results, "--csv", locked), f"--csv {locked} cannot be written")
