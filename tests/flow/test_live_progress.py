"""Progress of a run in a cell, and as lines."""

from dataclasses import dataclass, field

import pytest

from headstart.data.progress import Progress, reporting
from headstart.execute.outcomes import StepOutcome
from headstart.flow import live_progress as live
from headstart.flow.live_progress import in_cell, live_progress
from headstart.flow.notebook import Stopped, notebook_cell
from headstart.flow.tracker import Tracker
from headstart.plan.expand import make_plan
from studies import tiny


@dataclass
class Written:
    """A cell that remembers all that it showed."""

    shown: list[tuple[str, float | None]] = field(default_factory=list)

    def show(self, text: str, share: float | None) -> None:
        self.shown.append((text, share))


def test_an_interrupt_leaves_a_line_that_says_how_to_go_on() -> None:
    cell = Written()
    with pytest.raises(Stopped) as stopped, in_cell(Tracker(), cell):
        raise KeyboardInterrupt
    assert cell.shown[0] == ("planning", 0.0)
    assert cell.shown[-1] == ("stopped with 0 of 0 trials done; run the cell again to go on", None)
    # What IPython prints in place of a traceback.
    assert stopped.value._render_traceback_() == ["stopped; run the cell again to go on"]


def test_an_error_is_said_and_raised() -> None:
    cell = Written()
    with pytest.raises(ValueError, match="no"), in_cell(Tracker(), cell):
        raise ValueError("no")
    assert cell.shown[-1] == ("ended by an error, with 0 of 0 trials done", None)


def test_a_run_that_ends_leaves_one_line_with_its_time() -> None:
    cell = Written()
    with in_cell(Tracker(), cell):
        pass
    text, share = cell.shown[-1]
    assert text.startswith("0 of 0 trials done, in 0.0")
    assert share is None


def test_decoding_is_shown_in_a_cell_at_most_twice_a_second() -> None:
    cell = Written()
    with in_cell(Tracker(), cell):
        report = reporting(Progress(what="decoding images", num=100))
        for done in range(1, 100):
            report(done)
    assert len(cell.shown) <= 3


def test_outside_of_a_notebook_there_is_no_cell() -> None:
    assert notebook_cell() is None


def test_nothing_is_said_with_progress_off(capsys: pytest.CaptureFixture[str]) -> None:
    with live_progress(1, "off"):
        pass
    assert capsys.readouterr().err == ""


def test_progress_is_shown_when_a_step_begins_and_all_workers_have_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "QUIET_PAUSE", 0.0)
    loaded = tiny(seeds=2)
    plan = make_plan(loaded.study, loaded.facts)
    first, second = (plan.steps[trial.train_keys[0]] for trial in plan.trials[:2])
    with live_progress(2) as (planned, listen):
        planned(plan, (), set())
        for step in (first, second):
            listen(step, None)
        listen(first, StepOutcome(key=first.key, status="done"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "2 running" in lines[1]
