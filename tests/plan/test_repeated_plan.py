"""Plans of repeated splits: what names the seed, what does not, and what is chosen where."""

from typing import Any

import pytest
from plans import STUDY, plan_of
from test_pilot import TUNED, settled

from headstart.plan.steps import Plan, Trial

REPEATED = {"test": "repeated", "validation": 0.2}
TASKS: dict[str, Any] = {
    "source": STUDY["tasks"]["source"],
    "target": {**STUDY["tasks"]["target"], "split": REPEATED},
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(tasks=TASKS, sizes=[20, "all"])


def data_of(plan: Plan, trial: Trial) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a trial is trained on and what it is tested on."""
    train = plan.steps[trial.train_keys[0]].payload["data"]
    return train["split"], plan.steps[trial.predict_key].payload["data"]


def test_images_are_named_by_the_seed_for_training_and_for_testing(plan: Plan) -> None:
    for trial in plan.trials:
        split, test = data_of(plan, trial)
        cut = {"test": "repeated", "split_seed": 0, "test_seed": trial.seed}
        assert split == {"by": "stratified", "validation": 0.2, "seed": 0, **cut}
        assert test.keys() - cut.keys() == {"content", "groups"}
        assert {name: test[name] for name in cut} == cut
    assert all(not data_of(plan, source)[1].keys() & {"test_seed"} for source in plan.sources)


def test_all_images_are_dealt_published_test_images_included(plan: Plan) -> None:
    # 5 classes of 100 + 20 images: 120 are tested, a fifth of the other 480 validates.
    assert {t.num_images for t in plan.trials if t.size == "all"} == {384}


def test_copies_are_sought_in_the_split_of_every_seed(plan: Plan) -> None:
    keys = plan.overlaps["source", "target"]
    assert len(set(keys)) == 3
    seeds = [plan.steps[key].payload["test"]["test_seed"] for key in keys]
    assert seeds == [0, 1, 2]
    for trial in plan.trials:
        overlap = plan.steps[plan.steps[trial.score_key].inputs[1]]
        assert overlap.payload["test"]["test_seed"] == trial.seed
        assert overlap.payload["target"]["split"]["test_seed"] == trial.seed
        assert "subset" not in overlap.payload["target"]


def test_the_list_of_mistakes_is_of_all_images_and_knows_what_leaked_in_each_seed(
    plan: Plan,
) -> None:
    (key,) = plan.mistakes.values()
    step = plan.steps[key]
    assert "test_seed" not in step.payload["test"]
    inputs = [step.inputs[number] for number in step.payload["overlap"]]
    assert inputs == list(plan.overlaps["source", "target"])


def test_more_seeds_leave_the_steps_of_the_others_as_they_are(plan: Plan) -> None:
    more = plan_of(tasks=TASKS, sizes=[20, "all"], seeds=6)
    assert {t.score_key for t in plan.trials} < {t.score_key for t in more.trials}


def test_each_seed_chooses_its_rates_on_its_own_validation_images() -> None:
    tuned = settled({"full": 0.01}, tasks=TASKS, training=TUNED, sizes=[20], margin="auto")
    choices = tuned.choices["source", "target", "20"]
    assert [choice.seed for choice in choices] == [0, 1, 2]
    assert tuned.margins == {("source", "target", "20"): 1.0}
    for step in tuned.steps.values():
        if step.kind == "train" and step.payload["role"] != "source":
            assert step.payload["seed"] == step.payload["data"]["split"]["test_seed"] != 9999
    # The training that counts is the one that was tried: nothing is trained twice.
    tried = {key for s in tuned.steps.values() if s.kind == "select" for key in s.inputs}
    assert {key for trial in tuned.trials for key in trial.train_keys} <= tried


def test_trials_of_a_seed_wait_for_its_own_choice_alone() -> None:
    waiting = plan_of(tasks=TASKS, training=TUNED, source_training=STUDY["training"], sizes=[20])
    assert waiting.num_waiting == waiting.num_trials == 15
    assert len(waiting.undecided) == 3
    assert waiting.settling == ("learning rates",)
