"""What the page of a study says while it runs, waits, loses a worker, or is started again."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sites import SMALL, begun, stored, until_verdict_has

from headstart import flow
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.flow.live import Live
from headstart.plan.steps import Step
from headstart.store.events import PlanMade, run_events
from headstart.store.store import Store
from headstart.web.pages import jinja, study_parts
from headstart.web.resume import Started
from studies import tiny

RATES = {"updates": 9, "rates": [0.01, 0.1]}


def test_lost_workers_and_what_waits_are_said(tmp_path: Path) -> None:
    stored(tmp_path)
    live = Live(tmp_path, 1)
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(begun())
        run.write(PlanMade(num_steps=9, num_stored=9))
        live.refresh()
        assert live.watch.state == "running"
        live.watch.lost = {"a"}
        parts = study_parts(live, "0/1", False, None)
        assert "1 step had to be begun again" in parts["workers"]
        assert "that did it was killed or crashed" in parts["workers"]
        matrix = replace(
            live.matrix(),
            sources=(),
            parts=(),
            num_waiting=18,
            settling=("learning rates", "margin"),
            pilots=7,
            pilots_done=2,
        )
        macros: Any = jinja().get_template("parts.html.j2").module
        shown = macros.matrix(matrix, lambda *_: "")
        assert (
            "18 trials wait until validation has settled this: learning rates and margin. "
            "2 of 7 trainings planned for that are done." in shown
        )
        assert "A column for each seed" not in shown


def test_the_trainings_that_settle_what_trials_wait_for_are_counted(tmp_path: Path) -> None:
    loaded, options = tiny(**SMALL, training=RATES), RunOptions(store=tmp_path, workers=1)
    seen: list[tuple[int, int]] = []

    def listen(_: Step, outcome: StepOutcome | None) -> None:
        live = Live(tmp_path, 1)
        live.watch.poll()
        if outcome is None and live.study.plan.num_waiting:
            found = live.matrix()
            seen.append((found.pilots_done, found.pilots))

    flow.run(loaded, options, listen=listen)
    assert seen[0][0] == 0
    assert all(0 <= done <= planned for done, planned in seen)
    assert max(done for done, _ in seen) >= 2


def test_a_run_that_is_being_started_again_is_not_called_interrupted(tmp_path: Path) -> None:
    stored(tmp_path)
    live = Live(tmp_path, 1)
    live.refresh()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = Started(process=process, log=tmp_path / "log.txt")
        parts = study_parts(live, "0/1", False, started)
        assert '<span class="badge starting">starting</span>' in parts["state"]
        assert parts["announced"] == "It is being started."
        started.see(begun(process=process.pid))
        assert "finished" in study_parts(live, "0/1", False, started)["state"]
        process.communicate(b"\n")


def test_a_gain_of_one_seed_has_no_interval_yet(tmp_path: Path) -> None:
    stored(tmp_path)
    with Store(tmp_path, reading=True) as store:
        plan = flow.reopen(store, "tiny").plan
        for trial in plan.trials:
            if trial.seed == 1:
                store.drop(trial.score_key)
                store.drop(trial.predict_key)
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(begun(process=2**22 + 1))
        run.write(PlanMade(num_steps=9, num_stored=7))
    live = Live(tmp_path, 1)
    until_verdict_has(live, "no interval yet")
    assert (
        "of the work is done. 2 of 4 trials done."
        in study_parts(live, "0/1", False, None)["progress"]
    )
