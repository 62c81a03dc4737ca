"""Commands that run and report: JSON alone on stdout, nothing done twice, status 3 for failures."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands import Call, start
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan
from headstart.store.store import Store
from headstart.study.tasks import DataRef
from studies import tiny_table
from study_files import write_study


def test_a_run_prints_one_json_document_and_the_next_reuses_everything(
    call: Call, study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    process = start("run", study, "--store", folder, "--json", "--workers", "1", folder=tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    # A slow machine tells its progress, on stderr.
    told = [line for line in err.splitlines() if "trials done" not in line]
    assert [line for line in told if not line.startswith("headstart:   ")] == [
        "headstart: source: 5 classes: 5, 6, 7, 8, 9",
        "headstart: target: 5 classes: 0, 1, 2, 3, 4",
    ]
    first = json.loads(out)
    assert [task["name"] for task in first["tasks"]] == ["source", "target"]
    assert first["tasks"][1]["classes"] == ["0", "1", "2", "3", "4"]
    assert sum(first["tasks"][1]["test_counts"]) == first["tasks"][1]["num_test"]
    assert first["study"] == "tiny"
    assert first["steps"]["reused"] == 0
    assert first["steps"]["run"] >= 3 + 6 + 6
    assert first["failures"] == []
    assert first["seeds"] == [0, 1, 2]
    assert [(arm["arm"], arm["size"]) for arm in first["arms"]] == [
        ("scratch", "20"),
        ("full", "20"),
    ]
    page = folder / "reports" / "tiny.html"
    assert "<html" in page.read_text(encoding="utf-8")

    again = call("run", study, "--store", folder, "--json", "--workers", "1")
    second = json.loads(again.out)
    assert again.status == 0
    assert second["steps"] == {"run": 0, "reused": first["steps"]["run"]}
    assert (second["arms"], second["headline"]) == (first["arms"], first["headline"])

    other = tmp_path / "elsewhere.html"
    tables = tmp_path / "tables"
    report = call("report", "tiny", "--store", folder, "--json", "--html", other, "--csv", tables)
    assert json.loads(report.out)["arms"] == first["arms"]
    assert other.is_file()
    rows = (tables / "arms.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["scratch", "20"], ["full", "20"]]
    by_file = call("report", study, "--store", folder, "--json")
    assert json.loads(by_file.out)["arms"] == first["arms"]
    shown = call("report", "tiny", "--store", folder)
    assert (shown.status, shown.err) == (0, "")
    assert "scratch" in shown.out

    status = call("status", "--store", folder)
    assert status.out.splitlines()[1].split()[:4] == ["tiny", "6", "of", "6"]
    planned = call("plan", study, "--store", folder)
    assert "Everything is stored; a run only reports." in planned.out


def test_options_change_the_study_that_is_run(call: Call, tmp_path: Path) -> None:
    path = write_study(tmp_path / "tiny.toml", tiny_table())
    ended = call(
        "run", path, "--store", tmp_path / "store", "--json", "--workers", "1",
        "--seeds", "2", "--sizes", "20", "--arms", "full",
    )  # fmt: skip
    told = json.loads(ended.out)
    assert ended.status == 0
    assert told["seeds"] == [0, 1]
    assert [(arm["arm"], arm["size"]) for arm in told["arms"]] == [
        ("scratch", "20"),
        ("full", "20"),
    ]
    with Store(tmp_path / "store") as store:
        (row,) = store.studies()
    assert row.command.startswith(f"headstart run {path} --store ")
    assert row.command.endswith("--seeds 2 --sizes 20 --arms full")


def test_trials_that_failed_are_status_3_and_the_rest_is_there(
    call: Call, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losing(*given: Any) -> Plan:
        """The plan; the data of one arm's first seed has gone since."""
        plan = make_plan(*given)
        lost = next((s for s in plan.steps.values() if s.label.startswith("full on")), None)
        if lost is not None:
            gone = {content: DataRef(dataset="./nowhere") for content in lost.datasets}
            object.__setattr__(lost, "datasets", gone)
        return plan

    monkeypatch.setattr("headstart.flow.engine.make_plan", losing)
    ended = call("run", study, "--store", tmp_path / "store", "--workers", "1", "--json")
    told = json.loads(ended.out)
    assert ended.status == 3
    scratch, full = told["arms"]
    assert (len(scratch["test_accuracy"]), scratch["missing"]) == (3, [])
    assert (len(full["test_accuracy"]), full["missing"]) == (2, [0])
    (failure,) = told["failures"]
    assert failure.startswith("full on target")
    assert "nowhere" in failure
    report = call("report", "tiny", "--store", tmp_path / "store", "--json")
    assert report.status == 0
    assert json.loads(report.out)["failures"] == [failure]


def test_a_run_for_people_ends_with_where_its_page_is(call: Call, tmp_path: Path) -> None:
    path = write_study(
        tmp_path / "tiny.toml", tiny_table(sizes=[20], arms=["scratch", "full"], seeds=1)
    )
    ended = call("run", path, "--workers", "1")
    assert ended.status == 0
    assert "headstart-store/reports/tiny.html" in ended.out.replace("\n", "")
    assert Path("headstart-store/reports/tiny.html").is_file()
