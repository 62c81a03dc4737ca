"""Which steps may be trained together: heads that differ in what a stack allows, and no others."""

from typing import Any

from plans import STUDY, first_step, plan_of

from headstart.plan.steps import Plan


def arm(name: str, start: Any = "source", strategy: Any = "probe", **more: Any) -> dict[str, Any]:
    return {"name": name, "start": start, "strategy": strategy, **more}


def stack(plan: Plan, name: str, size: str = "20", seed: int = 0) -> str | None:
    return first_step(plan, name, size, seed).batch_groups.get("cpu")


def training(**changes: Any) -> dict[str, Any]:
    lr = changes.pop("lr", 0.02)
    optimiser = {"kind": "sgd", "lr": lr, "momentum": changes.pop("momentum", 0.9)}
    return {**STUDY["training"], "optimiser": optimiser, **changes}


def test_heads_of_all_seeds_starts_and_rates_are_one_stack() -> None:
    plan = plan_of(arms=["scratch", "random_trunk", "probe", arm("fast", training=training(lr=1))])
    heads = {
        stack(plan, name, "20", seed)
        for name in ("random_trunk", "probe", "fast")
        for seed in range(3)
    }
    assert len(heads) == 1
    assert None not in heads


def test_another_size_budget_or_momentum_is_another_stack() -> None:
    arms = [
        "scratch",
        "probe",
        arm("longer", training=training(updates=13)),
        arm("slower", training=training(momentum=0.5)),
        arm("coarser", training=training(batch_size=10)),
        arm("constant", training=training(schedule="constant")),
        arm("less", training=training(validations=2)),
    ]
    plan = plan_of(arms=arms)
    names = ("probe", "longer", "slower", "coarser", "constant", "less")
    stacks = [stack(plan, name) for name in names] + [stack(plan, "probe", "60")]
    assert len(set(stacks)) == len(stacks)
    assert None not in stacks


def test_what_trains_more_than_the_head_is_in_no_stack() -> None:
    plan = plan_of(arms=["scratch", "full", arm("cut", strategy={"kind": "freeze", "cut": "conv"})])
    assert {stack(plan, name) for name in ("scratch", "full", "cut")} == {None}


def test_a_head_behind_live_dropout_is_in_no_stack() -> None:
    layers = [{"kind": "dense", "units": 8}, "relu", {"kind": "dropout", "rate": 0.5}]
    plan = plan_of(
        network={"stages": [STUDY["network"]["stages"][0], {"name": "dense", "layers": layers}]},
        arms=["scratch", "probe", arm("live", frozen="train")],
    )
    assert stack(plan, "probe") is not None
    assert stack(plan, "live") is None


def test_the_first_phase_of_probe_then_full_is_a_stack_of_its_own() -> None:
    plan = plan_of(arms=["scratch", "probe", "probe_then_full"])
    assert stack(plan, "probe_then_full") == stack(plan, "probe_then_full", seed=1)
    assert stack(plan, "probe_then_full") not in (None, stack(plan, "probe"))
