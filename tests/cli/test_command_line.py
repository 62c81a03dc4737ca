"""The command line: quick to start; recipes, data and plans without a run."""

import inspect
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands import Call
from headstart import flow
from headstart.cli.arguments import with_groups
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
    ["data", "show"],
    ["data", "fetch"],
    ["leaks"],
    ["cache"],
    ["cache", "clear"],
    ["audit"],
]


# -- quick to start ------------------------------------------------------------------------------

HELP = """
import sys
from dataclasses import dataclass
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
from dataclasses import dataclass
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
    assert "target: 5 classes: 0, 1, 2, 3, 4\n" in ended.out
    assert "  28 x 28 pixels, grey, values from 0 to 255\n" in ended.out
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
    assert (ran.status, told in ran.err) == (0, True)
    (comparison,) = json.loads(ran.out)["comparisons"]
    assert comparison["verdict"] == "invalid"


def test_a_plan_as_json_holds_what_was_found_and_what_would_be_done(call: Call) -> None:
    ended = call("plan", "digits", "--json")
    document = json.loads(ended.out)
    assert (ended.status, ended.err, document["warnings"]) == (0, "", [])
    assert (document["study"], document["num_trials"], document["num_sources"]) == ("digits", 75, 5)
    assert {step["kind"]: step["stored"] for step in document["steps"]}["train"] == 0
    source, target = document["tasks"]
    assert (source["name"], target["classes"]) == ("source", ["0", "1", "2", "3", "4"])
    assert target["place"].endswith("mnist-mini")
    assert sum(target["test_counts"]) == target["num_test"] == 1027


def test_options_change_the_plan(call: Call) -> None:
    ended = call("plan", "digits", "--seeds", "2", "--sizes", "20,all", "--arms", "scratch,full")
    assert "Study digits: 8 trials and 2 source runs" in ended.out


def test_a_group_gives_an_option_for_each_field_in_its_place() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Size:
        width: int = 2
        height: int = 3

    calls = []

    @with_groups
    def command(name: str, *, colour: str = "red", size: Size, depth: int = 1) -> None:
        calls.append((name, colour, size, depth))

    assert [*inspect.signature(command).parameters] == [
        "name", "colour", "width", "height", "depth",
    ]  # fmt: skip
    command(name="box", colour="blue", width=2, height=5, depth=1)
    assert calls == [("box", "blue", Size(height=5), 1)]
