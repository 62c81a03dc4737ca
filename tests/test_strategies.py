"""Strategies as phases: by hand for three stages, and what holds for all of them."""

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.strategies import phases_of
from headstart.study.arms import (
    AnyStrategy,
    Discriminative,
    Freeze,
    Full,
    Gradual,
    LabelMap,
    Probe,
    ProbeThenFull,
    Surgical,
)
from headstart.study.phases import PARAMETER_KINDS, Phase, rule_for

STAGES = ("conv", "dense", "head")

Rules = list[tuple[str, str, float, str]]


def told(phases: tuple[Phase, ...]) -> list[tuple[int, Rules]]:
    """Phases as (updates, [(first, last, scale, mode)])."""
    assert all(rule.kind == "all" for phase in phases for rule in phase.rules)
    return [
        (phase.updates, [(r.first, r.last, r.lr_scale, r.mode) for r in phase.rules])
        for phase in phases
    ]


ALL: Rules = [("conv", "head", 1, "train")]
HEAD_ONLY: Rules = [("conv", "dense", 0, "eval"), ("head", "head", 1, "train")]
ABOVE_CONV: Rules = [("conv", "conv", 0, "eval"), ("dense", "head", 1, "train")]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Full(), [(90, ALL)]),
        (Probe(), [(90, HEAD_ONLY)]),
        (Freeze(cut="conv"), [(90, ABOVE_CONV)]),
        (Freeze(cut="dense"), [(90, HEAD_ONLY)]),
        (Surgical(first="conv", last="head"), [(90, ALL)]),
        (Surgical(first="head", last="head"), [(90, HEAD_ONLY)]),
        (
            Surgical(first="dense", last="dense"),
            [
                (
                    90,
                    [
                        ("conv", "conv", 0, "eval"),
                        ("dense", "dense", 1, "train"),
                        ("head", "head", 0, "eval"),
                    ],
                )
            ],
        ),
        (LabelMap(), []),
        (ProbeThenFull(), [(45, HEAD_ONLY), (45, ALL)]),
        (ProbeThenFull(probe_share=0.2), [(18, HEAD_ONLY), (72, ALL)]),
        (Gradual(), [(30, HEAD_ONLY), (30, ABOVE_CONV), (30, ALL)]),
        (
            Gradual(decay=2),
            [
                (30, HEAD_ONLY),
                (
                    30,
                    [
                        ("conv", "conv", 0, "eval"),
                        ("dense", "dense", 0.5, "train"),
                        ("head", "head", 1, "train"),
                    ],
                ),
                (
                    30,
                    [
                        ("conv", "conv", 0.25, "train"),
                        ("dense", "dense", 0.5, "train"),
                        ("head", "head", 1, "train"),
                    ],
                ),
            ],
        ),
        (
            Discriminative(decay=4),
            [
                (
                    90,
                    [
                        ("conv", "conv", 1 / 16, "train"),
                        ("dense", "dense", 0.25, "train"),
                        ("head", "head", 1, "train"),
                    ],
                )
            ],
        ),
    ],
)
def test_phases_by_hand(strategy: AnyStrategy, expected: list[tuple[int, Rules]]) -> None:
    assert told(phases_of(strategy, STAGES, 90)) == expected


@pytest.mark.parametrize(
    ("strategy", "updates", "expected"),
    [
        (ProbeThenFull(), 1, [1]),
        (ProbeThenFull(), 7, [4, 3]),
        (ProbeThenFull(probe_share=0.01), 10, [10]),
        (ProbeThenFull(probe_share=0.99), 10, [10]),
        (Gradual(), 2, [1, 1]),
        (Gradual(), 10, [3, 3, 4]),
    ],
)
def test_a_phase_without_updates_is_left_out(
    strategy: AnyStrategy, updates: int, expected: list[int]
) -> None:
    assert [phase.updates for phase in phases_of(strategy, STAGES, updates)] == expected


def test_frozen_stages_may_be_left_in_train_mode() -> None:
    (phase,) = phases_of(Probe(), STAGES, 90, "train")
    assert told((phase,)) == [
        (90, [("conv", "dense", 0, "train"), ("head", "head", 1, "train")]),
    ]


