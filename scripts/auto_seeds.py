"""How often verdicts of `seeds = "auto"` are false, and how many seeds they take, by simulation.

    python scripts/auto_seeds.py STUDIES

Draws right and wrong answers of studies without training anything: images of all degrees of
difficulty, seeds of all qualities, several transfer arms at several sizes against one control. The
verdicts are those of the real statistics over the planned looks: the crossed interval, Holm over
the family, comparisons that end with a verdict or where a budget ends. In the first table no arm is
any better than the control, so that every "helps" and "hurts" is false; in the second some are.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import scipy

from headstart.analyse.multiplicity import holm, planned_level
from headstart.analyse.statistics import MOST_SEEDS, Crossed, crossed
from headstart.analyse.verdict import Judged, judge
from headstart.plan.allocation import OpenComparison, affordable
from headstart.study.study import LOOKS

MARGIN = 1.0  # percentage points
NOISE = 0.7  # of an answer, where the difficulty of images has a deviation of 1
FIXED = ((5,), (10,), (20,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """Studies of one kind.

    Attributes:
        arms: transfer arms at each size.
        gains: what they are better by at each size, in deviations of the images' difficulty.
        images: test images.
        luck: deviation of a training's quality, in the same unit.
        budget: trainings that a study may take, as a share of all that its looks plan.
    """

    arms: int
    gains: tuple[float, ...]
    images: int
    luck: float
    budget: float = 1.0


Cell = tuple[int, int]
"""(size, arm)."""


def draw(regime: Regime, seeds: int, drawn: np.random.Generator) -> dict[Cell, np.ndarray]:
    """Right answers of each arm minus those of the control (seeds, images), by cell."""
    tables: dict[Cell, np.ndarray] = {}
    for size, gain in enumerate(regime.gains):
        ease = drawn.normal(0, 1, regime.images) + 0.4 * size
        seed = drawn.normal(0, regime.luck / 2, (seeds, 1))  # of its training images, for all arms

        def answers(better: float, ease: np.ndarray = ease, seed: np.ndarray = seed) -> np.ndarray:
            luck = drawn.normal(better, regime.luck, (seeds, 1))
            noise = drawn.normal(0, NOISE, (seeds, regime.images))
            return np.asarray(ease + seed + luck + noise > -0.5, np.int8)

        control = answers(0.0)
        tables |= {(size, arm): answers(gain) - control for arm in range(regime.arms)}
    return tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Words and numbers of seeds by cell, and the cells that were ever said to help or to hurt."""

    words: dict[Cell, str]
    seeds: dict[Cell, int]
    claimed: frozenset[Cell]

    @property
    def trainings(self) -> int:
        """Trainings of the arms and of the control, which has the seeds of every arm beside it."""
        sizes = {size for size, _ in self.seeds}
        control = sum(max(n for (at, _), n in self.seeds.items() if at == size) for size in sizes)
        return control + sum(self.seeds.values())


def study(tables: dict[Cell, np.ndarray], looks: tuple[int, ...], share: float) -> Outcome:
    """A study from its first look to its last, at each of which undecided comparisons go on."""
    level = planned_level(len(looks))
    most = Outcome(words={}, seeds=dict.fromkeys(tables, looks[-1]), claimed=frozenset())
    seeds, claimed = dict.fromkeys(tables, looks[0]), set[Cell]()
    while True:
        found = {cell: _crossed(table[: seeds[cell]]) for cell, table in tables.items()}
        p_values = [one.cautious_p if one else 1.0 for one in found.values()]
        levels = holm(p_values, [level] * len(found)).levels
        words: dict[Cell, str] = {}
        going_on: list[OpenComparison] = []
        for (cell, one), own in zip(found.items(), levels, strict=True):
            if one is None:
                words[cell] = "not enough evidence"
                continue
            judged = judge(one, MARGIN, level=own, equivalence_level=level)
            words[cell] = judged.word
            if judged.word == "not enough evidence" and seeds[cell] < looks[-1]:
                one_more = _open(cell, seeds[cell], judged, looks)
                if not one_more.out_of_reach(looks[-1]):
                    going_on.append(one_more)
        claimed |= {cell for cell, word in words.items() if word in ("helps", "hurts")}
        now = Outcome(words=words, seeds=dict(seeds), claimed=frozenset(claimed))
        more = _within_budget(going_on, now, ceil(share * most.trainings))
        if not more:
            return now
        seeds |= more


