"""Arms that a study names: what each starts from, which count as transferring, sweeps over cuts."""

import pytest

from headstart.study.arms import NAMED_ARMS, ArmSpec, CutSweep, Freeze, Full, StartRule
from headstart.study.declared import DeclaredNetwork
from headstart.study.sizes import SizeSpec
from headstart.study.study import StudySpec
from studies import TINY_NETWORK, tiny_table


@pytest.mark.parametrize(
    ("name", "origins", "transfers"),
    [
        ("scratch", (), False),
        ("random_trunk", (), False),
        ("probe", ("source",), True),
        ("converged_probe", ("source",), True),
        ("full", ("source",), True),
        ("probe_then_full", ("source",), True),
        ("gradual", ("source",), True),
        ("discriminative", ("source",), True),
        ("label_map", ("source",), False),
        ("shuffled", ("source",), False),
        ("selffer", ("self",), False),
        ("scratch_long", (), False),
    ],
)
def test_named_arms(name: str, origins: tuple[str, ...], transfers: bool) -> None:
    arm = NAMED_ARMS[name]
    assert arm.name == name
    assert arm.origins == origins
    assert arm.transfers == transfers


def test_every_named_arm_is_tested() -> None:
    assert len(NAMED_ARMS) == 12
    assert NAMED_ARMS["scratch_long"].compute_of == "full"
    assert NAMED_ARMS["shuffled"].start[0].transform == "shuffled"


def test_points_of_a_sweep_are_no_way_of_transferring() -> None:
    point = ArmSpec.model_validate(
        {"name": "x", "start": "source", "strategy": "full", "family": "AnB"}
    )
    assert not point.transfers


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (StartRule(), ("stem", "middle", "top")),
        (StartRule(last="stem"), ("stem",)),
        (StartRule(first="middle"), ("middle", "top")),
        (StartRule(first="middle", last="head"), ("middle", "top", "head")),
        (StartRule(first="head", last="head"), ("head",)),
    ],
)
def test_a_start_rule_covers_a_run_of_stages(rule: StartRule, covered: tuple[str, ...]) -> None:
    assert rule.covered(("stem", "middle", "top", "head")) == covered


@pytest.mark.parametrize(("counts", "middle"), [([7], 7), ([7, 8], 7), ([7, 8, 9], 8)])
def test_a_sweep_is_at_the_middle_size_unless_told(counts: list[int], middle: int) -> None:
    sizes = tuple(SizeSpec(kind="count", value=count) for count in counts)
    assert CutSweep().size_among(sizes).value == middle
    assert CutSweep(size=sizes[-1]).size_among(sizes).value == counts[-1]


def test_a_sweep_by_hand() -> None:
    size = SizeSpec(kind="count", value=500)
    sweep = CutSweep.model_validate({"size": 500, "families": ["AnB", "BnB+", "random"]})
    assert sweep.arms(("stem", "top"), (SizeSpec(kind="count", value=9), size)) == tuple(
        ArmSpec(
            name=f"{family}@{cut}",
            start=start,
            strategy=Full() if family.endswith("+") else Freeze(cut=cut),
            only_at=(size,),
            family=family,
            cut=cut,
        )
        for family, origin in (("AnB", "source"), ("BnB+", "self"), ("random", "fresh"))
        for cut in ("stem", "top")
        for start in [(StartRule(origin=origin, last=cut),)]
    )


def test_cuts_lie_after_stages_that_hold_weights() -> None:
    """A cut after pooling alone would be the cut before it."""
    assert DeclaredNetwork.model_validate(TINY_NETWORK).cuts == ("dense1", "dense2")
    study = StudySpec(**tiny_table(cuts={"size": 60, "families": ["AnB"]}))
    assert [arm.name for arm in study.all_arms if arm.family] == ["AnB@dense1", "AnB@dense2"]
    assert [arm.cut for arm in study.all_arms if arm.family] == ["dense1", "dense2"]


def test_a_study_without_a_sweep_has_the_arms_it_names() -> None:
    study = StudySpec(**tiny_table())
    assert study.all_arms == study.arms


def test_the_sweep_is_at_its_size_and_only_in_pairs_with_all_arms() -> None:
    pairs = [
        {"source": "source", "target": "target"},
        {"source": "target", "target": "source", "arms": ["scratch", "full"]},
    ]
    study = StudySpec(**tiny_table(pairs=pairs, cuts={"size": 60, "families": ["random"]}))
    names = {
        (pair.source, size.label): [arm.name for arm in study.arms_of(pair, size)]
        for pair in study.pairs
        for size in study.sizes
    }
    own = ["scratch", "random_trunk", "probe", "full", "probe_then_full"]
    assert names == {
        ("source", "20"): own,
        ("source", "60"): [*own, "random@dense1", "random@dense2"],
        ("target", "20"): ["scratch", "full"],
        ("target", "60"): ["scratch", "full"],
    }
