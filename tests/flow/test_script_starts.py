"""A script that runs a study needs no main guard, however Python is given it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from notebooks import TINY

SCRIPT = f"""{TINY}
print("begun")
analysis = study.run({{store!r}}, workers=2, progress="off")
print(analysis.num_done, "done")
"""
SPAWN = "import multiprocessing\nmultiprocessing.set_start_method('spawn')\n"


@pytest.mark.parametrize(
    "way",
    [
        "stdin",
        pytest.param("file", marks=pytest.mark.slow),
        pytest.param("text", marks=pytest.mark.slow),
        pytest.param("spawn", marks=pytest.mark.slow),
    ],
)
def test_workers_run_no_line_of_the_script(way: str, tmp_path: Path) -> None:
    script = SCRIPT.format(store=str(tmp_path / "store"))
    if way == "spawn":  # as on Windows and macOS
        script = SPAWN + script
    file = tmp_path / "script.py"
    file.write_text(script)
    given = {"stdin": ["-"], "text": ["-c", script]}.get(way, [str(file)])
    ran = subprocess.run(
        [sys.executable, *given],
        input=script if way == "stdin" else "",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ),
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "begun\n2 done\n"
