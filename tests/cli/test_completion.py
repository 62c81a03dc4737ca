"""Completion in the shell: recipes, study files, studies of a store, arms, data sets."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headstart.cli import completion
from headstart.data.caches import KINDS
from headstart.store.store import Store


def test_recipes_and_study_files_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    for name in ("digital.toml", "deep/mine.toml", "digital.csv"):
        (tmp_path / name).write_text("")
    assert completion.studies("digi") == ["digits", "digital.toml"]
    assert completion.studies("deep/") == ["deep/mine.toml"]
    assert completion.studies(str(tmp_path / "digi")) == [str(tmp_path / "digital.toml")]
    assert completion.studies("nowhere/") == []
    assert completion.studies("~no-such-user/") == []
    assert completion.studies("./digi") == ["./digital.toml"]


def test_arms_are_offered_after_the_last_comma() -> None:
    assert completion.arms("pro") == ["probe", "probe_then_full"]
    assert completion.arms("scratch,probe,pro") == ["scratch,probe,probe_then_full"]
    assert completion.arms("none,") != []


def test_names_of_other_things_are_offered() -> None:
    assert "signs" in completion.recipe_names("si")
    assert completion.datasets("fashion-m") == ["fashion-mnist", "fashion-mini"]
    assert completion.cache_kinds("") == [kind.name for kind in KINDS if kind.cleared]
    assert completion.cache_kinds("un") == ["unpacked"]


SHELL = """
{script}
COMP_WORDS=({words} "{word}"); COMP_CWORD={place}; _headstart_completion {program}
echo "${{COMPREPLY[*]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_studies_of_the_store_that_is_named(tmp_path: Path) -> None:
    with Store(tmp_path / "results") as store:
        store.save_study("leaves", {}, {}, "headstart run leaves.toml")
    words = f"headstart report --store {tmp_path / 'results'}"
    program = tmp_path / "headstart"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m headstart "$@"\n')
    program.chmod(0o755)
    # What `--show-completion` prints where it finds which shell it was called from.
    asked = os.environ | {"_HEADSTART_COMPLETE": "source_bash"}
    script = subprocess.run([program], env=asked, capture_output=True, text=True, check=True).stdout
    assert "_HEADSTART_COMPLETE=complete_bash" in script
    text = SHELL.format(script=script, program=program, words=words, word="le", place=4)
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "leaves\n"
