"""Files of results: columns known by their names, formats, patterns of paths."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from headstart.core.errors import DataError
from headstart.data.results.opening import open_results
from headstart.data.results.roles import roles_of
from headstart.data.results.runs import Results
from headstart.data.results.tabular import CsvSource
from result_files import ARMS, LABELS, answers_of, rows_of, written

TOOLS = {
    "plain": ("arm", "seed", "image", "label", "answer"),
    "by hand": ("Method", "Run", "Path", "Actual", "Predicted"),
    "scikit-learn": ("estimator", "random_state", "sample", "y_true", "y_pred"),
    "hf": ("model", "seed", "example_id", "label_ids", "predictions"),
    "loop": ("config", "trial", "file name", "ground-truth", "Pred"),
}


def shape(results: Results) -> list[tuple[str, str, int, int]]:
    return [
        (run.arm, run.size, run.seed, 0 if run.answers is None else len(run.answers))
        for run in results.runs
    ]


@pytest.mark.parametrize("names", TOOLS.values(), ids=TOOLS)
def test_columns_are_known_by_the_names_of_common_tools(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    results = open_results(written(tmp_path / "r.csv", rows_of(ARMS), names), {})
    assert shape(results) == [(arm, "", seed, 60) for arm in ARMS for seed in range(4)]
    assert results.classes == ("cat", "dog", "owl")
    assert results.notes[0].startswith("columns taken as arm")
    if names[0] != "arm":
        assert f"label = '{names[3]}'" in results.notes[0]


def test_images_are_left_out_of_every_run_and_some_must_stay(tmp_path: Path) -> None:
    results = open_results(written(tmp_path / "r.csv", rows_of(ARMS), TOOLS["plain"]), {})
    first, none, every = np.array([0]), np.array([], int), np.arange(60)
    fewer = results.without([first for _ in results.runs])
    assert fewer.images == results.images[1:]
    for before, after in zip(results.runs, fewer.runs, strict=True):
        assert before.labels is not None
        assert after.labels is not None
        assert after.images is not None
        assert np.array_equal(after.images, np.arange(59))
        assert np.array_equal(after.labels, before.labels[1:])
    with pytest.raises(
        DataError, match=f"left out of {results.runs[0].arm}, seed 0: .*Test on other images"
    ):
        results.without([every if at == 0 else none for at in range(len(results.runs))])


def test_a_column_that_is_not_used_is_named(tmp_path: Path) -> None:
    results = open_results(written(tmp_path / "r.csv", rows_of(ARMS, colour="red")), {})
    assert results.notes[0].endswith("; not used: 'colour'")


def test_a_column_is_what_the_user_says() -> None:
    names = ("arm", "seed", "image", "label", "gold", "answer")
    roles = roles_of(names, {"label": "gold"}, {})
    assert roles.columns["label"] == "gold"
    assert roles.unused == ("label",)


def test_a_score_beside_answers_is_counted_again() -> None:
    roles = roles_of(("arm", "label", "pred", "accuracy", "n"), {}, {})
    assert roles.answered
    assert roles.unused == ("accuracy", "n")


def test_paths_say_what_columns_do_not(tmp_path: Path) -> None:
    for arm, accuracy in ARMS.items():
        for size in (64, 96):
            for seed in (42, 123, 2024):
                folder = tmp_path / f"{arm}_batch_{size}_seed{seed}"
                folder.mkdir()
                rows = [
                    {"path": image, "actual": label, "predicted": answer}
                    for image, (label, answer) in enumerate(
                        zip(LABELS, answers_of(arm, seed, accuracy), strict=True)
                    )
                ]
                written(folder / "test_predictions.csv", rows)
    pattern = f"{tmp_path}/{{arm}}_{{size}}_seed{{seed}}/test_predictions.csv"
    results = open_results(pattern, {})
    assert results.arms == ("frozen_batch", "scratch_batch")
    assert results.sizes == ("64", "96")
    assert {run.seed for run in results.runs} == {42, 123, 2024}
    assert results.notes[0].startswith("12 files; arm: frozen_batch, scratch_batch; seed: 42")


def test_a_pattern_that_nothing_fits_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"no file fits the pattern.\n.*there is: a.csv"):
        open_results(f"{tmp_path}/runs/{{arm}}/predictions.csv", {})
    with pytest.raises(DataError, match=r"the pattern has \{sed\}.[\s\S]*Did you mean 'seed'"):
        open_results(f"{tmp_path}/runs/{{sed}}.csv", {})


def test_formats_give_the_same_runs(tmp_path: Path) -> None:
    rows = list(rows_of(ARMS))
    expected = open_results(written(tmp_path / "r.csv", rows), {})
    lines = tmp_path / "r.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    whole = tmp_path / "r.json"
    whole.write_text(json.dumps(rows))
    tabs = tmp_path / "r.tsv"
    tabs.write_text((tmp_path / "r.csv").read_text().replace(",", "\t"))
    np.savez(
        tmp_path / "r.npz",
        predicted=[answers_of(arm, seed, ARMS[arm]) for arm in ARMS for seed in range(4)],
        label=LABELS,
        image=[f"{image}.jpg" for image in range(60)],
        arm=np.repeat(list(ARMS), 4),
        seed=np.tile(np.arange(4), 2),
    )
    for path in (lines, whole, tabs, tmp_path / "r.npz"):
        found = open_results(str(path), {})
        assert shape(found) == shape(expected)
        for run, other in zip(found.runs, expected.runs, strict=True):
            assert run.answers is not None
            assert other.answers is not None
            names = [found.images[image] for image in run.images]  # type: ignore[union-attr]
            others = [expected.images[image] for image in other.images]  # type: ignore[union-attr]
            assert dict(zip(names, run.answers.tolist(), strict=True)) == dict(
                zip(others, other.answers.tolist(), strict=True)
            )


def test_logits_of_an_npz_are_answers_and_probabilities_are_kept(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).normal(size=(2, 5, 3))
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    common = {"label": np.array([0, 1, 2, 0, 1]), "arm": ["a", "b"], "seed": [0, 0]}
    np.savez(tmp_path / "logits.npz", logits=scores, **common)  # type: ignore[arg-type]
    np.savez(tmp_path / "shares.npz", answer=shares, **common)  # type: ignore[arg-type]
    plain = open_results(str(tmp_path / "logits.npz"), {})
    sure = open_results(str(tmp_path / "shares.npz"), {})
    for number, (run, other) in enumerate(zip(plain.runs, sure.runs, strict=True)):
        assert run.answers is not None
        assert run.answers.tolist() == scores[number].argmax(1).tolist()
        assert run.probabilities is None
        assert other.probabilities is not None
        assert np.allclose(other.probabilities, shares[number])


def test_a_pickle_in_an_npz_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", label=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="cannot be read: Object arrays cannot be loaded"):
        open_results(str(tmp_path / "r.npz"), {})


def test_summaries_are_scores_of_runs(tmp_path: Path) -> None:
    rows = [{"model": arm, "seed": seed, "test_acc": 80 + seed} for arm in ARMS for seed in (0, 1)]
    results = open_results(written(tmp_path / "r.csv", rows), {})
    assert not results.answered
    assert [run.score for run in results.runs] == [0.8, 0.81, 0.8, 0.81]
    assert "accuracies are taken for per cent, since some are above 1" in results.notes


def test_folds_and_repeats_are_runs(tmp_path: Path) -> None:
    rows = [
        {"model": arm, "repeat": repeat, "fold": fold, "test_score": 0.8}
        for arm in ARMS
        for repeat in (0, 1)
        for fold in range(5)
    ]
    results = open_results(written(tmp_path / "r.csv", rows), {})
    assert results.folds == 5
    assert sorted({run.seed for run in results.runs}) == list(range(10))
    assert any("seed and fold: 0 is 0, fold 0" in note for note in results.notes)


def test_a_spreadsheets_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    rows = [
        f"{r['arm']};{r['seed']};{r['image']};{r['label']};{r['answer']}" for r in rows_of(ARMS)
    ]
    path.write_bytes(("\ufeffarm;seed;image;label;answer\r\n" + "\r\n".join(rows)).encode())
    assert CsvSource(path).names == ("arm", "seed", "image", "label", "answer")
    assert len(open_results(str(path), {}).runs) == 8


def test_classes_that_are_numbers_are_equal_however_they_are_written(tmp_path: Path) -> None:
    rows = [
        {"arm": arm, "image": image, "label": image % 3, "answer": float(image % 3)}
        for arm in ARMS
        for image in range(9)
    ]
    results = open_results(written(tmp_path / "r.csv", rows), {})
    assert results.classes == ("0", "1", "2")
    for run in results.runs:
        assert np.array_equal(run.labels, run.answers)  # type: ignore[arg-type]


def test_parquet_is_read_where_pyarrow_is_installed(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = list(rows_of(ARMS))
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "r.parquet")
    found = open_results(str(tmp_path / "r.parquet"), {})
    assert shape(found) == shape(open_results(written(tmp_path / "r.csv", rows), {}))
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="cannot be read"):
        open_results(str(tmp_path / "torn.parquet"), {})


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"pip install 'headstart\[parquet\]'. Or save the table"):
        open_results(str(tmp_path / "r.parquet"), {})


def test_scores_without_seeds_are_runs_that_are_not_paired(tmp_path: Path) -> None:
    rows = [{"method": arm, "accuracy": 0.8} for arm in ARMS for _ in range(3)]
    results = open_results(written(tmp_path / "r.csv", rows), {})
    assert [(run.arm, run.seed) for run in results.runs] == [
        ("scratch", 0), ("scratch", 1), ("scratch", 2), ("frozen", 3), ("frozen", 4), ("frozen", 5),
    ]  # fmt: skip
    assert results.notes[-1].startswith("no column names the seed: runs are numbered")


def test_the_splits_of_a_search_are_folds(tmp_path: Path) -> None:
    rows = [
        {"param_C": c, "params": f"C={c}", "split0_test_score": 0.7, "split1_test_score": 0.8,
         "mean_test_score": 0.75, "rank_test_score": 1}
        for c in (1, 10)
    ]  # fmt: skip
    results = open_results(written(tmp_path / "r.csv", rows), {})
    assert [(run.arm, run.seed, run.score) for run in results.runs] == [
        ("C=1", 0, 0.7), ("C=10", 0, 0.7), ("C=1", 1, 0.8), ("C=10", 1, 0.8),
    ]  # fmt: skip
    assert results.folds == 2
    assert "columns split0_test_score to split1_test_score are taken for 2 folds" in results.notes
