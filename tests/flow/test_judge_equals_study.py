"""The same answers judged as a study and as results of any program: equal to the last digit."""

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from headstart.analyse.analysis import Analysis
from headstart.analyse.records import gather
from headstart.execute.options import RunOptions
from headstart.flow import JudgeOptions, Loaded, judge, plan_of, run
from headstart.metrics import METRICS
from headstart.store.store import Store
from studies import tiny

STUDIES: dict[str, dict[str, Any]] = {
    "accuracy": {},
    "balanced": {"metric": "balanced_accuracy"},
    "repeated": {
        "tasks": {
            "source": {"dataset": "mnist-mini", "classes": [5, 6, 7, 8, 9]},
            "target": {
                "dataset": "mnist-mini",
                "classes": [0, 1, 2],
                "split": {"take": [0, 0.04], "test": "repeated", "validation": 20},
            },
        },
        "sizes": ["all"],
    },
}
FROM_THE_NUMBERS_ALONE = {"source", "target", "size", "num_images", "preferred", "margin_asked_pp"}


def exported(loaded: Loaded, store: Store, file: Path) -> None:
    """A row for each answer, as a training loop would have written it."""
    records = gather(plan_of(loaded, store), store, METRICS[loaded.study.metric])
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["method", "size", "seed", "image", "label", "answer"])
        for (_, _, size, arm), by_seed in records.items():
            for seed, record in by_seed.items():
                images = range(len(record.labels)) if record.images is None else record.images
                for image, label, answer in zip(images, record.labels, record.classes, strict=True):
                    writer.writerow([arm, size, seed, image, label, answer])


@pytest.fixture(scope="module", params=STUDIES)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Analysis, Analysis]:
    """A study of scratch and transfer arms, and its answers judged from a file."""
    folder = tmp_path_factory.mktemp("both")
    table = {"arms": ["scratch", "probe", "full"], "seeds": 4, **STUDIES[request.param]}
    loaded = tiny(**table)
    options = RunOptions(store=folder / "store", workers=1, device="cpu")
    done = run(loaded, options, listen=lambda *_: None)
    with Store(folder / "store", reading=True) as store:
        exported(loaded, store, folder / "answers.csv")
    given = JudgeOptions(control="scratch", metric=loaded.study.metric, margin_pp=1.0)
    return done.analysis, judge(str(folder / "answers.csv"), given).analysis


def test_comparisons_are_equal_to_the_last_digit(both: tuple[Analysis, Analysis]) -> None:
    study, judged = both
    ours, theirs = (
        [
            {name: v for name, v in asdict(c).items() if name not in FROM_THE_NUMBERS_ALONE}
            for c in analysis.comparisons
        ]
        for analysis in (study, judged)
    )
    assert len(ours) == 2 * len(study.sizes)
    assert ours == theirs


def test_accuracies_and_gains_by_class_are_equal(both: tuple[Analysis, Analysis]) -> None:
    study, judged = both
    for one, other in zip(study.arms, judged.arms, strict=True):
        assert (one.test_accuracy, one.mean, one.sd) == (other.test_accuracy, other.mean, other.sd)
        assert one.balanced_accuracy == other.balanced_accuracy
    ours, theirs = (
        [(c.arm, c.gain_pp, c.low_pp, c.high_pp, c.p_adjusted) for c in analysis.class_gains]
        for analysis in both
    )
    assert ours == theirs


def test_mistakes_are_counted_alike(both: tuple[Analysis, Analysis]) -> None:
    ours, theirs = (
        {m.arm: (m.wrong, m.put_right, m.broken, m.both_wrong) for m in analysis.mistakes}
        for analysis in both
    )
    rows, others = (
        {
            (c.arm, row.answer, row.count, row.accuracy)
            for c in analysis.confusions
            for row in c.confusion_rows
        }
        for analysis in both
    )
    for arm in ours.keys() & theirs.keys():  # validation chose the study's, the gain the other
        assert ours[arm] == theirs[arm]
    scratch = {row for row in rows if row[0] == "scratch"}
    assert scratch
    assert scratch == {row for row in others if row[0] == "scratch"}


def test_what_was_not_recorded_is_not_known(both: tuple[Analysis, Analysis]) -> None:
    study, judged = both
    assert all(gate.known for gate in study.gates)
    known = {gate.id for gate in judged.gates if gate.known}
    assert {"CHK-15", "CHK-17", "CHK-19", "CHK-24", "RES-images"} <= known
    assert {"CHK-01-leaks", "CHK-07", "CHK-09", "CHK-10"} <= {g.id for g in judged.unknown_gates}
    assert not judged.failed_gates("invalid")
