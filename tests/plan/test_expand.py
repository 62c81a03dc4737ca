"""A plan: every trial with the steps it needs, each step once and after its inputs."""

from typing import Any

import pytest
from plans import CONTENT, STUDY, digits, first_step, plan_of, source, trial

from headstart.plan.expand import make_plan
from headstart.study.facts import Facts
from headstart.study.study import StudySpec

CHAIN = [
    "scratch",
    {"name": "later", "start": "first", "strategy": "full"},
    {"name": "first", "start": "source", "strategy": "probe_then_full"},
]


def test_steps_of_the_study_are_counted() -> None:
    plan = plan_of()
    kinds = [step.kind for step in plan.steps.values()]
    # 3 source runs; for each of 2 sizes and 3 seeds: 4 arms of one phase, 1 arm of two.
    assert kinds.count("train") == 3 + 2 * 3 * (4 + 2)
    assert len(plan.trials) == 2 * 3 * 5
    assert len(plan.sources) == 3
    assert kinds.count("predict") == 2 * 3 * 5 + 3
    assert kinds.count("overlap") == 1
    assert len(kinds) == len(plan.steps)


def test_a_plan_is_pure() -> None:
    study, facts = StudySpec(**STUDY), Facts(datasets={"digits": digits()})
    before = study.model_dump_json()
    one, two = make_plan(study, facts), make_plan(study, facts)
    assert one == two
    assert list(one.steps) == list(two.steps)
    assert study.model_dump_json() == before


@pytest.mark.parametrize("changes", [{}, {"arms": CHAIN}])
def test_every_step_comes_after_its_inputs(changes: dict[str, Any]) -> None:
    seen: set[str] = set()
    for key, step in plan_of(**changes).steps.items():
        assert key == step.key
        assert set(step.inputs) <= seen
        seen.add(key)


def test_trials_come_in_the_order_of_the_study() -> None:
    found = [(t.size, t.arm, t.seed) for t in plan_of().trials]
    assert found == [
        (size, arm, seed) for size in ("20", "60") for arm in STUDY["arms"] for seed in range(3)
    ]


def test_a_source_run_is_shared_by_arms_and_sizes() -> None:
    plan = plan_of()
    for seed in range(3):
        (shared,) = source(plan, seed).train_keys
        for arm in ("probe", "full", "probe_then_full"):
            for size in ("20", "60"):
                assert first_step(plan, arm, size, seed).inputs == (shared,)
        for arm in ("scratch", "random_trunk"):
            assert first_step(plan, arm, seed=seed).inputs == ()


def test_pairs_with_one_source_share_its_runs() -> None:
    tasks = {**STUDY["tasks"], "other": {"dataset": "digits", "classes": [0, 2]}}
    pairs = [{"source": "source", "target": "target"}, {"source": "source", "target": "other"}]
    plan = plan_of(tasks=tasks, pairs=pairs, arms=["scratch", "full"])
    assert len(plan.sources) == 3
    assert {(t.source, t.target) for t in plan.trials} == {
        ("source", "target"),
        ("source", "other"),
    }


def test_a_source_run_is_not_planned_where_nothing_starts_from_it() -> None:
    plan = plan_of(arms=["scratch", "random_trunk"])
    assert plan.sources == ()
    assert all(step.payload.get("role") != "source" for step in plan.steps.values())


def test_a_source_run_learns_from_all_images_of_the_source_task() -> None:
    run = source(plan_of(source_training={"epochs": 2, "batch_size": 50}))
    assert (run.arm, run.size) == ("source run", "all")
    assert run.num_images == 450  # a tenth of 500 is validation
    assert run.updates == 2 * 9


def test_arms_that_share_a_phase_share_its_step() -> None:
    plan = plan_of()
    probe, both = trial(plan, "probe"), trial(plan, "probe_then_full")
    assert probe.train_keys[0] != both.train_keys[0]  # 12 updates and 6 are two steps
    twin = {"name": "twin", "start": "source", "strategy": "probe"}
    plan = plan_of(arms=["scratch", "probe", twin])
    assert trial(plan, "twin").train_keys == trial(plan, "probe").train_keys
    assert trial(plan, "twin").predict_key == trial(plan, "probe").predict_key
    assert len(plan.steps) == len(plan_of(arms=["scratch", "probe"]).steps)


