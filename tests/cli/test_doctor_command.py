"""`headstart doctor`: problems first, an exit status, the same as JSON."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from commands import Call
from headstart.core.errors import Problem
from headstart.execute.installation.diagnosis import Diagnosis, Extra
from headstart.execute.installation.examine import examine
from headstart.report.terminal.doctor import print_diagnosis

EXTRA = Extra(
    name="photos",
    what="photos",
    available=True,
    missing=("timm is not installed",),
    install="pip install 'headstart[photos]'",
)


@pytest.fixture(scope="module")  # imports torch, which takes its time
def found(tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    return examine(tmp_path_factory.mktemp("doctor") / "store")


def printed(diagnosis: Diagnosis) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        print_diagnosis(diagnosis, console)
    return capture.get()


def test_a_sound_installation_is_called_that(found: Diagnosis) -> None:
    assert found.problems == ()
    text = printed(found)
    assert text.startswith("Nothing is broken.\n")
    for title in ("Versions", "Machine", "Folders", "Data sets", "Extras"):
        assert f"\n{title}\n" in text
    assert f"python {sys.version.split()[0]}" in text
    assert "mini/signs-mini" in text
    assert "get it: headstart data fetch mnist" in text or "/mnist" in text


def test_torch_says_what_it_can_compute_on(found: Diagnosis) -> None:
    here = found.machine.torch
    assert here is not None
    assert here.threads >= 1
    assert "torch: " in printed(found)
    assert ("no GPU" in printed(found)) == (not here.gpus)


def test_problems_stand_first_with_what_to_do(found: Diagnosis) -> None:
    problem = Problem(where="cache", message="cannot be written.", fix="Name another.")
    remark = Problem(where="memory", message="0.4 GB are free.")
    lines = printed(replace(found, problems=(problem,), remarks=(remark,))).splitlines()
    assert [line.rstrip() for line in lines[:6]] == [
        "1 problem:",
        "! cache: cannot be written.",
        "  Name another.",
        "",
        "To know",
        "- memory: 0.4 GB are free.",
    ]


def test_a_missing_extra_has_the_line_that_installs_it(found: Diagnosis) -> None:
    none = replace(EXTRA, name="ray", available=False, missing=())
    text = printed(replace(found, extras=(EXTRA, none)))
    assert "photos  photos  pip install 'headstart[photos]'" in text
    assert "not in the package as it is installed" in text


def test_without_weights_it_says_none(found: Diagnosis) -> None:
    assert "the best first\nnone\n" in printed(replace(found, weights=()))


def test_the_exit_status_says_whether_something_is_broken(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('not whole')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "nowhere"))
    ended = call("doctor", "--json", "--store", tmp_path / "store")
    document = json.loads(ended.out)
    assert (ended.status, ended.err, document["broken"]) == (1, "", True)
    assert [problem["where"] for problem in document["problems"]] == ["torch", "data"]
    assert document["folders"][1]["path"] == str(tmp_path / "store")
    assert document["machine"]["torch"] is None
    printed_too = call("doctor", "--store", tmp_path / "store")
    assert (printed_too.status, printed_too.out.splitlines()[0]) == (1, "2 problems:")


ITSELF = """
import sys
from headstart.cli import main
sys.argv = ["headstart", "doctor"]
try:
    main()
except SystemExit as ended:
    assert ended.code == 1
assert not {"torch", "scipy", "headstart.flow"} & set(sys.modules)
"""


def test_it_loads_nothing_heavy_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('not whole')\n")
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    here = tmp_path / "here"
    here.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ITSELF], capture_output=True, text=True, cwd=here, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "1 problem:\n! torch: cannot be imported: ImportError: not whole."
    )
    assert list(here.iterdir()) == []
