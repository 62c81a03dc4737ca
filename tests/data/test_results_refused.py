"""Results that cannot be judged: what is wrong, what is needed, what to do, all at once."""

import time
from pathlib import Path
from typing import Any

import pytest

from headstart.core.errors import DataError
from headstart.data.results.opening import open_results
from result_files import ARMS, rows_of, written


def refusal(path: Path | str, **columns: str) -> str:
    with pytest.raises(DataError) as refused:
        open_results(str(path), columns)  # type: ignore[arg-type]
    return str(refused.value)


def test_missing_columns_are_named_all_at_once_with_the_nearest(tmp_path: Path) -> None:
    rows = [{"methode": "a", "seed": 0, "image": 1, "wahrheit": "x"}]
    text = refusal(written(tmp_path / "r.csv", rows))
    for part in (
        "1. no column is known to be the arm",
        "2. no column is known to be the label",
        "3. no column is known to be the answer",
        "Found: 'methode', 'seed', 'image', 'wahrheit'.",
        "Is it 'methode'? Name it: --column arm=NAME.",
        "Known names: 'arm', 'method', 'model'",
    ):
        assert part in text


def test_a_column_that_is_named_and_not_there(tmp_path: Path) -> None:
    text = refusal(written(tmp_path / "r.csv", rows_of(ARMS)), label="lable")
    assert "--column label=lable: there is no column 'lable'." in text
    assert "Did you mean 'label'?" in text


def test_two_answers_of_a_run_to_an_image(tmp_path: Path) -> None:
    rows = list(rows_of(ARMS))
    text = refusal(written(tmp_path / "r.csv", [*rows, *rows[:3]]))
    assert "3 answers are to an image that the same run has answered before" in text
    assert "scratch, seed 0: '0.jpg'; scratch, seed 0: '1.jpg'" in text
    assert "--column seed=NAME" in text


def test_images_with_two_labels(tmp_path: Path) -> None:
    rows = list(rows_of(ARMS))
    rows[70] = {**rows[70], "label": "emu"}
    rows[9] = {**rows[9], "label": "emu"}
    text = refusal(written(tmp_path / "r.csv", rows))
    assert "2 of 60 images have two labels: '9.jpg' ('owl', 'emu')" in text


def test_empty_cells_are_counted(tmp_path: Path) -> None:
    rows = list(rows_of(ARMS))
    rows[0] = {**rows[0], "answer": ""}
    rows[1] = {**rows[1], "answer": "nan", "arm": " "}
    text = refusal(written(tmp_path / "r.csv", rows))
    assert "1. 1 of 480 rows name no arm." in text
    assert "2. 2 of 480 rows name no answer ('nan' counts as empty)." in text


def test_images_without_names_must_be_in_one_order(tmp_path: Path) -> None:
    rows = [
        {"arm": arm, "seed": 0, "label": label, "answer": "a"}
        for arm, labels in (("scratch", "aab"), ("full", "aba"))
        for label in labels
    ]
    text = refusal(written(tmp_path / "r.csv", rows))
    assert "no column names the image, and the rows of a run are not the same images" in text


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty."),
        (b"arm,seed,image,label,answer\n", "the results have no rows"),
        (b"arm,seed,accuracy\na,0,0.5\nb,0,good\n", "column 'accuracy': 'good' is no number."),
        (b"arm,seed,accuracy\na,0,150\nb,0,0.2\n", "such as 150 are no shares"),
        (b"arm,seed,accuracy\na,0,0.2\na,0,0.3\n", "more than one row of the same run: a, seed 0"),
        (b"arm,seed,accuracy\na,0,\nb,0,0.2\n", "1 of 2 runs have no accuracy."),
        (b"arm,seed,image,label,answer\na,0,1,x,x\na,0,2\n", "has 3 cells."),
        (b"\x00\x01\x02\x03", "no column is known to be the arm"),
    ],
)
def test_files_that_hold_no_results(content: bytes, part: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    assert part in refusal(path)


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("r.jsonl", b'{"arm": "a"}\n{"arm"', "line 2 is no JSON"),
        ("r.json", b"[1, 2]", "holds no objects."),
        ("r.npz", b"nothing", "cannot be read"),
        ("r.xlsx", b"PK", "has the suffix '.xlsx'."),
        ("missing.csv", None, "is not there."),
    ],
)
def test_files_of_other_kinds(name: str, content: bytes | None, part: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert part in refusal(tmp_path / name)


def test_files_of_a_pattern_must_have_the_same_columns(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"path": "1", "label": "a", "pred": "a"}]
    written(tmp_path / "scratch.csv", rows, ("path", "label", "answer"))
    written(tmp_path / "full.csv", rows)
    text = refusal(f"{tmp_path}/{{arm}}.csv")
    assert "scratch.csv: has no column 'pred', which other files have." in text


def test_a_hundred_thousand_rows_take_a_second(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    with path.open("w") as file:
        file.write("arm,seed,image,label,answer\n")
        for arm in ("scratch", "full"):
            for seed in range(5):
                file.write(
                    "".join(f"{arm},{seed},{i}.jpg,{i % 7},{i % 5}\n" for i in range(10_000))
                )
    started = time.process_time()
    assert len(open_results(str(path), {}).runs) == 10
    assert time.process_time() - started < 2.0
