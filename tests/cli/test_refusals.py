"""Commands that cannot be carried out: plain about what is wrong, nothing else on stdout."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from commands import Call, refused, start
from headstart import flow
from headstart.store.store import Store
from studies import tiny_table
from study_files import write_study


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_study_file_that_is_not_there(call: Call, command: str) -> None:
    ended = call(command, "nowhere.toml")
    refused(ended, "nowhere.toml has 1 problem:\n  1. there is no such file.\n     Check the path.")


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_file_that_is_not_toml(call: Call, tmp_path: Path, command: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("name = \n")
    refused(call(command, path), f"{path} has 1 problem:\n  1. is not TOML: Invalid value")


@pytest.mark.parametrize("command", [("run",), ("plan",), ("recipes", "show")])
def test_a_recipe_that_is_not_known(call: Call, command: tuple[str, ...]) -> None:
    ended = call(*command, "digit")
    refused(ended, "'digit' has 1 problem:", "is neither a recipe nor a file.", "Known: ")
    assert "Did you mean 'digits'?" in ended.err
    for name in flow.recipes():
        assert name in ended.err
    assert "List the recipes with: headstart recipes" in call("plan", "xyzzy").err


def test_problems_of_a_file_are_told_together(call: Call, tmp_path: Path) -> None:
    path = write_study(tmp_path / "bad.toml", tiny_table(trainin={}, sizes=[3], seeds=[1, 1]))
    refused(
        call("plan", path),
        f"{path} has 3 problems:",
        "trainin: key 'trainin' is not known.",
        "Did you mean 'training'?",
        "seeds: '1' is listed twice.",
        "sizes[0]: '3' is 3 images",
    )


def test_a_broken_task_or_size_hides_nothing_that_the_data_tells(
    call: Call, tmp_path: Path
) -> None:
    tasks = {
        "source": {"dataset": "mnist-mni"},
        "target": {"dataset": "mnist-mini", "splitt": {"validation": 0}},
    }
    path = write_study(tmp_path / "bad.toml", tiny_table(tasks=tasks, sizes=[999999]))
    refused(
        call("plan", path),
        f"{path} has 3 problems:",
        "tasks.target.splitt: key 'splitt' is not known.",
        "tasks.source.dataset: data set 'mnist-mni' is not known.",
        "sizes[0]: '999999' is more than the data set of task 'target' has.\n"
        "     Up to 10000 images, less those for validation and test.",
    )
    path = write_study(tmp_path / "sizes.toml", tiny_table(sizes=[3, "alll"]))
    refused(
        call("plan", path),
        f"{path} has 2 problems:",
        "sizes[1]: 'alll' is not a size",
        "sizes[0]: '3' is 3 images, but task 'target' has 5 classes",
    )
    # What the misspelt key was to say may make all of this right.
    tasks = {
        "source": {"dataset": "mnist-mini"},
        "target": {"dataset": "mnist-mini", "clases": [0, 1], "splitt": {"validation": 0}},
    }
    path = write_study(tmp_path / "task.toml", tiny_table(tasks=tasks, sizes=[3, 10_000]))
    refused(call("plan", path), f"{path} has 2 problems:", "clases", "splitt")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sizes", "50,nonsense"), "sizes[1]: 'nonsense' is not a size; allowed: a count (50)"),
        (("--sizes", "50,50"), "sizes: '50' is listed twice."),
        (("--sizes", "1"), "sizes[0]: '1' is 1 images, but task 'target' has 5 classes"),
        (("--sizes", ","), "sizes: got []"),
        (("--seeds", "99999999999"), "seeds: got 99999999999; give the number of seeds (from 1"),
        (("--arms", "scratch,prob"), "arms[1]: arm 'prob' is not known. Known: "),
        (("--arms", "scratch,prob"), "Did you mean 'probe'?"),
    ],
)
def test_options_are_checked_like_the_file(
    call: Call, options: tuple[str, ...], message: str
) -> None:
    for command in ("plan", "run"):
        refused(call(command, "digits", *options), "digits has 1 problem:", message)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "digits", "--seeds", "0"),
        ("run", "digits", "--seeds", "many"),
        ("run", "digits", "--seeds", "9" * 5000),
        ("run", "digits", "--workers", "0"),
        ("run", "digits", "--workers", "99999999999"),
        ("run", "digits", "--device", "tpu"),
        ("run", "digits", "--sized", "50"),
        ("run",),
        ("rum", "digits"),
    ],
)
def test_options_that_make_no_sense(call: Call, arguments: tuple[str, ...]) -> None:
    ended = call(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "Usage: headstart" in ended.err


def test_data_that_is_missing(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.data.find.SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "mine"))
    tasks = {"source": {"dataset": "mnist"}, "target": {"dataset": "mnst"}}
    path = write_study(tmp_path / "study.toml", tiny_table(tasks=tasks))
    refused(
        call("plan", path),
        "tasks.source.dataset: data set 'mnist' was not found. Looked in:",
        f"$HEADSTART_DATA ({tmp_path}/mine/mnist): no such folder",
        f"the system's data sets ({tmp_path}/system/mnist): no such folder",
        "headstart data fetch mnist",
        "tasks.target.dataset: data set 'mnst' is not known.",
    )
    refused(call("data", "where", "mnist"), "data set 'mnist' was not found. Looked in:")
    refused(call("data", "where", "mnst"), "data set 'mnst' is not known.", "'mnist'?")


@pytest.mark.parametrize("command", ["run", "plan", "report", "status"])
def test_a_store_of_a_newer_headstart(call: Call, tmp_path: Path, command: str) -> None:
    folder = tmp_path / "store"
    Store(folder).close()
    connection = sqlite3.connect(folder / "headstart.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    named = [] if command == "status" else ["digits"]
    refused(call(command, *named, "--store", folder), "this store has version 99", "--store")


def test_a_store_below_a_file(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "store"
    message = "Name a folder you can write to with --store."
    refused(call("run", "digits", "--store", folder), f"the store {folder} cannot be used", message)
    for command in (["report", "digits"], ["status"]):
        refused(call(*command, "--store", folder), f"there is no store at {folder}.")


@pytest.mark.parametrize("command", [("report", "digits"), ("status",)])
def test_without_a_store(call: Call, command: tuple[str, ...]) -> None:
    refused(
        call(*command),
        "there is no store at headstart-store. Run a study first, or name one: --store.",
    )
    assert list(Path.cwd().iterdir()) == []


def test_a_report_of_a_study_that_was_never_run(call: Call, tmp_path: Path, study: Path) -> None:
    folder = tmp_path / "store"
    Store(folder).close()
    report = ("report", "tiny", "--store", folder)
    refused(call(*report), "holds no study yet. Run one: headstart run")
    with Store(folder) as store:
        flow.save_study(store, flow.load(str(study)), "headstart run tiny.toml")
    missing = call("report", "nowhere.toml", "--store", folder)
    refused(missing, "nowhere.toml has 1 problem:\n  1. there is no such file.")
    unknown = call("report", "tini", "--store", folder)
    refused(unknown, f"study 'tini' is not in the store {folder}.", "Known: tiny.")
    assert "Did you mean 'tiny'?" in unknown.err


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_a_place_for_reports_that_cannot_be_written_is_refused_before_anything_is_trained(
    call: Call, study: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    in_the_way = {"--html": tmp_path, "--csv": tmp_path / "file"}[option]
    store = tmp_path / "store"
    for place in (in_the_way, tmp_path / "file" / "place"):
        refused(
            call("run", study, "--store", store, option, place, "--json"),
            f"{option} {place} cannot be written: ",
            " is a file" if place != tmp_path else "it is a folder",
            f"Give {option} ",
        )
    assert not store.exists()
    Store(store).close()
    refused(call("report", "tiny", "--store", store, option, in_the_way), f"{option} {in_the_way}")


@pytest.mark.parametrize("command", ["run", "report"])
def test_results_are_printed_also_where_their_page_cannot_be_written(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    path = write_study(
        tmp_path / "tiny.toml", tiny_table(sizes=[20], arms=["scratch", "full"], seeds=1)
    )
    store, page, tables = tmp_path / "store", tmp_path / "page.html", tmp_path / "tables"
    options = ("--store", store, "--html", page, "--csv", tables, "--json")
    workers = ("--workers", "1") if command == "run" else ()
    if command == "report":
        assert call("run", path, "--store", store, "--workers", "1").status == 0

    def full(path: Path, _: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("headstart.report.html.page.write_whole", full)
    monkeypatch.setattr("headstart.report.csv_tables.write_whole", full)
    ended = call(command, path, *options, *workers)
    assert ended.status == 2
    assert json.loads(ended.out)["study"] == "tiny"
    told = "cannot be written: No space left on device. The results are kept in the store; write"
    again = f"headstart report tiny --store {store}"
    assert f"headstart: {page} {told} it with: {again} --html OTHER.html\n" in ended.err
    assert f"{tables} {told} it with: {again} --csv FOLDER\n" in ended.err
    # A page that nobody has named is worth a word, not a failure.
    shutil.rmtree(store / "reports", ignore_errors=True)
    unnamed = call(command, path, "--store", store, *workers)
    assert unnamed.status == 0
    assert f"{store}/reports/tiny.html cannot be written: No space" in unnamed.err
    assert "scratch" in unnamed.out
    assert "Page" not in unnamed.out


def test_a_full_disk_is_status_3(call: Call, study: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    try:
        ended = call("run", study, "--store", disk / "store", "--workers", "1")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    refused(ended, f"the disk under the store {disk / 'store'} is full.", status=3)


def test_a_store_of_somebody_else_is_read(call: Call, study: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    try:
        folder = disk / "store"
        # A process of its own: this one would keep the store open.
        process = start("run", study, "--store", folder, "--workers", "1", folder=tmp_path)
        process.communicate(timeout=120)
        shutil.rmtree(folder / "reports")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert "tiny" in call("status", "--store", folder).out
        planned = call("plan", study, "--store", folder)
        assert "Everything is stored; a run only reports." in planned.out
        shown = call("report", "tiny", "--store", folder)
        page = folder / "reports" / "tiny.html"
        assert (shown.status, "scratch" in shown.out) == (0, True)
        assert f"headstart: {page} cannot be written: Read-only file system." in shown.err
        assert "--html OTHER.html" in shown.err
        mine = call("report", "tiny", "--store", folder, "--html", tmp_path / "mine.html")
        assert (mine.status, mine.err) == (0, "")
        refused(call("run", study, "--store", folder), f"the store {folder} cannot be used: ")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
