"""Pilot: learning rates and the margin, chosen on a separate seed before any test image is used.

The pilot's trials train on a seed that is no part of the evidence and are never tested. A `select`
step compares them on validation; what follows is planned once its choice is stored.

Where each seed has a test part to itself (`SplitSpec.repeats`), images that the pilot seed trains
on are test images of other seeds. Each seed then chooses its learning rates by itself, on its own
validation images, and the margin is not measured.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite, sqrt

from headstart.core.hashing import Json
from headstart.plan.payload_types import SelectPayload
from headstart.plan.steps import Choice, Place, Score, Step
from headstart.plan.trainings import SOURCE_RUN, PlannedTraining, Rates, Trainings
from headstart.study.arms import ArmSpec
from headstart.study.sizes import SizeSpec
from headstart.study.study import AUTO, Pair, StudySpec

Choices = Callable[[str], Json | None]
"""The result of a `select` step by its key; None where it is not finished."""

EXTENSIONS = 2  # times that a grid whose best rate lies at an edge is extended by one more rate
WIDEST_MARGIN, NARROWEST_MARGIN = 1.0, 0.2  # percentage points


RATES, MARGIN = "learning rates", "margin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a choice decides (RATES, MARGIN), and for which pair and size."""

    words: tuple[str, ...]
    where: str


class Undecided(Exception):
    """Planning needs the choice of a `select` step that is not stored yet."""


def effective_validation(result: Json) -> float:
    """Number of validation images of a training, as many as count alike (`Metric`)."""
    name = "effective_validation" if "effective_validation" in result else "num_validation"
    return float(result[name])


def choose_rates(
    scores: Mapping[str, Iterable[Score]], control: str | None, num_validation: float
) -> Choice:
    """The best rate of each arm: by validation accuracy, then loss, then the smaller rate.

    A training that did not stay finite is never chosen. Nor is a rate whose neighbour above did
    not, where another is as good within one standard error of an accuracy on `num_validation`
    images: what just held on the pilot seed may break on another.
    """
    ordered = {
        arm: tuple(sorted(tried, key=lambda score: score.rate)) for arm, tried in scores.items()
    }
    best = {arm: _best(tried, num_validation) for arm, tried in ordered.items()}
    edges = {}
    for arm, tried in ordered.items():
        if len(tried) > 1 and best[arm] in (tried[0], tried[-1]):
            edges[arm] = "low" if best[arm] == tried[0] else "high"
    return Choice(
        rates={arm: score.rate for arm, score in best.items()},
        scores=ordered,
        edges=edges,
        control_error=1 - best[control].accuracy if control else None,
    )


def _best(tried: tuple[Score, ...], num_validation: float) -> Score:
    sound = [score for score in tried if score.finite] or list(tried)
    best = max(sound, key=_merit)
    above = tried[tried.index(best) + 1 :]
    others = [score for score in sound if score != best]
    if above and not above[0].finite and others:
        error = sqrt(best.accuracy * (1 - best.accuracy) / num_validation)
        rival = max(others, key=_merit)
        return rival if rival.accuracy >= best.accuracy - error else best
    return best


def _merit(score: Score) -> tuple[float, float, float]:
    loss = score.loss if isfinite(score.loss) else float("inf")
    return (score.accuracy, -loss, -score.rate)


def extended(grid: tuple[float, ...], edges: Iterable[str]) -> tuple[float, ...]:
    """The grid with one more rate, the same factor away, at each edge named."""
    sides = set(edges)
    low = (_rounded(grid[0] * grid[0] / grid[1]),) if "low" in sides else ()
    high = (_rounded(grid[-1] * grid[-1] / grid[-2]),) if "high" in sides else ()
    return (*low, *grid, *high)


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")


def margin_from(control_error: float) -> float:
    """A tenth of the control's error, from 0.2 to 1 percentage points (docs/study-file.md)."""
    tenth = 100 * control_error / 10
    return round(min(max(tenth, NARROWEST_MARGIN), WIDEST_MARGIN), 2)


