"""What an arm may say of itself, as plans: sizes, budgets, sweeps, frozen modes, odd heads."""

from typing import Any

import pytest
from plans import STUDY, digits, first_step, plan_of, source, trial

from headstart.plan.steps import Plan


def arm(name: str = "x", start: Any = "source", strategy: Any = "full", **more: Any) -> Any:
    return {"name": name, "start": start, "strategy": strategy, **more}


def places(plan: Plan, name: str) -> set[str]:
    return {t.size for t in plan.trials if t.arm == name}


def test_an_arm_is_kept_to_some_sizes() -> None:
    arms = ["scratch", arm("both"), arm("small", only_at=["20"]), arm("all", only_at=[20, 60])]
    plan = plan_of(arms=arms)
    assert places(plan, "small") == {"20"}
    assert places(plan, "both") == places(plan, "all") == places(plan, "scratch") == {"20", "60"}


def test_a_pair_is_kept_to_some_arms() -> None:
    tasks = {**STUDY["tasks"], "other": {"dataset": "digits", "classes": [0, 2]}}
    plan = plan_of(
        tasks=tasks,
        pairs=[
            {"source": "source", "target": "target", "arms": ["scratch", "probe"]},
            {"source": "source", "target": "other"},
        ],
        arms=["scratch", "probe", "full"],
    )
    by_pair = {
        target: [t.arm for t in plan.trials if (t.target, t.size, t.seed) == (target, "20", 0)]
        for target in ("target", "other")
    }
    assert by_pair == {"target": ["scratch", "probe"], "other": ["scratch", "probe", "full"]}


def test_an_arm_with_data_of_its_own_keeps_its_place_among_the_sizes() -> None:
    plan = plan_of(arms=["scratch", arm(size="3 per class")])
    found = trial(plan, "x", "60")
    assert (found.size, found.num_images) == ("60", 15)
    step = plan.steps[found.train_keys[0]]
    assert step.payload["data"]["subset"] == {"per_class": 3, "seed": 0, "role": "target"}
    # At every size the same images: the same steps.
    assert found.train_keys == trial(plan, "x", "20").train_keys
    assert trial(plan, "scratch", "60").num_images == 60


def test_an_arm_with_a_training_of_its_own() -> None:
    training = {"updates": 30, "batch_size": 10, "validations": 2, "keep": "last"}
    plan = plan_of(arms=["scratch", arm(training=training), arm("y", "x")])
    found, usual = first_step(plan, "x").payload, first_step(plan, "scratch").payload
    assert (trial(plan, "x").updates, trial(plan, "scratch").updates) == (30, 12)
    assert (found["batch_size"], usual["batch_size"]) == (10, 16)
    assert (found["measure_at"], usual["measure_at"]) == ([15, 30], [4, 8, 12])
    assert plan.steps[trial(plan, "x").predict_key].payload["keep"] == "last"
    assert plan.steps[trial(plan, "scratch").predict_key].payload["keep"] == "best"
    # Who starts from it takes the weights that count for it.
    assert first_step(plan, "y").payload["start"][0]["keep"] == "last"


def test_a_run_on_the_target_itself_is_trained_as_the_control_is() -> None:
    """Also where the control has a training of its own, and others choose their rates."""
    own = {**STUDY["training"], "batch_size": 10}
    control = arm("scratch", "fresh", training=own)
    plan = plan_of(arms=[control, "selffer"], training={**own, "batch_size": 16})
    (key,) = first_step(plan, "selffer").inputs
    assert plan.steps[key].payload["batch_size"] == 10
    assert first_step(plan, "selffer").payload["batch_size"] == 16
    waiting = plan_of(arms=[control, "selffer"], training={**own, "rates": [0.01, 0.02]})
    assert waiting.num_waiting


@pytest.mark.parametrize(
    "strategy",
    [
        "full",
        "probe",
        {"kind": "freeze", "cut": "conv"},
        "probe_then_full",
        "gradual",
        "discriminative",
        {"kind": "surgical", "first": "dense", "last": "dense"},
    ],
)
def test_frozen_stages_may_stay_live(strategy: Any) -> None:
    """Every phase with every stage in train mode, and otherwise as it would be."""
    plan = plan_of(arms=["scratch", arm("still", strategy=strategy),
                         arm("live", strategy=strategy, frozen="train")])  # fmt: skip
    still, live = (
        [plan.steps[key].payload["phase"] for key in trial(plan, name).train_keys]
        for name in ("still", "live")
    )
    for one, other in zip(still, live, strict=True):
        assert {rule["mode"] for rule in other["rules"]} == {"train"}
        assert other["updates"] == one["updates"]
        for before, after in zip(one["rules"], other["rules"], strict=True):
            assert before["mode"] == ("train" if before["lr_scale"] else "eval")
            assert {**before, "mode": "train"} == after


def test_surgery_trains_the_stages_between() -> None:
    strategy = {"kind": "surgical", "first": "dense", "last": "dense"}
    plan = plan_of(arms=["scratch", arm(strategy=strategy)])
    assert first_step(plan, "x").payload["phase"]["rules"] == [
        {"first": "conv", "last": "conv", "kind": "all", "lr_scale": 0, "mode": "eval"},
        {"first": "dense", "last": "dense", "kind": "all", "lr_scale": 1, "mode": "train"},
        {"first": "head", "last": "head", "kind": "all", "lr_scale": 0, "mode": "eval"},
    ]
    assert trial(plan, "x").trainable_parameters == 5 * 5 * 4 * 8 + 8


# Matched compute.


