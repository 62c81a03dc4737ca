"""Seeds that are added where evidence is short: rounds, budgets, and runs that are stopped."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headstart import flow
from headstart.analyse.analysis import Analysis, Comparison
from headstart.analyse.multiplicity import planned_level
from headstart.analyse.stopping import asked
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.flow.engine import questions as questions_of_study
from headstart.plan.steps import Step
from headstart.report.csv_tables import tables
from headstart.report.document import document
from headstart.report.first_screen import bar_groups
from headstart.report.html.page import page
from headstart.report.notes import stopping_lines
from headstart.report.run_summary import RunSummary
from headstart.store.store import Store
from studies import tiny

LOOKS = (3, 4, 6)
STUDY: dict[str, Any] = {
    "seeds": "auto",
    "looks": list(LOOKS),
    "sizes": [20, 60],
    "arms": ["scratch", "random_trunk", "probe", "full"],
    "margin": 25.0,
}


def loaded(**changes: Any) -> flow.Loaded:
    return tiny(**{**STUDY, **changes})


def ran(folder: Path, study: flow.Loaded, listen: Any = lambda *_: None) -> Analysis:
    options = RunOptions(store=folder, workers=1, device="cpu")
    return flow.run(study, options, listen=listen, command="headstart run tiny").analysis


def by_cell(analysis: Analysis) -> dict[tuple[str, str], Comparison]:
    return {(c.size, c.arm): c for c in analysis.comparisons}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rounds") / "store"


@pytest.fixture(scope="module")
def given(folder: Path) -> Analysis:
    return ran(folder, loaded())


def test_comparisons_without_a_verdict_go_on_and_others_end(given: Analysis) -> None:
    found = {len(c.seeds) for c in asked(given.comparisons)}
    assert len(found) > 1, "the study must have comparisons that end at different looks"
    for c in asked(given.comparisons):
        if c.verdict == "not enough evidence":
            assert (c.ended, len(c.seeds)) in {("last look", 6), ("out of reach", len(c.seeds))}
            assert c.stopped.startswith(f"not decided after {len(c.seeds)} seeds; ")
        else:
            assert (c.ended, c.stopped) == ("decided", f"decided after {len(c.seeds)} seeds")


def test_every_look_was_planned_and_is_held_to_its_level(given: Analysis, folder: Path) -> None:
    assert {c.level for c in given.comparisons} == {planned_level(3)}
    with Store(folder) as store:
        study = flow.reopen(store, "tiny").loaded
        questions = questions_of_study(study, store)
        looks = store.looks(question.tested for question in questions.values())
    assert all(look.planned for look in looks)
    for c in given.comparisons:
        key = questions[c.source, c.target, c.size, c.arm].key
        numbers = [len(look.seeds) for look in looks if look.question == key]
        assert numbers == [look for look in LOOKS if look <= len(c.seeds)]


def test_the_control_has_the_seeds_of_every_arm_beside_it(given: Analysis) -> None:
    results = {(r.size, r.arm): r.seeds for r in given.arms}
    for (size, arm), c in by_cell(given).items():
        assert c.seeds == results[size, arm] == results[size, "scratch"][: len(c.seeds)]
        if arm == "random_trunk":
            assert c.seeds == results[size, "scratch"]
            assert c.stopped == ""


def test_reports_and_runs_again_show_the_same(given: Analysis, folder: Path) -> None:
    with Store(folder) as store:
        again, _ = flow.report_again(store, flow.reopen(store, "tiny"))
        (progress,) = flow.progress(store)
    assert again == given
    assert (progress.seeds, progress.most_seeds) == (len(given.seeds), 6)
    assert progress.trials_done == progress.num_trials == given.num_trials
    assert ran(folder, loaded()) == given


def test_every_report_copes_with_seeds_that_differ(given: Analysis, folder: Path) -> None:
    assert all(gate.passed for gate in given.gates if gate.severity == "invalid")
    assert next(gate for gate in given.gates if gate.id == "CHK-17").passed is False
    summary = RunSummary(steps_run=0, steps_reused=0, seconds=1.0, command="headstart run tiny")
    shown = document(given, summary)
    for c, part in zip(given.comparisons, shown["comparisons"], strict=True):
        assert (part["seeds"], part["ended"], part["stopped"]) == ([*c.seeds], c.ended, c.stopped)
    _, rows = tables(given)["comparisons"]
    assert [row["stopped"] for row in rows] == [c.stopped for c in given.comparisons]
    html = page(given, summary)
    lines = stopping_lines(given)
    for c in asked(given.comparisons):
        assert c.stopped in html
        assert any(line.startswith(f"{c.stopped}: ") and c.arm in line for line in lines)


def test_the_headline_and_the_bars_compare_over_common_seeds(given: Analysis) -> None:
    results = {(r.size, r.arm): r for r in given.arms}
    for best, group in zip(given.preferred, bar_groups(given), strict=True):
        own, control = (results[best.size, arm].by_seed for arm in (best.arm, "scratch"))
        means = [sum(by[seed] for seed in best.seeds) / len(best.seeds) for by in (control, own)]
        assert [bar.accuracy for bar in group.bars] == pytest.approx(means)
        assert 100 * (means[1] - means[0]) == pytest.approx(best.gain_pp)


def without_times(analysis: Analysis) -> Analysis:
    """An analysis without what differs between two runs of the same trainings."""
    arms = tuple(replace(arm, seconds=0.0) for arm in analysis.arms)
    sources = tuple(replace(arm, seconds=0.0) for arm in analysis.sources)
    return replace(analysis, arms=arms, sources=sources, worth=(), picks=(), forgetting=())


@pytest.mark.parametrize("steps", [30, 95, 115])
def test_a_run_that_was_stopped_goes_on_to_the_same_result(
    given: Analysis, tmp_path: Path, steps: int
) -> None:
    done = 0

    def stop(_: Step, outcome: StepOutcome | None) -> None:
        nonlocal done
        done += outcome is not None
        if done >= steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "s", loaded(), stop)
    with Store(tmp_path / "s") as store:
        part, _ = flow.report_again(store, flow.reopen(store, "tiny"))
    assert part.num_done < part.num_trials
    assert without_times(ran(tmp_path / "s", loaded())) == without_times(given)


def test_a_budget_ends_comparisons_and_says_so(given: Analysis, folder: Path) -> None:
    short = loaded(minutes=0.001)
    analysis = ran(folder, short)
    assert analysis.seeds == (0, 1, 2)
    ends = {c.ended for c in asked(analysis.comparisons)}
    assert ends == {"decided", "budget"}
    undecided = [c for c in asked(analysis.comparisons) if c.ended == "budget"]
    assert {c.stopped for c in undecided} == {
        "not decided after 3 seeds; the budget of 0.001 minutes ended"
    }
    assert ran(folder, short) == analysis
    enough = ran(folder, loaded(minutes=1000))
    assert {(c.arm, c.size, c.seeds, c.verdict) for c in enough.comparisons} == {
        (c.arm, c.size, c.seeds, c.verdict) for c in given.comparisons
    }


def test_a_plan_has_the_first_round_and_the_worst_case(tmp_path: Path) -> None:
    cost = flow.cost_of_run(loaded(minutes=2.0), tmp_path / "none", 1)
    assert cost.num_trials == 2 * 4 * 3
    assert cost.most is not None
    assert (cost.most.looks, cost.most.num_trials, cost.minutes) == (LOOKS, 2 * 4 * 6, 2.0)
    assert cost.most.seconds > cost.seconds
    assert flow.cost_of_run(tiny(), tmp_path / "none", 1).most is None


def test_a_study_without_transfer_arms_goes_on_with_all_of_its_arms(tmp_path: Path) -> None:
    analysis = ran(tmp_path / "s", loaded(arms=["scratch", "random_trunk"], margin=0.1))
    assert all(c.stopped for c in analysis.comparisons)