def test_a_converged_probe_is_a_probe_by_another_solver() -> None:
    (phase,) = phases_of(Probe(solver="converged"), STAGES, 90)
    assert told((phase,)) == [(90, HEAD_ONLY)]
    assert phase.solver == "converged"
    assert phases_of(Probe(), STAGES, 90)[0].solver == "updates"


NUM_STAGES = st.integers(2, 7)
UPDATES = st.integers(1, 500)
DECAYS = st.floats(1.01, 10)


@st.composite
def compiled(draw: st.DrawFn) -> tuple[AnyStrategy, tuple[str, ...], int]:
    """Any strategy, with stages and updates to compile it for."""
    stages = (*(f"stage{number}" for number in range(draw(NUM_STAGES) - 1)), "head")
    strategy: AnyStrategy = draw(
        st.one_of(
            st.just(Full()),
            st.sampled_from([Probe(), Probe(solver="converged")]),
            st.sampled_from(stages[:-1]).map(lambda cut: Freeze(cut=cut)),
            st.floats(0.01, 0.99).map(lambda share: ProbeThenFull(probe_share=share)),
            (st.just(1.0) | DECAYS).map(lambda decay: Gradual(decay=decay)),
            DECAYS.map(lambda decay: Discriminative(decay=decay)),
            st.lists(st.integers(0, len(stages) - 1), min_size=2, max_size=2)
            .map(sorted)
            .map(lambda ends: Surgical(first=stages[ends[0]], last=stages[ends[1]])),
        )
    )
    return strategy, stages, draw(UPDATES)


@settings(max_examples=100)
@given(compiled())
def test_what_holds_for_every_strategy(given: tuple[AnyStrategy, tuple[str, ...], int]) -> None:
    strategy, stages, updates = given
    phases = phases_of(strategy, stages, updates)
    assert sum(phase.updates for phase in phases) == updates
    for phase in phases:
        for stage in stages:
            for kind in PARAMETER_KINDS:
                rule = rule_for(phase.rules, stages, stage, kind)  # exactly one, or it raises
                assert rule.mode == ("eval" if rule.frozen else "train")
        scales = [rule_for(phase.rules, stages, stage, "weight").lr_scale for stage in stages]
        assert max(scales) == 1
        if not isinstance(strategy, Surgical):
            assert scales == sorted(scales)


@settings(max_examples=30)
@given(NUM_STAGES, UPDATES, st.just(1.0) | DECAYS)
def test_gradual_thaws_from_the_head_down(num_stages: int, updates: int, decay: float) -> None:
    stages = (*(f"stage{number}" for number in range(num_stages - 1)), "head")
    thawed = [
        sum(not rule_for(phase.rules, stages, stage, "weight").frozen for stage in stages)
        for phase in phases_of(Gradual(decay=decay), stages, updates)
    ]
    assert thawed == sorted(set(thawed))
    assert thawed[-1] == num_stages
    assert updates < num_stages or thawed == list(range(1, num_stages + 1))


@settings(max_examples=30)
@given(NUM_STAGES, DECAYS)
def test_discriminative_rates_fall_towards_the_stem(num_stages: int, decay: float) -> None:
    stages = (*(f"stage{number}" for number in range(num_stages - 1)), "head")
    (phase,) = phases_of(Discriminative(decay=decay), stages, 5)
    scales = [rule_for(phase.rules, stages, stage, "weight").lr_scale for stage in stages]
    for below, above in pairwise(scales):
        assert above / below == pytest.approx(decay)


TORCHLESS = """
import sys, pkgutil, importlib, headstart
rooms = ("core", "study", "plan", "store", "data", "analyse", "report")
names = ["headstart.strategies", "headstart.flow"]
for room in rooms:
    package = importlib.import_module(f"headstart.{room}")
    names += [m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
for name in names:
    importlib.import_module(name)
    assert "torch" not in sys.modules, f"{name} loads torch"
print(len(names))
"""


def test_planning_storing_and_reporting_never_load_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TORCHLESS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert int(done.stdout) > 20