def test_phases_follow_one_another() -> None:
    plan = plan_of()
    two = trial(plan, "probe_then_full")
    first, second = (plan.steps[key] for key in two.train_keys)
    assert second.inputs == (first.key,)
    assert (first.payload["first_update"], second.payload["first_update"]) == (0, 6)
    assert (first.payload["measure_at"], second.payload["measure_at"]) == ([4], [8, 12])
    assert second.payload["start"] == "continue"
    assert two.predict_key is not None
    assert plan.steps[two.predict_key].inputs == two.train_keys
    assert first.label == "probe_then_full on target, 20, seed 0, phase 1 of 2"
    assert plan.steps[two.predict_key].label == "test of probe_then_full on target, 20, seed 0"


def test_an_arm_that_starts_from_another_takes_its_steps() -> None:
    plan = plan_of(arms=CHAIN)
    assert len(trial(plan, "first").train_keys) == 2
    later = first_step(plan, "later")
    assert later.inputs == trial(plan, "first").train_keys
    assert later.payload["start"] == [
        {"stages": ["conv", "dense"], "inputs": [0, 1], "keep": "best"}
    ]
    for size in ("20", "60"):
        for seed in range(3):
            step = first_step(plan, "later", size, seed)
            assert step.inputs == trial(plan, "first", size, seed).train_keys
    assert len(plan.trials) == 3 * 2 * 3


@pytest.mark.parametrize(
    ("start", "rules", "origins"),
    [
        ("fresh", [], []),
        ([{"origin": "fresh"}], [], []),
        ("source", [(["conv", "dense"], [0])], ["source"]),
        ([{"last": "conv"}], [(["conv"], [0])], ["source"]),
        ([{"first": "dense"}], [(["dense"], [0])], ["source"]),
        ([{"last": "head", "origin": "full"}], [(["conv", "dense", "head"], [0])], ["full"]),
        # The first rule that covers a stage wins.
        ([{"first": "conv", "last": "conv", "origin": "fresh"}, {}], [(["dense"], [0])],
         ["source"]),
        (
            [{"last": "conv"}, {"first": "head", "last": "head", "origin": "full"}],
            [(["conv"], [0]), (["head"], [1])],
            ["source", "full"],
        ),
        # One origin twice is one input.
        (
            [{"last": "conv"}, {"first": "dense", "last": "head"}],
            [(["conv"], [0]), (["dense", "head"], [0])],
            ["source"],
        ),
        ([{}, {"origin": "full"}], [(["conv", "dense"], [0])], ["source"]),
    ],
)  # fmt: skip
def test_start_rules_by_stage(
    start: Any, rules: list[tuple[list[str], list[int]]], origins: list[str]
) -> None:
    plan = plan_of(arms=["scratch", "full", {"name": "x", "start": start, "strategy": "full"}])
    step = first_step(plan, "x")
    expected = [{"stages": stages, "inputs": at, "keep": "best"} for stages, at in rules]
    keys = {"source": source(plan).train_keys[0], "full": trial(plan, "full").train_keys[0]}
    assert step.payload["start"] == expected
    assert step.inputs == tuple(keys[origin] for origin in origins)


def test_which_weights_count_goes_with_the_training_they_come_from() -> None:
    trained = {**STUDY["training"], "keep": "last"}
    plan = plan_of(source_training=trained, arms=["scratch", "full", CHAIN[1], CHAIN[2]])
    assert first_step(plan, "full").payload["start"][0]["keep"] == "last"
    assert first_step(plan, "later").payload["start"][0]["keep"] == "best"


def test_trials_tell_their_size_in_numbers() -> None:
    plan = plan_of()
    conv, dense, head = 4 * 9 + 4, 5 * 5 * 4 * 8 + 8, 8 * 5 + 5
    full, probe = trial(plan, "full"), trial(plan, "probe")
    assert full.total_parameters == probe.total_parameters == conv + dense + head
    assert (full.trainable_parameters, probe.trainable_parameters) == (conv + dense + head, head)
    assert (full.num_images, full.updates, trial(plan, "full", "60").num_images) == (20, 12, 60)
    assert full.flops > probe.flops > 0
    assert full.flops == sum(plan.steps[key].flops for key in full.train_keys)


