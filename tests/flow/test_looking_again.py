"""Results that were shown are remembered by the store, whatever study and command showed them."""

from pathlib import Path
from typing import Any

import pytest

from headstart import flow
from headstart.analyse.analysis import Analysis, Comparison
from headstart.analyse.multiplicity import later_level, planned_level
from headstart.analyse.validation import Validation
from headstart.execute.options import RunOptions
from headstart.flow.validation_paths import PATHS, num_seeds
from headstart.store.store import Store
from headstart.study.study import LOOKS
from studies import tiny, tiny_table

ARMS = ["scratch", "probe", "full"]


def shown(folder: Path, **changes: Any) -> Analysis:
    """What a run of the tiny study shows."""
    loaded = tiny(**{"sizes": [20], "arms": ARMS, "seeds": 3, **changes})
    options = RunOptions(store=folder, workers=1, device="cpu")
    return flow.run(loaded, options, listen=lambda *_: None).analysis


def of_full(analysis: Analysis) -> Comparison:
    (found,) = (c for c in analysis.comparisons if c.arm == "full" and c.size == "20")
    return found


def test_a_study_of_fewer_arms_and_sizes_is_judged_as_before(store_folder: Path) -> None:
    everything = shown(store_folder, sizes=[20, 60])
    alone = shown(store_folder, arms=["scratch", "full"], name="another")
    assert alone.strictness.family_size == everything.strictness.family_size == 4
    assert alone.strictness.shown_before == 3
    assert of_full(alone) == of_full(everything)
    assert "4 comparisons of transfer arms (3 of them shown before in this store; Holm;" in "".join(
        alone.detail
    )


def test_other_test_images_are_another_family(store_folder: Path) -> None:
    shown(store_folder)
    tasks = tiny_table()["tasks"]
    fewer = {**tasks["target"], "classes": [0, 1, 2, 3]}
    assert shown(store_folder, tasks={**tasks, "target": fewer}).strictness.shown_before == 0


def test_more_and_other_seeds_are_later_looks(store_folder: Path) -> None:
    assert of_full(shown(store_folder)).level == planned_level(1)
    assert of_full(shown(store_folder)).level == planned_level(1)
    assert of_full(shown(store_folder, seeds=4)).level == later_level(1)
    assert of_full(shown(store_folder, seeds=[0, 5, 6])).level == later_level(2)
    assert of_full(shown(store_folder, seeds=[5, 6, 7])).level == later_level(3)
    with Store(store_folder) as store:
        again, _ = flow.report_again(store, flow.reopen(store, "tiny"))
    assert of_full(again).level == later_level(3)


def test_a_stopped_run_shows_estimates_and_spends_no_look(store_folder: Path) -> None:
    shown(store_folder, seeds=2)
    loaded = tiny(sizes=[20], arms=ARMS, seeds=3)
    with Store(store_folder) as store:
        flow.save_study(store, loaded, "headstart run tiny")
        part, _ = flow.report_again(store, flow.reopen(store, "tiny"))
    assert {c.verdict for c in part.comparisons} == {"unfinished"}
    assert {c.low_pp for c in part.comparisons} == {None}
    assert "an estimate of an unfinished study" in part.headline
    assert all(gate.passed for gate in part.gates if gate.id == "CHK-19")
    assert of_full(shown(store_folder)).look == 1


def test_a_margin_that_is_changed_is_said_and_not_used(store_folder: Path) -> None:
    first = shown(store_folder)
    changed = shown(store_folder, margin=30.0)
    assert of_full(changed).margin_pp == 1.0
    assert of_full(changed).verdict == of_full(first).verdict
    assert "The margin of 30 points was chosen after results were seen" in changed.headline


def validated(folder: Path, path: Any, studies: int) -> tuple[Validation, list[int]]:
    """Null studies of a path, and the number of seeds of each plan that was executed."""
    seen: list[int] = []
    done = flow.validate(
        "null",
        RunOptions(store=folder, workers=1, device="cpu"),
        studies=studies,
        seed=0,
        path=path,
        listen=lambda *_: None,
        planned=lambda plan, *_: seen.append(len({trial.seed for trial in plan.trials})),
    )
    return done.validation, seen


@pytest.mark.slow
@pytest.mark.parametrize("path", [*PATHS])
def test_each_path_of_the_null_studies_judges_every_study(store_folder: Path, path: Any) -> None:
    validation, seen = validated(store_folder, path, 1)
    assert seen == [num_seeds(path)]
    assert (validation.path, validation.studies, validation.invalid) == (path, 1, 0)


@pytest.mark.slow
def test_null_studies_get_further_seeds_in_rounds(store_folder: Path) -> None:
    validation, seen = validated(store_folder, "auto", 3)
    assert seen[0] == 3 * LOOKS[0]
    assert all(number <= 3 * LOOKS[-1] for number in seen)
    assert (validation.studies, validation.invalid) == (3, 0)
