"""Which store a worker writes to, when it outlives the run it was started for."""

import shutil
from pathlib import Path

import pytest

from headstart.execute.options import RunOptions
from headstart.flow import Done, run
from studies import tiny


def go(store: Path, workers: int) -> Done:
    loaded = tiny(sizes=[20], seeds=1, arms=["scratch", "full"])
    options = RunOptions(store=store, workers=workers, device="cpu")
    done = run(loaded, options, listen=lambda *_: None)
    assert [result.arm for result in done.analysis.arms] == ["scratch", "full"]
    return done


@pytest.mark.parametrize("workers", [1, 2])
def test_a_store_below_the_present_folder_is_below_the_present_folder(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        assert go(Path("store"), workers).summary.steps_reused == 0
        assert (tmp_path / place / "store" / "headstart.db").is_file()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_store_that_was_deleted_is_filled_again(workers: int, store_folder: Path) -> None:
    first = go(store_folder, workers)
    shutil.rmtree(store_folder)
    again = go(store_folder, workers)
    assert again.summary.steps_run == first.summary.steps_run
