"""Keys: pinned for good, the same for the same work, another for any change of it."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plans import STUDY, digits, first_step, plan_of, source, trial

from headstart.execute.options import RunOptions
from headstart.plan.steps import Plan, step_key

LOST = (
    "The key of an unchanged study has changed: every result stored under the old key would be "
    "lost. A field that is new must be absent from its payload until it is used. Where the meaning "
    "of a step has really changed, bump its number in VERSIONS, say so in the changelog, and only "
    "then pin the new keys."
)


def keys_of(plan: Plan) -> dict[str, str]:
    """One key of each kind of step, by what it is."""
    two = trial(plan, "probe_then_full", "60", 1)
    scratch, full = trial(plan, "scratch"), trial(plan, "full")
    assert scratch.predict_key is not None
    assert two.predict_key is not None
    return {
        "source run": source(plan).train_keys[0],
        "fresh arm": scratch.train_keys[0],
        "transferred arm": full.train_keys[0],
        "first phase": two.train_keys[0],
        "second phase": two.train_keys[1],
        "test": scratch.predict_key,
        "test of two phases": two.predict_key,
    }


GOLDEN = {
    "source run": "5dce077905aebed19eabaedc14f36f9665892a47a1de695e16ebb88f9c5ab8bf",
    "fresh arm": "d3ebc78322ec33f90bc62eaf2d6ff04d4fe208c2fe9b7ede9d1ead43a182c0d9",
    "transferred arm": "573eabdfeff4fb79e5df3d9283b836e86725520321573bbe700ae653201a6b44",
    "first phase": "c6b45c3c085f236e762447ac5ec6421f28ee59a5a136e4b3f751c8bc8af364d5",
    "second phase": "d243cce4b12e9b028217c7f106216701f8483f26547f0c53b90821648a9867d8",
    "test": "90acd57ee79e9f5a3a8acc6c295400e11c90cb86b984083dc879a7616c6df648",
    "test of two phases": "6a368681a93ad0551d7e649be2468de7432a93c6772cd4fd93432c068480fd1e",
}


def test_keys_are_pinned() -> None:
    assert keys_of(plan_of()) == GOLDEN, LOST


def test_the_key_of_a_score_is_pinned() -> None:
    plan = plan_of()
    found = trial(plan, "scratch").score_key, source(plan).score_key
    assert found == (
        "95537f86a1423b43b56d605ac9a9a3805f22b37184430cc0a32f005f8d3715b2",
        "80ce26b640591e53ba2e6303303925d1a646b77619308b7aa2a24d682f3d0036",
    ), LOST


def test_the_key_of_a_list_of_mistakes_is_pinned_and_stands_for_its_arms_and_seeds() -> None:
    plan = plan_of()
    (place,) = plan.mistakes
    assert place == ("source", "target", "60")
    found = plan.mistakes[place]
    assert found == "16a5afa92eb8b8c3b934cadd2ed7ad90882cf96ae8cb70664b595c871263d496", LOST
    renamed = plan_of(name="other", sizes=[60, 20])
    assert renamed.mistakes[place] == found
    for changes in ({"seeds": 4}, {"control": "probe"}, {"arms": ["scratch", "full"]}):
        assert plan_of(**changes).mistakes[place] != found


def test_the_keys_of_choices_and_of_the_search_for_copies_are_pinned() -> None:
    rates = {**STUDY["training"], "rates": [0.01, 0.03]}
    source_rate = plan_of(training=rates)
    arms_rates = plan_of(training=rates, source_training=STUDY["training"])
    control_error = plan_of(margin="auto")
    found = {
        "copies": plan_of().overlaps["source", "target"][0],
        "rate of source runs": source_rate.undecided[0],
        "rates of arms": arms_rates.undecided[0],
        "error of the control": control_error.undecided[0],
    }
    plans = (plan_of(), source_rate, arms_rates, control_error)
    kinds = [plan.steps[key].kind for plan, key in zip(plans, found.values(), strict=True)]
    assert kinds == ["overlap", "select", "select", "select"]
    assert found == {
        "copies": "e054b42b650f29d3257d562891b4c26e246321d8cb7e526d4c45d25b41342f37",
        "rate of source runs": "79dd726245ad7a1b24598d8922506090365d131f8d573f53b5fca77d5f6efe06",
        "rates of arms": "9afd8ef704578e82000830e14ab3aafc33e31fb3c96d7ef06442da98e6855b39",
        "error of the control": "5747a11759df353f47047a1f07adaade35b94219502e6c5efd9beb6d5d89f411",
    }, LOST


EVERYTHING: dict[str, Any] = {
    "tasks": {
        "source": {"dataset": "digits", "classes": {"low": [5, 6], "high": ["8", 9]}},
        "target": {
            "dataset": "digits",
            "classes": ["0", "1"],
            "split": {"by": "head", "validation": 0.25},
        },
    },
    "preprocessing": {"standardise": "pixel", "statistics": "own"},
    "network": {
        "initialiser": "torch",
        "head": {"output": "sigmoid", "initialiser": "lecun_normal"},
        "stages": [
            {
                "name": "stem",
                "layers": [
                    {"kind": "conv", "channels": 2, "padding": "same", "bias": False, "stride": 2},
                    "batch_norm",
                    {"kind": "leaky_relu", "slope": 0.3},
                    {"kind": "average_pool", "size": 2},
                    "global_average_pool",
                    {"kind": "dropout", "rate": 0.5},
                    {"kind": "dense", "units": 3, "initialiser": "glorot_normal"},
                    "gelu",
                    "tanh",
                ],
            },
        ],
    },
    "source_training": {"updates": 9, "optimiser": {"kind": "adamw", "defaults": "keras"}},
    "training": {
        "epochs": 2,
        "batch_size": 16,
        "optimiser": {"kind": "rmsprop", "momentum": 0.5},
        "schedule": "constant",
        "keep": "last",
    },
    "arms": [
        "scratch",
        {"name": "cut", "start": "source", "strategy": {"kind": "freeze", "cut": "stem"}},
        {"name": "slow", "start": {"last": "head"}, "strategy": "discriminative"},
    ],
    "sizes": ["7 per class"],
    "seeds": [4],
}


@pytest.mark.parametrize(
    ("arm", "number", "expected"),
    [
        ("scratch", 0, "bfdb433dc9480e6aeca1faf15a1041fe2e4d810469c0b2607055b4c355f6a49b"),
        ("scratch", -1, "433e57e6b799f25de8c652855091bc2054017930c0bba3d825536bdd400bee11"),
        ("cut", 0, "2cc5da04153ad11d796ca17940298cf3a100f1c2a1ea23d21bfc385730c655a7"),
        ("cut", -1, "858dad0d2cfc55911197286f484fbfcc837a2444550cdc73f81c978ec847096a"),
        ("slow", 0, "28516f1e487dc9fe8e1db1660d3567bda888d62511c233ea3da01662aac21a4c"),
        ("slow", -1, "1d622f7db7535d543361144382c631c20301970dc77ea082f88821003b7b40d2"),
    ],
)
def test_keys_of_a_study_that_uses_every_setting_are_pinned(
    arm: str, number: int, expected: str
) -> None:
    plan = plan_of(**EVERYTHING)
    found = trial(plan, arm, "7 per class", 4)
    assert [*found.train_keys, found.predict_key][number] == expected, LOST


def test_a_key_is_kind_version_payload_and_inputs() -> None:
    keys = {
        step_key("train", 1, {"a": 1}, ("x",)),
        step_key("predict", 1, {"a": 1}, ("x",)),
        step_key("train", 2, {"a": 1}, ("x",)),
        step_key("train", 1, {"a": 2}, ("x",)),
        step_key("train", 1, {"a": 1}, ("x", "y")),
        step_key("train", 1, {"a": 1}, ("y", "x")),
        step_key("train", 1, {"a": 1}, ()),
    }
    assert len(keys) == 7


def changed(path: str, value: Any) -> dict[str, Any]:
    """The section of the study that `path` is in, with `value` in its place."""
    table = copy.deepcopy(STUDY)
    table["source_training"] = copy.deepcopy(STUDY["training"])
    *way, last = path.split(".")
    place: Any = table
    for part in way:
        place = place[int(part)] if part.isdigit() else place.setdefault(part, {})
    place[int(last) if last.isdigit() else last] = value
    return table


ALL = {"source run", "fresh arm", "transferred arm", "first phase", "second phase", "test",
       "test of two phases"}  # fmt: skip
TARGET = ALL - {"source run"}
TRANSFERRED = {
    "transferred arm",
    "first phase",
    "second phase",
    "test of two phases",
}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("training.optimiser.lr", 0.03, TARGET),
        ("training.optimiser.momentum", 0.8, TARGET),
        ("training.optimiser.nesterov", True, TARGET),
        ("training.optimiser.weight_decay", 0.1, TARGET),
        ("training.optimiser.kind", "rmsprop", TARGET),
        ("training.batch_size", 15, TARGET),
        ("training.updates", 14, TARGET),
        ("training.validations", 2, TARGET),
        ("training.precision", "bfloat16", TARGET),
        ("training.class_weights", "balanced", TARGET),
        ("source_training.class_weights", "balanced", {"source run"} | TRANSFERRED),
        ("metric", "balanced_accuracy", ALL),
        ("training.schedule.kind", "constant", TARGET),
        ("training.schedule.warmup", 0.1, TARGET),
        ("training.keep", "last", {"test", "test of two phases"}),
        ("source_training.optimiser.lr", 0.03, {"source run"} | TRANSFERRED),
        ("source_training.updates", 13, {"source run"} | TRANSFERRED),
        ("source_training.keep", "last", TRANSFERRED),
        ("tasks.target.split.seed", 1, TARGET - {"test", "test of two phases"}),
        ("tasks.target.split.validation", 101, TARGET - {"test", "test of two phases"}),
        ("tasks.target.split.by", "random", TARGET - {"test", "test of two phases"}),
        ("tasks.target.classes", [0, 1, 2, 4, 3], TARGET),
        ("tasks.source.split", {"seed": 1}, {"source run"} | TRANSFERRED),
        ("tasks.source.classes", [9, 8, 7, 6, 5], {"source run"} | TRANSFERRED),
        ("preprocessing.scale", "none", ALL),
        ("preprocessing.standardise", "channel", ALL),
        ("preprocessing.standardise", "pixel", ALL),
        ("network.stages.0.layers.0.channels", 5, ALL),
        ("network.stages.0.layers.0.kernel", 2, ALL),
        ("network.stages.0.layers.0.stride", 2, ALL),
        ("network.stages.0.layers.0.padding", "same", ALL),
        ("network.stages.0.layers.0.bias", False, ALL),
        ("network.stages.0.layers.0.initialiser", "torch", ALL),
        ("network.stages.0.layers.1", "gelu", ALL),
        ("network.stages.0.layers.2", "average_pool", ALL),
        ("network.stages.0.layers.2", {"kind": "max_pool", "size": 3}, ALL),
        ("network.stages.1.layers.0.units", 9, ALL),
        ("network.stages.1.layers.0.bias", False, ALL),
        ("network.stages.1.layers.0.initialiser", "torch", ALL),
        ("network.stages.1.layers.1", {"kind": "leaky_relu", "slope": 0.1}, ALL),
        ("network.stages.1.layers.1", {"kind": "dropout", "rate": 0.1}, ALL),
        ("network.stages.1.name", "body", ALL),
        ("network.initialiser", "glorot_normal", ALL),
        ("network.head.output", "sigmoid", ALL),
        ("network.head.initialiser", "he_normal", ALL),
    ],
)
def test_every_field_of_a_payload_counts(path: str, value: Any, expected: set[str]) -> None:
    before = keys_of(plan_of(source_training=STUDY["training"]))
    after = keys_of(plan_of(**changed(path, value)))
    different = {name for name in before if before[name] != after[name]}
    # What is tested is the outcome of what was trained, so a test changes with its inputs.
    follows = {"test": "fresh arm", "test of two phases": "second phase"}
    assert different == expected | {t for t, trained in follows.items() if trained in expected}


@pytest.mark.parametrize(
    ("base", "path", "value"),
    [
        ({"standardise": "channel"}, "preprocessing.floor", 0.02),
        ({"standardise": "channel"}, "preprocessing.statistics", "own"),
    ],
)
def test_how_statistics_are_taken_counts_where_they_are_used(
    base: dict[str, Any], path: str, value: Any
) -> None:
    name = path.split(".")[1]
    used = [keys_of(plan_of(preprocessing={**base, **more})) for more in ({}, {name: value})]
    assert used[0]["fresh arm"] != used[1]["fresh arm"]
    unused = [keys_of(plan_of(preprocessing=more)) for more in ({}, {name: value})]
    assert unused[0] == unused[1] == GOLDEN


@pytest.mark.parametrize(
    "strategy",
    [
        "full",
        "probe",
        {"kind": "probe", "solver": "converged"},
        {"kind": "freeze", "cut": "conv"},
        "probe_then_full",
        {"kind": "probe_then_full", "probe_share": 0.25},
        "gradual",
        {"kind": "gradual", "decay": 2},
        "discriminative",
        {"kind": "discriminative", "decay": 3},
    ],
)
def test_every_strategy_has_keys_of_its_own(strategy: Any) -> None:
    plans = [
        plan_of(arms=["scratch", {"name": "x", "start": "source", "strategy": other}])
        for other in (strategy, {"kind": "discriminative", "decay": 7})
    ]
    assert trial(plans[0], "x").predict_key != trial(plans[1], "x").predict_key


def test_a_solver_is_in_the_payload_only_where_it_is_not_updates() -> None:
    plan = plan_of(arms=["scratch", "probe", "converged_probe"])
    assert "solver" not in first_step(plan, "probe").payload["phase"]
    assert first_step(plan, "converged_probe").payload["phase"]["solver"] == "converged"


def test_starts_that_differ_have_keys_that_differ() -> None:
    starts = ["fresh", "source", {"last": "conv"}, {"first": "dense"}, "full", {"last": "head"}]
    arms = {f"x{n}": {"start": start, "strategy": "full"} for n, start in enumerate(starts)}
    plan = plan_of(arms=["scratch", "full", *({"name": n, **arm} for n, arm in arms.items())])
    assert len({trial(plan, name).train_keys for name in arms}) == len(starts)


def test_seeds_and_sizes_have_keys_of_their_own() -> None:
    plan = plan_of()
    keys = [t.train_keys[0] for t in plan.trials if t.arm == "full"]
    assert len(set(keys)) == 6
    assert len({source(plan, seed).train_keys for seed in range(3)}) == 3


def of_trials(plan: Plan) -> set[str]:
    """Keys of all steps but those that list mistakes, which depend on every trial of a size."""
    return {key for key, step in plan.steps.items() if step.kind != "mistakes"}


@pytest.mark.parametrize(
    "more",
    [
        {"seeds": 5},
        {"seeds": [7, 0, 1, 2]},
        {"sizes": [20, 60, "all", "3 per class"]},
        {"sizes": [60, 20], "seeds": 4},
        {"arms": [*STUDY["arms"], "gradual", "discriminative"]},
    ],
)
def test_asking_for_more_keeps_what_there_is(more: dict[str, Any]) -> None:
    before, after = plan_of(), plan_of(**more)
    assert of_trials(before) < of_trials(after)


def test_the_name_and_the_order_of_arms_do_not_count() -> None:
    renamed = [
        {"name": f"{arm} again", "start": start, "strategy": strategy}
        for arm, start, strategy in (
            ("probe_then_full", "source", "probe_then_full"),
            ("full", "source", "full"),
            ("probe", "source", "probe"),
            ("random_trunk", "fresh", "probe"),
            ("scratch", "fresh", "full"),
        )
    ]
    after = plan_of(arms=renamed, control="scratch again")
    assert of_trials(after) == of_trials(plan_of())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"question": "Why?"},
        {"margin": 3.0},
        {"control": "probe"},
        {"source_training": STUDY["training"]},
        {"tasks": {**STUDY["tasks"], "unused": {"dataset": "digits"}}},
    ],
)
def test_what_says_nothing_about_the_work_does_not_count(changes: dict[str, Any]) -> None:
    assert of_trials(plan_of(**changes)) == of_trials(plan_of())


def test_names_of_tasks_do_not_count() -> None:
    tasks = {"a": STUDY["tasks"]["source"], "b": STUDY["tasks"]["target"]}
    after = plan_of(tasks=tasks, pairs=[{"source": "a", "target": "b"}])
    assert after.steps.keys() == plan_of().steps.keys()


def test_class_names_and_numbers_name_the_same_classes() -> None:
    tasks = copy.deepcopy(STUDY["tasks"])
    tasks["target"]["classes"] = {"nought": ["0"], "one": [1], "a": ["2"], "b": [3], "c": [4]}
    assert plan_of(tasks=tasks).steps.keys() == plan_of().steps.keys()


def test_a_split_by_position_draws_nothing_so_its_seed_does_not_count() -> None:
    tasks = [copy.deepcopy(STUDY["tasks"]) for _ in range(2)]
    for seed, table in enumerate(tasks):
        table["target"]["split"] = {"by": "head", "validation": 100, "seed": seed}
    one, two = (plan_of(tasks=table) for table in tasks)
    assert one.steps.keys() == two.steps.keys()


def test_whose_defaults_filled_a_setting_does_not_count() -> None:
    written = {"kind": "adam", "lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}
    forms = [{"kind": "adam", "defaults": "keras"}, written, {"kind": "adam", "defaults": "torch"}]
    keras, spelt, torch = (
        keys_of(plan_of(training={**STUDY["training"], "optimiser": form})) for form in forms
    )
    assert keras == spelt != torch


def test_epochs_and_updates_that_come_to_the_same_are_the_same() -> None:
    training = {**STUDY["training"], "epochs": 1, "min_updates": 12}
    del training["updates"]
    assert trial(plan_of(training=training), "scratch").train_keys == (
        trial(plan_of(), "scratch").train_keys
    )


def test_where_data_lies_does_not_count_but_its_content_does() -> None:
    tasks = copy.deepcopy(STUDY["tasks"])
    for task in tasks.values():
        task["dataset"] = "./folder/of/digits"
    moved = plan_of(digits("./folder/of/digits", licence="unknown"), tasks=tasks)
    assert moved.steps.keys() == plan_of().steps.keys()
    (found,) = first_step(moved, "full").datasets.values()
    assert found.dataset == "./folder/of/digits"
    other = plan_of(digits(content="0ff" + "0" * 61))
    assert other.steps.keys().isdisjoint(plan_of().steps.keys())


def test_run_options_cannot_enter() -> None:
    payloads = str([step.payload for step in plan_of().steps.values()])
    fields = RunOptions(store=Path("store"), workers=2).__slots__
    assert set(fields) == {"store", "workers", "device", "cluster", "same_device"}
    assert not [name for name in fields if f"'{name}'" in payloads]


def test_what_helps_to_do_a_step_does_not_enter_its_key() -> None:
    step = first_step(plan_of(), "full")
    other = replace(step, label="other", datasets={}, flops=0, updates=1)
    assert other.key == step.key
    assert replace(step, payload={**step.payload, "seed": 9}).key != step.key
    assert replace(step, inputs=()).key != step.key


def test_what_counts_as_a_copy_is_of_concern_to_the_search_for_copies_alone() -> None:
    plain, *others = (
        plan_of(**changes)
        for changes in (
            {},
            {"leaks": {"near": 0.99}},
            {"leaks": {"near": 1}},
            {"leaks": {"near": "off"}},
        )
    )
    for plan in others:
        assert keys_of(plan) == GOLDEN
    assert [plan.overlaps == plain.overlaps for plan in others] == [True, False, False]
    assert others[1].overlaps != others[2].overlaps
