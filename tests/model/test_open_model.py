"""Which model of a study is opened, and that it answers as the predict step did, bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trained import trained_study

import headstart as hs
from headstart.core.errors import DataError, HeadstartError, SpecError, StoreError
from headstart.data import tasks
from headstart.execute import worker
from headstart.execute.job import Computed
from headstart.flow import Wanted, open_model
from headstart.model.predictor import Predictor
from headstart.store.store import Store
from headstart.study.tasks import DataRef, SplitSpec
from studies import tiny_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_study(tmp_path_factory.mktemp("models") / "store")


def test_probabilities_are_those_of_the_predict_step(folder: Path) -> None:
    opened = open_model(folder, "tiny")
    origin = opened.model.origin
    (trial,) = [
        trial
        for trial in opened.images.plan.trials
        if (trial.arm, trial.size, trial.seed) == (origin.arm, origin.size, origin.seed)
    ]
    groups = [[0], [1], [2], [3], [4]]
    test = tasks.test_part(DataRef(dataset="mnist-mini"), groups, SplitSpec())
    with Store(folder, reading=True) as store:
        stored = store.arrays(trial.predict_key)["probabilities"]
    assert opened.model.classes == ("0", "1", "2", "3", "4")
    np.testing.assert_array_equal(Predictor(opened.model).probabilities(test.pixels), stored)


def test_the_best_is_what_validation_prefers_at_the_largest_size(folder: Path) -> None:
    opened = open_model(folder, "tiny")
    pick = max(opened.analysis.picks, key=lambda pick: pick.num_images)
    origin = opened.model.origin
    assert (origin.arm, origin.size, origin.num_images) == (pick.arm, "60", 60)
    (result,) = [r for r in opened.analysis.arms if (r.arm, r.size) == (pick.arm, "60")]
    others = [open_model(folder, "tiny", Wanted(seed=seed)).model.origin for seed in result.seeds]
    best = max(other.validation_accuracy or 0 for other in others)
    assert origin.validation_accuracy == best
    assert origin.seed == min(o.seed for o in others if o.validation_accuracy == best)
    assert opened.why.startswith(f"validation prefers {pick.arm} with 60 images (")
    assert f"of its seeds {origin.seed} has the best validation accuracy" in opened.why
    assert origin.test is not None
    assert result.test_accuracy[origin.seed] == origin.test.accuracy


def test_python_opens_the_model_that_is_named(folder: Path) -> None:
    predictor = hs.load_model("tiny", store=folder, arm="scratch", size="20", seed=1)
    origin = predictor.model.origin
    assert (origin.arm, origin.size, origin.seed, origin.study) == ("scratch", "20", 1, "tiny")
    with pytest.raises(DataError, match=r"images are float64 \(1, 28, 28, 1\)\. Expected uint8"):
        predictor.probabilities(np.zeros((1, 28, 28, 1)))
    assert predictor.probabilities(np.zeros((0, 28, 28, 1), np.uint8)).shape == (0, 5)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"arm": "ful", "size": "600"},
            "the model of study 'tiny' has 2 problems:\n"
            "  1. arm 'ful' is not known.\n     Known: best, full, scratch.\n"
            "     Did you mean 'full'?\n"
            "  2. size '600' is not known.\n     Known: 20, 60.\n     Did you mean '60'?",
        ),
        ({"seed": 7}, "has no finished trial with seed 7. Finished: 0, 1."),
        ({"target": "y"}, "target 'y' is not known.\n     Known: target."),
    ],
)
def test_a_model_that_is_not_there(folder: Path, wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(HeadstartError) as raised:
        open_model(folder, "tiny", Wanted(**wanted))
    assert message in str(raised.value)


def test_statistics_of_the_source_travel_with_the_model(tmp_path: Path) -> None:
    folder = trained_study(
        tmp_path / "store",
        sizes=[20],
        seeds=1,
        preprocessing={"standardise": "pixel"},
    )
    model = open_model(folder, "tiny", Wanted(arm="full")).model
    assert model.scaling.standardiser is not None
    assert model.scaling.standardiser.mean.shape == (1, 28, 28, 1)


def test_an_arm_whose_trials_failed_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker._Work.train

    def failing(work: Any, ready: Any) -> None:
        for one in ready:
            if one.step.label.startswith("full"):
                failed = Computed(key=one.step.key, error="ValueError: no memory")
                work.computed[one.step.key] = failed
            else:
                real(work, [one])

    monkeypatch.setattr(worker._Work, "train", failing)
    folder = trained_study(tmp_path / "store", sizes=[20], seeds=1)
    with pytest.raises(StoreError) as raised:
        open_model(folder, "tiny", Wanted(arm="full"))
    assert str(raised.value) == (
        "arm 'full' has no finished trial. Failed: full on target, 20, seed 0: ValueError: no "
        "memory. Run the study again: headstart run ..."
    )


def test_without_validation_images_an_arm_must_be_named(tmp_path: Path) -> None:
    tasks = tiny_table()["tasks"]
    tasks["target"]["split"] = {"validation": 0}
    training = {"updates": 6, "batch_size": 16, "validations": 3, "keep": "last"}
    folder = trained_study(tmp_path / "store", sizes=[20], tasks=tasks, training=training)
    with pytest.raises(StoreError) as raised:
        open_model(folder, "tiny")
    assert str(raised.value) == (
        "study 'tiny' has no validation images, so no arm is preferred. Choose one: --arm scratch"
    )
    opened = open_model(folder, "tiny", Wanted(arm="full"))
    assert opened.why == (
        "full with 20 images was asked for; seed 0 is the first, as nothing was validated"
    )
    assert opened.model.origin.validation_accuracy is None


def test_an_arm_that_trains_nothing_is_no_model(tmp_path: Path) -> None:
    folder = trained_study(tmp_path / "store", sizes=[20], seeds=1, arms=["scratch", "label_map"])
    with pytest.raises(StoreError, match="arm 'label_map' trains no network, so"):
        open_model(folder, "tiny", Wanted(arm="label_map"))


def test_a_task_that_inverts_its_images_has_no_model(tmp_path: Path) -> None:
    tasks = tiny_table()["tasks"]
    tasks["target"]["alter"] = ["inverted_images"]
    folder = trained_study(tmp_path / "store", sizes=[20], seeds=1, tasks=tasks)
    with pytest.raises(StoreError, match="task 'target' inverts its images"):
        open_model(folder, "tiny")


def test_of_several_targets_one_must_be_named(tmp_path: Path) -> None:
    tasks = tiny_table()["tasks"]
    tasks["other"] = {**tasks["target"], "classes": [0, 1, 2]}
    pairs = [{"source": "source", "target": name} for name in ("target", "other")]
    folder = trained_study(tmp_path / "store", sizes=[20], seeds=1, tasks=tasks, pairs=pairs)
    with pytest.raises(SpecError) as raised:
        open_model(folder, "tiny")
    assert str(raised.value) == (
        "the model of study 'tiny' has 1 problem:\n"
        "  1. the study has 2 targets, and their classes differ.\n"
        "     Known: other, target.\n     Choose one of them as the target."
    )
    assert open_model(folder, "tiny", Wanted(target="other")).model.classes == ("0", "1", "2")


def test_of_several_sources_validation_prefers_one(tmp_path: Path) -> None:
    tasks = tiny_table()["tasks"]
    tasks["other"] = {**tasks["source"], "classes": [5, 6, 7]}
    pairs = [{"source": name, "target": "target"} for name in ("source", "other")]
    changes = {"sizes": [20], "seeds": 1, "tasks": tasks, "pairs": pairs, "arms": ["probe", "full"]}
    folder = trained_study(tmp_path / "store", **changes, control="full")
    opened = open_model(folder, "tiny")
    best = max(opened.analysis.picks, key=lambda pick: pick.validation_mean)
    assert opened.model.origin.source == best.source
    for source in ("source", "other"):
        assert open_model(folder, "tiny", Wanted(source=source)).model.origin.source == source
    chosen = hs.load_model("tiny", store=folder, arm="probe", source="other").model.origin
    assert (chosen.arm, chosen.source) == ("probe", "other")
