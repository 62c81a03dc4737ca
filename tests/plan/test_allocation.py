"""Seeds of each comparison: which trials they are, and which comparisons the time allows more."""

from hypothesis import given, settings
from hypothesis import strategies as st
from plans import CONTENT, STUDY, digits

from headstart.analyse.cells import cell_of
from headstart.plan.allocation import (
    Allocation,
    Cell,
    OpenComparison,
    affordable,
    allocation_from,
)
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan
from headstart.study.facts import Facts
from headstart.study.study import StudySpec

FACTS = Facts(datasets={"digits": digits(content=CONTENT)})


def cell(size: str, arm: str) -> Cell:
    return ("source", "target", size, arm)


def seeds_of(plan: Plan) -> dict[Cell, tuple[int, ...]]:
    found: dict[Cell, tuple[int, ...]] = {}
    for trial in plan.trials:
        found[cell_of(trial)] = (*found.get(cell_of(trial), ()), trial.seed)
    return found


def planned(allocation: Allocation | None, **changes: object) -> Plan:
    return make_plan(StudySpec(**{**STUDY, "seeds": 6, **changes}), FACTS, allocation=allocation)


UNEQUAL = Allocation(
    first=3,
    numbers={cell("20", arm): 6 for arm in ("scratch", "random_trunk", "full")}
    | {cell("60", arm): 4 for arm in ("scratch", "random_trunk", "probe")},
)


def test_each_cell_has_the_first_seeds_of_the_study() -> None:
    plan = planned(UNEQUAL)
    seeds = seeds_of(plan)
    assert seeds[cell("20", "full")] == seeds[cell("20", "scratch")] == tuple(range(6))
    assert seeds[cell("20", "probe")] == seeds[cell("60", "full")] == (0, 1, 2)
    assert seeds[cell("60", "probe")] == (0, 1, 2, 3)
    assert seeds == UNEQUAL.seeds(seeds, tuple(range(6)))


def test_steps_are_those_of_the_same_trials_with_all_seeds() -> None:
    some, every = planned(UNEQUAL), planned(None)
    assert {t.score_key for t in some.trials} < {t.score_key for t in every.trials}
    assert set(every.behind(some.trials)) == set(some.behind(some.trials))
    assert [source.seed for source in some.sources] == list(range(6))
    equal = planned(Allocation(first=6))
    assert equal.steps == every.steps
    assert equal.trials == every.trials


def test_mistakes_are_listed_of_arms_with_fewer_seeds_than_the_control() -> None:
    plan = planned(UNEQUAL)
    (key,) = plan.mistakes.values()
    payload = plan.steps[key].payload
    assert len(payload["control"]) == 4
    assert sorted(map(len, payload["arms"])) == [3, 3, 4]


def test_repeated_splits_plan_no_choice_for_seeds_that_are_not_there() -> None:
    target = {**STUDY["tasks"]["target"], "split": {"test": "repeated", "validation": 0.2}}
    training = {**STUDY["training"], "rates": [0.01, 0.1]}
    tasks = {**STUDY["tasks"], "target": target}
    some = planned(UNEQUAL, tasks=tasks, training=training)
    assert some.num_waiting == sum(UNEQUAL.number(c) for c in _cells())
    assert {len(keys) for keys in some.overlaps.values()} == {6}


def _cells() -> list[Cell]:
    return [cell(size, arm) for size in ("20", "60") for arm in STUDY["arms"]]


def test_an_allocation_survives_the_store() -> None:
    stopped = UNEQUAL.going_on({cell("60", "full"): 4}, {cell("20", "probe"): "budget"})
    assert allocation_from(stopped.as_json) == Allocation(
        first=3,
        numbers={**stopped.numbers, cell("20", "probe"): 3},
        stopped={cell("20", "probe"): "budget"},
    )
    assert stopped.number(cell("60", "full")) == 4
    assert stopped.most == 6
    assert UNEQUAL.going_on({cell("20", "full"): 4}, {}) == UNEQUAL


def comparison(name: str, needed: int | None = None) -> OpenComparison:
    own = cell("20", name)
    return OpenComparison(cell=own, number=5, look=8, needed=needed, with_it=(own,))


def chosen(prices: dict[str, set[str]], needed: dict[str, int], seconds: float) -> list[str]:
    return [
        one.cell[3]
        for one in affordable(
            [comparison(name, needed.get(name)) for name in prices],
            lambda one: frozenset(prices[one.cell[3]]),
            lambda keys: float(len(keys)),
            seconds,
        )
    ]


def test_what_promises_a_verdict_soonest_goes_first() -> None:
    prices = {"dear": set("abcdef"), "cheap": set("gh"), "long": set("ij")}
    assert chosen(prices, {"long": 20}, 10) == ["cheap", "dear", "long"]
    assert chosen(prices, {"long": 20}, 4) == ["cheap", "long"]
    assert chosen(prices, {"long": 20}, 1) == []


def test_a_step_that_two_share_is_paid_for_once() -> None:
    prices = {"probe": set("source1"), "full": set("source2")}
    assert chosen(prices, {}, len({*"source12"})) == ["probe", "full"]


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sets(st.integers(0, 20), min_size=1)),
    st.integers(0, 30),
)
def test_no_choice_costs_more_than_there_is(prices: dict[str, set[int]], seconds: int) -> None:
    found = affordable(
        [comparison(name) for name in prices],
        lambda one: frozenset(map(str, prices[one.cell[3]])),
        lambda keys: float(len(keys)),
        seconds,
    )
    paid = set().union(*(prices[one.cell[3]] for one in found)) if found else set()
    assert len(paid) <= seconds