def _crossed(table: np.ndarray) -> Crossed | None:
    return crossed(table) if table.any() else None


def _open(cell: Cell, number: int, judged: Judged, looks: tuple[int, ...]) -> OpenComparison:
    needed = judged.seeds_needed
    return OpenComparison(
        cell=("", "", str(cell[0]), str(cell[1])),
        number=number,
        look=next(look for look in looks if look > number),
        needed=MOST_SEEDS if needed is None else needed,
        with_it=(),
        by_images=judged.more == "test images" and needed is None,
    )


def _within_budget(going_on: list[OpenComparison], now: Outcome, budget: int) -> dict[Cell, int]:
    """Seeds of the comparisons whose next look fits the budget."""

    def cell_of(one: OpenComparison) -> Cell:
        return int(one.cell[2]), int(one.cell[3])

    def trainings(one: OpenComparison) -> frozenset[str]:
        added, (size, arm) = range(one.number, one.look), cell_of(one)
        control = max(n for (at, _), n in now.seeds.items() if at == size)
        return frozenset(
            [f"{size} {arm} {seed}" for seed in added]
            + [f"{size} control {seed}" for seed in added if seed >= control]
        )

    chosen = affordable(going_on, trainings, lambda keys: float(len(keys)), budget - now.trainings)
    return {cell_of(one): one.look for one in chosen}


NULL = (
    Regime(arms=1, gains=(0,), images=100, luck=0.05),
    Regime(arms=1, gains=(0,), images=300, luck=0.4),
    Regime(arms=3, gains=(0, 0), images=100, luck=0.2),
    Regime(arms=3, gains=(0, 0), images=100, luck=0.2, budget=0.6),
    Regime(arms=4, gains=(0, 0, 0), images=300, luck=0.4),
)
REAL = (
    Regime(arms=1, gains=(0.4, 0.2, 0.05), images=500, luck=0.2),
    Regime(arms=4, gains=(0.6, 0.25, 0.05), images=500, luck=0.2),
    Regime(arms=4, gains=(0.3, 0.1, 0.0), images=500, luck=0.1),
    Regime(arms=4, gains=(0.3, 0.1, 0.0), images=500, luck=0.1, budget=0.5),
)


def false_verdicts(studies: int) -> Iterator[str]:
    """How many studies without any difference claim one, at any look."""
    for regime in NULL:
        drawn = np.random.default_rng(1)
        wrong = sum(
            bool(study(draw(regime, LOOKS[-1], drawn), LOOKS, regime.budget).claimed)
            for _ in range(studies)
        )
        low, high = _exact(wrong, studies)
        yield (
            f"{regime.arms} x {len(regime.gains)} | {regime.images} | {regime.luck:g} | "
            f"{regime.budget:g} | {wrong} | {100 * wrong / studies:.2f} "
            f"[{low:.2f}, {high:.2f}]"
        )


def _exact(wrong: int, number: int) -> tuple[float, float]:
    """Exact 95 % interval of a share, in per cent."""
    found = scipy.stats.binomtest(wrong, number).proportion_ci(method="exact")
    return 100 * found.low, 100 * found.high


def seeds_taken(studies: int) -> Iterator[str]:
    """Decided comparisons and trainings of studies with something to find."""
    for regime in REAL:
        plans = ((LOOKS, regime.budget), *((looks, 1.0) for looks in FIXED))
        for looks, budget in plans:
            drawn = np.random.default_rng(2)
            ends = [
                study(draw(regime, looks[-1], drawn), looks, budget)
                for _ in range(max(studies // 10, 1))
            ]
            words = [word for end in ends for word in end.words.values()]
            decided = sum(word != "not enough evidence" for word in words) / len(words)
            trainings = np.mean([end.trainings for end in ends])
            name = "auto" if looks == LOOKS else f"{looks[0]} seeds"
            yield (
                f"{regime.arms} x {regime.gains} | {regime.luck:g} | {name} | {budget:g} | "
                f"{100 * decided:.0f} | {trainings:.0f} | "
                f"{decided * len(words) / len(ends) / trainings * 100:.1f}"
            )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", type=int)
    studies = parser.parse_args().studies
    print("arms x sizes | images | luck | budget | false | % of studies [95 %]")
    for line in false_verdicts(studies):
        print(line, flush=True)
    print(
        "arms x gains | luck | seeds | budget | decided, % | trainings | verdicts a 100 trainings"
    )
    for line in seeds_taken(studies):
        print(line, flush=True)


if __name__ == "__main__":
    main()
