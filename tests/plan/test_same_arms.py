"""Arms that are one training under several names are found, however they are written."""

from typing import Any

import pytest

from headstart.flow.load import warnings
from headstart.plan.same_arms import same_arms
from studies import tiny

TRAINING = {"updates": 12, "batch_size": 16, "validations": 3}
TWIN = {"name": "again", "start": "source", "strategy": "full"}


def same(*arms: Any, **changes: Any) -> tuple[tuple[str, ...], ...]:
    loaded = tiny(arms=["scratch", "random_trunk", "full", "probe", *arms], **changes)
    return same_arms(loaded.study, loaded.facts)


@pytest.mark.parametrize(
    ("arm", "found"),
    [
        (TWIN, ("full", "again")),
        (
            {**TWIN, "strategy": {"kind": "surgical", "first": "pool", "last": "head"}},
            ("full", "again"),
        ),
        ({**TWIN, "strategy": {"kind": "surgical", "first": "dense1", "last": "head"}}, None),
        ({**TWIN, "strategy": {"kind": "freeze", "cut": "dense2"}}, ("probe", "again")),
        ({**TWIN, "start": {"origin": "source", "last": "dense2"}}, ("full", "again")),
        ({**TWIN, "start": [{"origin": "source"}, {"origin": "self"}]}, ("full", "again")),
        ({**TWIN, "start": "fresh", "strategy": "probe"}, ("random_trunk", "again")),
        ({**TWIN, "training": TRAINING}, ("full", "again")),
        ({**TWIN, "training": {**TRAINING, "batch_size": 8}}, None),
        ({**TWIN, "size": 40}, None),
        ({**TWIN, "start": "fresh"}, None),  # the control again: an invalid comparison by itself
        ({**TWIN, "only_at": [60]}, ("full", "again")),
    ],
)
def test_arms_with_the_same_steps_are_the_same(
    arm: dict[str, Any], found: tuple[str, ...] | None
) -> None:
    expected = {found} if found else set()
    assert set(same(arm)) == expected


def test_a_rate_that_is_given_is_not_one_that_is_chosen() -> None:
    grid = {**TRAINING, "rates": [0.01, 0.02, 0.05]}
    fixed = {**TWIN, "training": {**TRAINING, "optimiser": {"lr": 0.02, "momentum": 0.9}}}
    assert same(fixed, training=grid) == ()
    assert same(TWIN, training=grid) == (("full", "again"),)


def test_a_budget_too_small_for_two_phases_makes_no_arms_the_same() -> None:
    tiny_budget = {**TRAINING, "updates": 1}
    assert same("probe_then_full", training=tiny_budget) == ()


def test_a_cut_sweep_may_end_where_named_arms_are() -> None:
    assert same(cuts={"at": ["dense2"]}) == ()


def test_they_are_named_before_anything_is_trained() -> None:
    (line,) = warnings(tiny(arms=["scratch", "random_trunk", "full", TWIN]))
    assert line == (
        "full and again are the same training under several names: one comparison, counted more "
        "than once among the comparisons that share the error level. Keep one of them."
    )
    trunk = {"name": "again", "start": "fresh", "strategy": "probe"}
    (line,) = warnings(tiny(arms=["scratch", "random_trunk", "full", trunk]))
    assert line.endswith("under several names: one comparison. Keep one of them.")
