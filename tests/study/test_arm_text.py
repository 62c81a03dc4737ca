"""An arm is described by its start and its strategy, and never by its name alone."""

from typing import Any

import pytest

from headstart.study.arm_text import described
from headstart.study.arms import DESCRIPTIONS, NAMED_ARMS, ArmSpec


def test_named_arms_have_their_own_words() -> None:
    assert {name: described(arm) for name, arm in NAMED_ARMS.items()} == DESCRIPTIONS


@pytest.mark.parametrize(
    ("start", "strategy", "more", "words"),
    [
        ("fresh", "full", {}, "everything is trained, from nothing"),
        ("source", "full", {}, "everything is trained, from the pretrained weights"),
        (
            "fresh",
            "gradual",
            {},
            "trained from the head down, one more stage at a time, from nothing",
        ),
        ("other", "probe", {}, "a new head on frozen layers, from what other has learnt"),
        (
            "self",
            {"kind": "probe", "solver": "converged"},
            {},
            "a new head on frozen layers, solved to convergence, from a run on the target itself",
        ),
        (
            [{"origin": "source", "last": "conv1"}, {"origin": "untrained", "first": "conv2"}],
            {"kind": "freeze", "cut": "conv1"},
            {},
            "the stages behind conv1 are trained, from the pretrained weights (up to conv1) and "
            "the weights that the source run starts from (from conv2 on)",
        ),
        (
            {"origin": "source", "transform": "shuffled"},
            {"kind": "surgical", "first": "conv1", "last": "conv2"},
            {},
            "the stages from conv1 to conv2 are trained, from the pretrained weights in a random "
            "order",
        ),
        (
            "fresh",
            "full",
            {"compute_of": "probe"},
            "everything is trained, from nothing, for as long as probe took with its source",
        ),
    ],
)
def test_any_arm_is_described(start: Any, strategy: Any, more: dict[str, Any], words: str) -> None:
    arm = ArmSpec.model_validate({"name": "scratch", "start": start, "strategy": strategy, **more})
    assert described(arm) == words


def test_a_rule_that_no_stage_is_left_for_is_no_start() -> None:
    """The first rule that covers a stage wins: what a later one names gives nothing."""
    arm = ArmSpec.model_validate(
        {"name": "mixed", "start": [{"origin": "fresh"}, {"origin": "source"}], "strategy": "full"}
    )
    assert arm.starts(("a", "b", "head")) == ()
    rules = [{"origin": "self", "last": "a"}, {"origin": "source"}]
    both = ArmSpec.model_validate({"name": "both", "start": rules, "strategy": "full"})
    assert [(rule.origin, stages) for rule, stages in both.starts(("a", "b", "head"))] == [
        ("self", ("a",)),
        ("source", ("b",)),
    ]
