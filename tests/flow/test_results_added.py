"""`hs.Results`: arrays of any library, saved run by run, judged in memory and from the file."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headstart as hs
from headstart.flow import JudgeOptions, judge

LABELS = np.arange(40) % 4


def answers(arm: str, seed: int, accuracy: float) -> np.ndarray:
    random = np.random.default_rng([seed, len(arm)])
    return np.where(random.random(40) < accuracy, LABELS, (LABELS + 1) % 4)


def filled(path: Path, **given: Any) -> hs.Results:
    results = hs.Results(path, control="scratch", **given)
    for arm, accuracy in (("scratch", 0.5), ("frozen", 0.9)):
        for seed in range(4):
            results.add(
                arm=arm, seed=seed, labels=LABELS, answers=answers(arm, seed, accuracy), size=100
            )
    return results


def test_runs_are_judged_in_memory_as_from_the_file(tmp_path: Path) -> None:
    results = filled(tmp_path / "r.jsonl")
    analysis = results.judge()
    assert " ".join(str(analysis).split()).startswith(analysis.headline)
    (c,) = analysis.comparisons
    assert (c.verdict, c.num_images, c.seeds) == ("helps", 100, (0, 1, 2, 3))
    read = judge(str(tmp_path / "r.jsonl"), JudgeOptions(control="scratch")).analysis
    assert [asdict(one) for one in read.comparisons] == [asdict(c)]


def test_every_run_is_in_the_file_before_add_returns(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    results = hs.Results(path, control="scratch")
    results.add(arm="scratch", seed=0, labels=LABELS, answers=LABELS)
    assert json.loads(path.read_text())["arm"] == "scratch"
    again = hs.Results(path, control="scratch")  # another process goes on
    again.add(arm="full", seed=0, labels=LABELS, answers=LABELS)
    assert [run["arm"] for run in hs.Results(path).runs] == ["scratch", "full"]


def test_a_line_that_a_crash_has_torn_costs_that_run_alone(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    results = hs.Results(path, control="scratch")
    assert (len(results.runs), results.torn) == (7, 1)
    results.add(arm="frozen", seed=3, labels=LABELS, answers=answers("frozen", 3, 0.9), size=100)
    assert len(hs.Results(path).runs) == 8
    assert results.judge().comparisons == filled(tmp_path / "o.jsonl").judge().comparisons


def test_the_command_leaves_out_a_torn_line_too_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    filled(path)
    path.write_bytes(path.read_bytes()[:-100])
    from_file = judge(str(path), JudgeOptions(control="scratch"))
    results = hs.Results(path, control="scratch")
    in_memory = results.judged(margin=1.0, metric="accuracy")
    assert from_file.analysis.comparisons == in_memory.analysis.comparisons
    note = f"{path}: a line is left out, which a crash has cut off"
    assert note in from_file.notes
    assert note in in_memory.notes
    unbroken = filled(tmp_path / "o.jsonl").judged(margin=1.0, metric="accuracy")
    assert not [one for one in unbroken.notes if "left out" in one]


TWO = np.arange(6) % 2
ONE_COLUMN: dict[str, tuple[Any, list[int]]] = {
    "labels of Keras's CIFAR-10": (LABELS[:6, None].astype(np.uint8), [0, 1, 2, 3, 0, 1]),
    "classes as floats": (LABELS[:6, None].astype(np.float32), [0, 1, 2, 3, 0, 1]),
    "probabilities of the second": (0.2 + 0.4 * TWO[:, None], TWO.tolist()),
    "logits of the second": (0.3 * TWO[:, None] - 0.1, TWO.tolist()),
}


@pytest.mark.parametrize(("given", "classes"), ONE_COLUMN.values(), ids=ONE_COLUMN)
def test_one_column_is_classes_or_scores_of_the_second(
    given: np.ndarray, classes: list[int], tmp_path: Path
) -> None:
    results = hs.Results(tmp_path / "r.jsonl")
    results.add(arm="scratch", seed=0, labels=LABELS[:6], answers=given)
    assert results.runs[0]["answers"] == classes


class Column:
    """A column of a frame of pandas or polars, as far as it is used."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def to_numpy(self) -> np.ndarray:
        return self.values


