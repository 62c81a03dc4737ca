"""The replay of a recorded study through the scheduler, on workers whose clock is counted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.replay import Costs, Recorded, main, real_seconds, replayed

from headstart.execute.options import RunOptions
from headstart.flow import Loaded, run
from headstart.flow.reopen import reopen
from headstart.store.store import Store
from studies import tiny

NOTHING = Costs(start=0.0, handover=0.0, coordinator=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a study that ran in one process."""
    folder = tmp_path_factory.mktemp("recorded") / "store"
    loaded = tiny(sizes=[20], seeds=2, arms=["scratch", "full"])
    run(loaded, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    return folder


@pytest.fixture
def recorded(folder: Path) -> Iterator[tuple[Loaded, Recorded, float]]:
    with Store(folder, reading=True) as store:
        again = reopen(store, "tiny")
        found = Recorded.of(again.plan, store)
        yield again.loaded, found, real_seconds(found.rows, store)


def test_one_worker_without_other_costs_takes_as_long_as_its_steps(
    recorded: tuple[Loaded, Recorded, float],
) -> None:
    loaded, steps, real = recorded
    found = replayed(loaded, steps, 1, NOTHING)
    assert found.seconds == pytest.approx(sum(row.seconds for row in steps.rows.values()))
    assert found.efficiency == pytest.approx(1.0)
    assert found.jobs <= len(steps.rows)
    assert real > found.seconds  # the coordinator's time is in it too


def test_every_cost_makes_it_longer_and_workers_make_it_shorter(
    recorded: tuple[Loaded, Recorded, float],
) -> None:
    loaded, steps, _ = recorded
    alone = replayed(loaded, steps, 1, NOTHING)
    two = replayed(loaded, steps, 2, NOTHING)
    assert alone.seconds / 2 <= two.seconds < alone.seconds
    for costs in (Costs(start=9, handover=0, coordinator=0), replace(NOTHING, coordinator=9)):
        assert replayed(loaded, steps, 2, costs).seconds >= two.seconds + 9
    assert replayed(loaded, steps, 2, NOTHING) == two


def test_steps_that_were_not_recorded_take_as_long_as_those_like_them(
    recorded: tuple[Loaded, Recorded, float],
) -> None:
    loaded, steps, _ = recorded
    more = replace(loaded, study=loaded.study.model_copy(update={"seeds": (0, 1, 2, 3)}))
    found = replayed(more, steps, 1, NOTHING)
    assert found.work > replayed(loaded, steps, 1, NOTHING).work * 1.3


def test_it_prints_what_binds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(folder), "--workers", "2"])
    out = capsys.readouterr().out
    assert out.startswith("recorded: ")
    assert "2 workers: " in out
    assert "efficiency" in out
    assert "without coordinator" in out