@dataclass(slots=True)
class Pilot:
    """Plans the pilot of a study and reads what it settled.

    `settled` are the choices at each place, by the seed that they were made on.
    """

    trainings: Trainings
    choices: Choices
    undecided: dict[str, None] = field(default_factory=dict)
    settling: dict[str, None] = field(default_factory=dict)
    settled: dict[Place, dict[int, Choice]] = field(default_factory=dict)
    _sources: dict[str, Choice] = field(default_factory=dict)

    @property
    def study(self) -> StudySpec:
        """The study."""
        return self.trainings.study

    def choosing(self, pair: Pair) -> Iterable[tuple[int, tuple[int, ...]]]:
        """The seeds that learning rates are chosen on, each with those that it chooses for."""
        seeds = self.study.seeds
        if self.study.tasks[pair.target].split.repeats:
            return [(seed, (seed,)) for seed in seeds]
        return [(self.study.pilot_seed, seeds)]

    def rates(self, pair: Pair, size: SizeSpec, seed: int) -> Rates:
        """The learning rates of a pair at a size, chosen on a seed.

        Raises:
            Undecided: they are not settled yet.
        """
        source = self.source_rate(pair)
        arms = self._tuned(pair, size)
        if not arms and not self._measures(pair):
            return Rates(source=source)
        settled = self.settled.setdefault((pair.source, pair.target, size.label), {})
        if seed not in settled:
            settled[seed] = replace(
                self._choice(pair, size, arms, source, seed),
                seed=None if seed == self.study.pilot_seed else seed,
            )
        chosen = settled[seed].rates
        return Rates(source=source, arms=tuple((arm.name, chosen[arm.name]) for arm in arms))

    def source_rate(self, pair: Pair) -> float | None:
        """The learning rate of source runs, None where only one is given.

        Raises:
            Undecided: the pilot has not settled it yet.
        """
        grid = self.study.pretraining.rates
        if not grid or self.study.source_of(pair).task is None:
            return None
        if pair.source not in self._sources:
            seed = self.study.pilot_seed

            def tried(grid: tuple[float, ...]) -> list[tuple[str, float, PlannedTraining]]:
                learn = self.trainings.plan_source
                return [(SOURCE_RUN, rate, learn(pair, seed, rate)) for rate in grid]

            what = Sought(words=(RATES,), where=f"on {pair.source}")
            self._sources[pair.source] = self._search(grid, tried, None, what)
        return self._sources[pair.source].rates[SOURCE_RUN]

    def margin(self, pair: Pair, size: SizeSpec) -> float:
        """The margin in percentage points, once `rates` of this place are settled."""
        if self.study.margin != AUTO:
            return float(self.study.margin)
        if not self._measures(pair):
            return WIDEST_MARGIN
        settled = self.settled[pair.source, pair.target, size.label]
        error = settled[self.study.pilot_seed].control_error
        return WIDEST_MARGIN if error is None else margin_from(error)

    def _measures(self, pair: Pair) -> bool:
        """Whether the margin comes from the control's error on validation images."""
        split = self.study.tasks[pair.target].split
        return self.study.margin == AUTO and split.validates and not split.repeats

    def _tuned(self, pair: Pair, size: SizeSpec) -> list[ArmSpec]:
        """The arms of a pair at a size that have several learning rates to try."""
        return [
            arm
            for arm in self.study.arms_of(pair, size)
            if arm.has_rate and self.study.training_of(arm).rates
        ]

    def _choice(
        self, pair: Pair, size: SizeSpec, arms: list[ArmSpec], source: float | None, seed: int
    ) -> Choice:
        study = self.study
        control = study.arm(study.control)
        once = [] if control in arms else [control]

        def planned(arm: ArmSpec, rate: float | None) -> PlannedTraining:
            rates = Rates(source=source, tried=rate)
            return self.trainings.plan_arm(pair, size, arm, seed, rates)

        def tried(grid: tuple[float, ...]) -> list[tuple[str, float, PlannedTraining]]:
            fixed = self.study.training_of(control).optimiser.lr
            return [
                *((arm.name, fixed, planned(arm, None)) for arm in once),
                *((arm.name, rate, planned(arm, rate)) for arm in arms for rate in grid),
            ]

        grid = self.study.training_of(arms[0]).rates if arms else ()
        words = (*((RATES,) if arms else ()), *((MARGIN,) if self._measures(pair) else ()))
        own = f", seed {seed}" if study.tasks[pair.target].split.repeats else ""
        what = Sought(words=words, where=f"of {pair.target} at {size.label}{own}")
        return self._search(grid, tried, control.name, what)

    def _search(
        self,
        grid: tuple[float, ...],
        tried: Callable[[tuple[float, ...]], list[tuple[str, float, PlannedTraining]]],
        control: str | None,
        what: Sought,
    ) -> Choice:
        """Try the grid; while a best rate lies at its edge, try one more there, for every arm."""
        for extension in range(EXTENSIONS + 1):
            key = self._select(tried(grid), control, what)
            made = self.choices(key)
            if made is None:
                self.undecided[key] = None
                self.settling |= dict.fromkeys(what.words)
                raise Undecided
            choice = _read(made)
            if not choice.edges or len(grid) < 2 or extension == EXTENSIONS:
                break
            grid = extended(grid, choice.edges.values())
        return choice

    def _select(
        self, tried: list[tuple[str, float, PlannedTraining]], control: str | None, what: Sought
    ) -> str:
        inputs = tuple(dict.fromkeys(key for _, _, planned in tried for key in planned.keys))
        payload: SelectPayload = {
            "candidates": [
                {
                    "arm": arm,
                    "rate": rate,
                    "inputs": [inputs.index(key) for key in planned.keys],
                    "keep": planned.keep,
                }
                for arm, rate, planned in tried
            ],
            "control": control,
        }
        return self.trainings.add(
            Step(
                kind="select",
                payload=dict(payload),
                inputs=inputs,
                datasets={},
                label=f"choice of {' and '.join(what.words)} {what.where}",
                updates=0,
                flops=0,
            )
        )


def _read(result: Json) -> Choice:
    return Choice(
        rates=result["rates"],
        scores={
            arm: tuple(
                Score(
                    rate=rate,
                    accuracy=accuracy,
                    loss=float("inf") if loss is None else loss,
                    finite=finite,
                )
                for rate, accuracy, loss, finite in tried
            )
            for arm, tried in result["scores"].items()
        },
        edges=result["edges"],
        control_error=result["control_error"],
    )