SHARES = np.eye(4)[LABELS] * 0.7 + 0.075
GIVEN: dict[str, Any] = {
    "numpy": LABELS,
    "list": LABELS.tolist(),
    "torch": torch.tensor(LABELS),
    "torch, on its way": torch.tensor(SHARES, requires_grad=True),
    "half precision": torch.tensor(SHARES, dtype=torch.bfloat16),
    "batches of logits": [torch.tensor(SHARES[:30]) - 1, torch.tensor(SHARES[30:]) - 1],
    "one-hot": np.eye(4)[LABELS],
    "frame": Column(LABELS),
    "floats": LABELS.astype(np.float32),
    "names": [f"class {label}" for label in LABELS],
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_arrays_of_any_library(given: Any, tmp_path: Path) -> None:
    results = hs.Results(tmp_path / "r.jsonl", control="scratch")
    labels = given if isinstance(given, list) and isinstance(given[0], str) else LABELS
    results.add(arm="scratch", seed=0, labels=labels, answers=given)
    (run,) = results.runs
    assert run["answers"] == run["labels"]


def test_jax_and_tensorflow_arrays_are_arrays(tmp_path: Path) -> None:
    class OfAnotherLibrary:
        """What numpy is given by libraries with `__array__`."""

        def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
            return LABELS

    results = hs.Results(tmp_path / "r.jsonl")
    results.add(arm="scratch", seed=0, labels=LABELS, answers=OfAnotherLibrary())
    assert results.runs[0]["answers"] == LABELS.tolist()


def test_probabilities_are_kept_under_the_names_of_classes(tmp_path: Path) -> None:
    results = hs.Results(tmp_path / "r.jsonl", control="a", classes=["n", "e", "s", "w"])
    for arm in "ab":
        results.add(arm=arm, seed=0, labels=LABELS, answers=SHARES)
    assert results.runs[0]["labels"][:4] == ["n", "e", "s", "w"]
    assert results.runs[0]["p_n"][0] == 0.775
    analysis = results.judge()
    assert analysis.arms[0].nll == pytest.approx(-np.log(0.775), abs=1e-5)


def test_the_same_run_twice_is_one_and_another_one_is_refused(tmp_path: Path) -> None:
    results = filled(tmp_path / "r.jsonl")
    results.add(arm="scratch", seed=0, labels=LABELS, answers=answers("scratch", 0, 0.5), size=100)
    assert len(results.runs) == 8
    with pytest.raises(hs.DataError, match="scratch, seed 0 was added before, with other answers"):
        results.add(arm="scratch", seed=0, labels=LABELS, answers=LABELS, size=100)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"answers": LABELS[:7]}, "40 labels, 7 answers. Expected as many of each"),
        ({"answers": LABELS / 7}, "answers are fractions, such as 0.142857"),
        ({"answers": np.zeros((40, 2, 2))}, r"answers have the shape \(40, 2, 2\)"),
        ({"labels": [], "answers": []}, "there are no labels"),
        ({"answers": LABELS + 1}, "answers hold the class 4, beyond the 4 that are named"),
    ],
)
def test_what_is_no_answer_is_refused(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    results = hs.Results(tmp_path / "r.jsonl", classes=["a", "b", "c", "d"])
    with pytest.raises(hs.DataError, match=message):
        results.add(**{"arm": "a", "seed": 0, "labels": LABELS, **given})
    assert not (tmp_path / "r.jsonl").exists()


def test_without_a_run_there_is_nothing_to_judge(tmp_path: Path) -> None:
    with pytest.raises(hs.DataError, match="no run was added yet"):
        hs.Results(tmp_path / "r.jsonl").judge()
    (tmp_path / "other.jsonl").write_text('{"arm": "a", "accuracy": 0.5}\n')
    with pytest.raises(hs.DataError, match="line 1: holds no run"):
        hs.Results(tmp_path / "other.jsonl")


def test_trainings_side_by_side_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"

    def train(arm: str) -> None:
        results = hs.Results(path, control="0")
        for seed in range(10):
            results.add(arm=arm, seed=seed, labels=np.arange(5000) % 4, answers=np.zeros(5000, int))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(train, "0123"))
    results = hs.Results(path)
    assert (len(results.runs), results.torn) == (40, 0)