@pytest.mark.parametrize("other", ["full", "probe", "probe_then_full", "gradual", "selffer"])
@pytest.mark.parametrize("strategy", ["full", {"kind": "freeze", "cut": "conv"}])
def test_compute_is_matched_to_less_than_one_update(other: str, strategy: Any) -> None:
    long = arm("long", "fresh", strategy, compute_of=other)
    plan = plan_of(arms=["scratch", other, long], source_training={"updates": 77, "batch_size": 50})
    for size in ("20", "60"):
        spent = trial(plan, other, size).flops
        if other != "selffer":  # it has no source run
            spent += source(plan).flops
        found = trial(plan, "long", size)
        step = plan.steps[found.train_keys[0]]
        # What is frozen below the head is run once, before the first update.
        assert (step.once > 0) == (strategy != "full")
        each, rest = divmod(found.flops - step.once, found.updates)
        assert rest == 0
        assert spent <= found.flops < spent + each


def test_matched_compute_is_never_less_than_the_usual_budget() -> None:
    training = {**STUDY["training"], "updates": 1}
    cheap = arm("cheap", "fresh", "probe", training=training)
    plan = plan_of(arms=["scratch", cheap, arm("long", "fresh", compute_of="cheap")])
    assert trial(plan, "cheap").flops < trial(plan, "long").flops
    assert trial(plan, "long").updates == trial(plan, "scratch").updates == 12
    assert trial(plan, "long").train_keys == trial(plan, "scratch").train_keys


def test_the_named_arm_matches_full() -> None:
    plan = plan_of(arms=["scratch", "full", "scratch_long"])
    per_update = trial(plan, "scratch").flops // 12
    wanted = -(-(trial(plan, "full").flops + source(plan).flops) // per_update)
    assert trial(plan, "scratch_long").updates == wanted


# Sweeps over cuts.

FAMILIES = ("AnB", "AnB+", "BnB", "BnB+", "random")


def test_a_sweep_has_an_arm_for_each_family_and_cut_at_its_size_only() -> None:
    plan = plan_of(arms=["scratch"], cuts={"size": 60})
    swept = [(t.arm, t.size) for t in plan.trials if t.arm != "scratch" and t.seed == 0]
    assert swept == [(f"{family}@{cut}", "60") for family in FAMILIES for cut in ("conv", "dense")]
    assert places(plan, "scratch") == {"20", "60"}


def test_families_start_where_they_say_and_freeze_unless_with_a_plus() -> None:
    plan = plan_of(arms=["scratch", "full", "selffer"], cuts={"size": 60})
    head, conv = 8 * 5 + 5, 4 * 9 + 4
    everything = trial(plan, "scratch").total_parameters
    origins = {
        "A": first_step(plan, "full", "60").inputs,
        "B": first_step(plan, "selffer", "60").inputs,
        "r": (),
    }
    for family in FAMILIES:
        for cut, frozen in (("conv", conv), ("dense", everything - head)):
            step = first_step(plan, f"{family}@{cut}", "60")
            found = trial(plan, f"{family}@{cut}", "60")
            assert step.inputs == origins[family[0]]
            stages = [stage for rule in step.payload["start"] for stage in rule["stages"]]
            taken = [] if family == "random" else ["conv", "dense"][: 1 + (cut == "dense")]
            assert stages == taken
            kept = 0 if family.endswith("+") else frozen
            assert found.trainable_parameters == everything - kept


def test_a_sweep_may_have_fewer_families() -> None:
    plan = plan_of(arms=["scratch"], cuts={"size": 20, "families": ["random"]})
    assert {t.arm for t in plan.trials} == {"scratch", "random@conv", "random@dense"}
    assert plan.sources == ()


# Heads and published source runs.


def test_original_labels_make_the_head_as_wide_as_the_data_set() -> None:
    tasks = {**STUDY["tasks"], "target": {**STUDY["tasks"]["target"], "labels": "original"}}
    wide, usual = plan_of(tasks=tasks), plan_of()
    more = trial(wide, "full").total_parameters - trial(usual, "full").total_parameters
    assert more == 5 * (8 + 1)
    assert trial(wide, "probe").trainable_parameters == 10 * 8 + 10
    data = first_step(wide, "full").payload["data"]
    assert data["groups"] == [[0], [1], [2], [3], [4], [], [], [], [], []]
    # Sizes count the classes that have images.
    per_class = plan_of(tasks=tasks, sizes=["4 per class"])
    assert {t.num_images for t in per_class.trials} == {20}


def test_a_published_source_run_is_planned_even_where_nothing_starts_from_it() -> None:
    figure = {"figure": "source: test accuracy", "arm": "source", "published": 0.9}
    none = plan_of(arms=["scratch"])
    plan = plan_of(arms=["scratch"], published=[figure])
    assert (none.sources, [t.seed for t in plan.sources]) == ((), [0, 1, 2])
    assert none.steps.keys() < plan.steps.keys()
    # Where an arm starts from it, it is the same run.
    used = plan_of(arms=["scratch", "full"])
    assert plan_of(arms=["scratch", "full"], published=[figure]).steps.keys() == used.steps.keys()
    assert {t.train_keys for t in used.sources} == {t.train_keys for t in plan.sources}


def test_each_pair_s_published_source_run_is_planned() -> None:
    pairs = [{"source": "source", "target": "target"}, {"source": "target", "target": "source"}]
    figure = {"figure": "source of the second pair", "arm": "source", "pair": 1}
    plan = plan_of(digits(), arms=["scratch"], pairs=pairs, published=[figure])
    assert {t.source for t in plan.sources} == {"target"}