def test_small_sizes_get_smaller_batches() -> None:
    training = {**STUDY["training"], "batch_size": 32}
    plan = plan_of(training=training)
    assert first_step(plan, "scratch", "20").payload["batch_size"] == 20
    assert first_step(plan, "scratch", "60").payload["batch_size"] == 32


@pytest.mark.parametrize(
    ("size", "subset"),
    [
        (20, {"images": 20, "seed": 1, "role": "target"}),
        ("4 per class", {"per_class": 4, "seed": 1, "role": "target"}),
        ("5%", {"images": 20, "seed": 1, "role": "target"}),
        (400, None),
        ("all", None),
        ("100%", None),
    ],
)
def test_what_is_drawn_for_a_size(size: Any, subset: dict[str, Any] | None) -> None:
    plan = plan_of(sizes=[size])
    (scratch, *_) = (t for t in plan.trials if t.arm == "scratch" and t.seed == 1)
    assert plan.steps[scratch.train_keys[0]].payload["data"].get("subset") == subset


def test_steps_know_where_their_data_lies() -> None:
    for step in plan_of().steps.values():
        assert {key: ref.dataset for key, ref in step.datasets.items()} == {CONTENT: "digits"}


def test_trainings_name_training_images_and_predictions_name_test_images() -> None:
    for step in plan_of().steps.values():
        if step.kind == "train":
            assert "split" in step.payload["data"]
        if step.kind == "predict":
            assert step.payload["data"].keys() == {"content", "groups"}


def test_a_score_reads_its_prediction_and_what_leaked() -> None:
    plan = plan_of()
    ((overlap,),) = plan.overlaps.values()
    for found in plan.trials:
        score = plan.steps[found.score_key]
        assert (score.kind, score.inputs) == ("score", (found.predict_key, overlap))
    for found in plan.sources:
        assert plan.steps[found.score_key].inputs == (found.predict_key,)
    kinds = [step.kind for step in plan.steps.values()]
    assert kinds.count("score") == kinds.count("predict")


def test_one_prediction_for_two_pairs_is_scored_for_each() -> None:
    tasks = {**STUDY["tasks"], "other": {"dataset": "digits", "classes": [7, 8]}}
    pairs = [{"source": "source", "target": "target"}, {"source": "other", "target": "target"}]
    plan = plan_of(tasks=tasks, pairs=pairs, arms=["scratch", "full"])
    one, two = (t for t in plan.trials if (t.arm, t.size, t.seed) == ("scratch", "20", 0))
    assert one.predict_key == two.predict_key
    assert one.score_key != two.score_key


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        (60, {"images": 60, "seed": 0, "role": "target"}),
        (2500, {"images": 2000, "seed": 0, "role": "target"}),
        ("500 per class", {"per_class": 400, "seed": 0, "role": "target"}),
        ("all", {"images": 2000, "seed": 0, "role": "target"}),
    ],
)
def test_the_fit_is_measured_on_two_thousand_images_at_most(size: Any, drawn: Any) -> None:
    plan = plan_of(digits(train_counts=(1000,) * 10), sizes=[size])
    (scratch,) = (t for t in plan.trials if (t.arm, t.seed) == ("scratch", 0))
    assert plan.steps[scratch.predict_key].payload["train"]["subset"] == drawn


def test_the_fit_on_few_images_is_measured_on_all() -> None:
    plan = plan_of(sizes=["all"])
    (scratch,) = (t for t in plan.trials if (t.arm, t.seed) == ("scratch", 0))
    data = plan.steps[scratch.train_keys[0]].payload["data"]
    assert plan.steps[scratch.predict_key].payload["train"] == data


def test_forgetting_puts_the_sources_head_on_the_trained_trunk() -> None:
    plan = plan_of(forgetting=True)
    two, own = trial(plan, "probe_then_full"), source(plan)
    assert two.forgetting_key is not None
    (predict,) = plan.steps[two.forgetting_key].inputs
    step = plan.steps[predict]
    assert step.inputs == (*two.train_keys, *own.train_keys)
    assert step.payload["weights"] == [
        {"stages": ["conv", "dense"], "inputs": [0, 1], "keep": "best"},
        {"stages": ["head"], "inputs": [2], "keep": "best"},
    ]
    assert step.payload["data"] == plan.steps[own.predict_key].payload["data"]
    assert trial(plan, "scratch").forgetting_key is None
    # What was asked for in addition changes nothing else.
    assert plan_of().steps.keys() < plan.steps.keys()
