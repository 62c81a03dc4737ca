"""The command line: quick to start, plain about what is wrong, JSON alone on stdout."""

import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headstart import flow
from headstart.cli import main
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan
from headstart.spec.tasks import DataRef
from headstart.store.store import Store
from studies import tiny_table
from study_files import write_study

COMMANDS = [
    [],
    ["run"],
    ["plan"],
    ["status"],
    ["report"],
    ["recipes"],
    ["recipes", "show"],
    ["data"],
    ["data", "list"],
    ["data", "where"],
    ["data", "fetch"],
]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Call the command line in this process, in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, arguments)])
        status: Any = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        out, err = capsys.readouterr()
        return Ended(status, out, err)

    return run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The file of the tiny study, made smaller still."""
    return write_study(tmp_path / "tiny.toml", tiny_table(sizes=[20], arms=["scratch", "full"]))


# Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.
COMMAND = """
import signal
from headstart.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


def start(*arguments: object, folder: Path) -> "subprocess.Popen[str]":
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    )


# -- quick to start ------------------------------------------------------------------------------

HELP = """
import sys
from headstart.cli import main
for command in eval(sys.argv[1]):
    sys.argv = ["headstart", *command, "--help"]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, command
    heavy = {"torch", "scipy", "loky"} & set(sys.modules)
    assert not heavy, f"{command} loads {heavy}"
"""


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP, repr(COMMANDS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Usage:") == len(COMMANDS)
    for name in ("run", "plan", "status", "report", "recipes", "data"):
        assert name in done.stdout


PLAN = """
import sys
from headstart.cli import main
sys.argv = ["headstart", "plan", "digits"]
main()
assert "torch" not in sys.modules
"""


def test_a_plan_loads_no_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLAN],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_python_runs_it_without_its_script() -> None:
    command = [sys.executable, "-m", "headstart", "recipes"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "digits" in done.stdout


def test_without_a_command_help_is_shown(call: Call) -> None:
    ended = call()
    assert ended.status == 2
    assert "Usage: headstart" in ended.out + ended.err


def test_version(call: Call) -> None:
    ended = call("--version")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("headstart ")


# -- what is wrong -------------------------------------------------------------------------------


def refused(ended: Ended, *parts: str, status: int = 2) -> None:
    """Status 2, nothing on stdout, and a message with these parts and no traceback."""
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.lstrip("\n").startswith("headstart: ")
    assert "Traceback" not in ended.err
    for part in parts:
        assert part in ended.err


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
        flow.remember(store, flow.load(str(study)), "headstart run tiny.toml")
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

    monkeypatch.setattr("headstart.report.html.write_whole", full)
    monkeypatch.setattr("headstart.report.tables.write_whole", full)
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


# -- recipes, data, plan -------------------------------------------------------------------------


def test_recipes_are_listed(call: Call) -> None:
    ended = call("recipes")
    assert (ended.status, ended.err) == (0, "")
    for name in flow.recipes():
        assert name in ended.out
    assert "headstart recipes show digits > mine.toml" in ended.out


@pytest.mark.parametrize("name", flow.recipes())
def test_a_recipe_copied_is_the_same_study(call: Call, tmp_path: Path, name: str) -> None:
    ended = call("recipes", "show", name)
    assert (ended.status, ended.err) == (0, "")
    copy = tmp_path / "mine.toml"
    copy.write_text(ended.out, encoding="utf-8")
    assert copy.read_bytes() == flow.recipe(name).read_bytes()


def test_the_first_recipe_is_a_valid_study(call: Call, tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_text(call("recipes", "show", "digits").out, encoding="utf-8")
    assert flow.load(str(copy)) == flow.load("digits")


def test_data_sets_are_listed_and_found(call: Call) -> None:
    listed = call("data", "list")
    assert (listed.status, listed.err) == (0, "")
    for name in ("mnist", "fashion-mnist", "mnist-mini", "fashion-mini"):
        assert name in listed.out
    found = call("data", "where", "mnist-mini")
    assert (found.status, found.err) == (0, "")
    assert len(list(Path(found.out.strip()).glob("*-ubyte*"))) == 4


def test_fetching_what_is_there_says_only_that(call: Call) -> None:
    ended = call("data", "fetch", "mnist-mini")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("mnist-mini is ready in ")
    assert call("data", "fetch", "mnst").err.startswith("headstart: ")


def test_a_plan_tells_steps_and_makes_nothing(call: Call) -> None:
    ended = call("plan", "digits")
    assert (ended.status, ended.err) == (0, "")
    assert "Study digits: 75 trials and 5 source runs" in ended.out
    assert "train" in ended.out
    assert "predict" in ended.out
    assert "Run it with: headstart run digits" in ended.out
    assert list(Path.cwd().iterdir()) == []


def test_what_will_be_refused_is_told_before_anything_is_trained(
    call: Call, tmp_path: Path
) -> None:
    tasks = {name: {"dataset": "mnist-mini"} for name in ("source", "target")}
    path = write_study(
        tmp_path / "same.toml",
        tiny_table(tasks=tasks, sizes=[20], arms=["scratch", "full"], seeds=1),
    )
    told = "headstart: warning: source 'source' and target 'target' share about 100 % of the "
    planned = call("plan", path)
    assert (planned.status, planned.err.startswith(told)) == (0, True)
    ran = call("run", path, "--workers", "1", "--json")
    assert (ran.status, ran.err.startswith(told)) == (0, True)
    (comparison,) = json.loads(ran.out)["comparisons"]
    assert comparison["verdict"] == "invalid"


def test_options_change_the_plan(call: Call) -> None:
    ended = call("plan", "digits", "--seeds", "2", "--sizes", "20,all", "--arms", "scratch,full")
    assert "Study digits: 8 trials and 2 source runs" in ended.out


# -- run, again, report --------------------------------------------------------------------------


def test_a_run_prints_one_json_document_and_the_next_reuses_everything(
    call: Call, study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    process = start("run", study, "--store", folder, "--json", "--workers", "1", folder=tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    # A slow machine tells its progress, on stderr.
    assert [line for line in err.splitlines() if "trials done" not in line] == []
    first = json.loads(out)
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
    assert (again.status, again.err) == (0, "")
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


def test_ctrl_c_keeps_what_was_finished(tmp_path: Path) -> None:
    training = {"updates": 300, "batch_size": 16, "validations": 3}
    path = write_study(tmp_path / "long.toml", tiny_table(training=training, seeds=30))
    folder = tmp_path / "store"
    process = start("run", path, "--store", folder, "--workers", "1", "--json", folder=tmp_path)
    try:
        deadline = time.monotonic() + 60
        # The row of the first step is there once the second step has written its blob.
        while len(list((folder / "blobs").glob("*/*.safetensors"))) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert err.endswith(
        "\nheadstart: stopped. What was finished is kept; the same command goes on from there.\n"
    )
    with Store(folder) as store:
        (progress,) = flow.progress(store)
    assert progress.steps_done > 0
    assert progress.steps_failed == 0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize("later", [0, 0.2, 3])
def test_ctrl_c_ends_workers_at_once_and_without_a_word_of_theirs(
    tmp_path: Path, later: float
) -> None:
    """While they are starting, loading, and in the middle of steps that would take an hour."""
    training = {"updates": 10_000_000, "batch_size": 16, "validations": 3}
    path = write_study(tmp_path / "long.toml", tiny_table(training=training))
    process = start("run", path, "--workers", "2", folder=tmp_path)
    try:
        while not workers_of(process.pid):
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(later)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    told = [line for line in err.splitlines() if line and "trials done" not in line]
    assert told == [
        "headstart: stopped. What was finished is kept; the same command goes on from there."
    ]


def workers_of(parent: int) -> list[int]:
    """The worker processes of a process, from the moment at which they are there."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        lines = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    except OSError:
        return []
    return [int(child) for child, line in lines.items() if b"popen_loky" in line]


class Interrupting:
    """A module during whose loading Ctrl-C is pressed."""

    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt


def test_ctrl_c_while_modules_are_loaded(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "headstart.cli.app", Interrupting())
    refused(call("run", "digits"), "headstart: stopped.", status=130)


class Leaving:
    """Ctrl-C is pressed while it is taken away, where an exception is ignored."""

    def __del__(self) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_is_not_lost_where_exceptions_are_ignored(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        Leaving()
        time.sleep(5)

    monkeypatch.setattr("headstart.cli._run", run)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        refused(call("run", "digits"), "headstart: stopped.", status=130)
    finally:
        signal.signal(signal.SIGINT, before)
