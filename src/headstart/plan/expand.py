"""Study, facts and choices -> trials and steps. A step that two trials need is there once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from headstart.plan.allocation import Allocation
from headstart.plan.mistakes import mistakes_step
from headstart.plan.of_all_seeds import flops_of_test
from headstart.plan.payload_types import OverlapPayload, PredictPayload, StartRulePayload
from headstart.plan.payloads import network_files
from headstart.plan.pilot import Choices, Pilot, Undecided
from headstart.plan.steps import Place, Plan, Step, Trial
from headstart.plan.trainings import SOURCE_ARM, PlannedTraining, Rates, Trainings
from headstart.plan.trial_data import EVERYTHING, TrialData
from headstart.study.arms import SOURCE, ArmSpec, LabelMap
from headstart.study.facts import Facts
from headstart.study.sizes import SizeSpec
from headstart.study.study import Pair, StudySpec


def nothing_chosen(_key: str) -> None:
    """No `select` step is finished."""


def make_plan(
    study: StudySpec,
    facts: Facts,
    choices: Choices = nothing_chosen,
    allocation: Allocation | None = None,
) -> Plan:
    """Every trial of the study that can be planned yet, with the steps it needs.

    `choices` gives the results of `select` steps; `allocation` says how many of the study's seeds
    each cell has, by default all. Same arguments, same plan. Trials that need a choice which is
    not there are left out and counted; the plan's `undecided` steps give the choices that are
    missing.
    """
    planner = _Planner(Trainings(study, facts), choices, allocation)
    for pair in study.pairs:
        planner.overlaps_of(pair)
        for size in study.sizes:
            planner.place(pair, size)
        planner.list_mistakes(pair)
    for figure in study.published:
        if figure.arm == SOURCE:  # nothing need start from a source run that was published
            planner.source_runs(study.pairs[figure.pair], planner.seeds)
    return Plan(
        trials=tuple(planner.trials),
        sources=tuple(planner.sources.values()),
        overlaps=planner.overlaps,
        steps=planner.trainings.steps,
        num_waiting=planner.num_waiting,
        undecided=tuple(planner.pilot.undecided),
        checkpoints=planner.trainings.checkpoints,
        mistakes=planner.mistakes,
        settling=tuple(planner.pilot.settling),
        choices={
            place: tuple(by_seed.values())
            for place, by_seed in planner.pilot.settled.items()
            if by_seed
        },
        margins=planner.margins,
        allocation=allocation,
    )


def expected_steps(study: StudySpec, facts: Facts, plan: Plan) -> tuple[Step, ...]:
    """Approximate steps that will be planned once the pilot has chosen.

    As if the middle one of the learning rates would be chosen everywhere.
    """
    if not plan.num_waiting:
        return ()
    settled = make_plan(study.untuned(), facts, allocation=plan.allocation)
    return tuple(step for key, step in settled.steps.items() if key not in plan.steps)


@dataclass(slots=True)
class _Planner:
    trainings: Trainings
    choices: Choices
    allocation: Allocation | None
    pilot: Pilot = field(init=False)
    trials: list[Trial] = field(default_factory=list)
    sources: dict[tuple[str, int], Trial] = field(default_factory=dict)
    overlaps: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    mistakes: dict[Place, str] = field(default_factory=dict)
    margins: dict[Place, float] = field(default_factory=dict)
    num_waiting: int = 0
    _searches: dict[tuple[str, str, int | None], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pilot = Pilot(self.trainings, self.choices)

    @property
    def study(self) -> StudySpec:
        """The study."""
        return self.trainings.study

    def place(self, pair: Pair, size: SizeSpec) -> None:
        """All trials of a pair at a size, or what has to be done before they can be planned."""
        arms = [(arm, self._seeds_of(pair, size, arm)) for arm in self.study.arms_of(pair, size)]
        if any(SOURCE in arm.origins for arm, _ in arms):
            most = max(len(seeds) for _, seeds in arms)
            self.source_runs(pair, self.study.seeds[:most])
        for chosen_on, chosen_for in self.pilot.choosing(pair):
            wanted = set(chosen_for)
            trials = [(arm, seed) for arm, seeds in arms for seed in seeds if seed in wanted]
            if not trials:
                continue
            try:
                rates = self.pilot.rates(pair, size, chosen_on)
            except Undecided:
                self.num_waiting += len(trials)
                continue
            self.margins[pair.source, pair.target, size.label] = self.pilot.margin(pair, size)
            self._trials(pair, size, trials, rates)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that any cell has."""
        return self.study.seeds[: self.allocation.most] if self.allocation else self.study.seeds

    def _seeds_of(self, pair: Pair, size: SizeSpec, arm: ArmSpec) -> tuple[int, ...]:
        """The seeds that an arm has at a size: all, or the first of them."""
        if self.allocation is None:
            return self.study.seeds
        number = self.allocation.number((pair.source, pair.target, size.label, arm.name))
        return self.study.seeds[:number]

    def _trials(
        self, pair: Pair, size: SizeSpec, trials: Iterable[tuple[ArmSpec, int]], rates: Rates
    ) -> None:
        for arm, seed in trials:
            planned = self.trainings.plan_arm(pair, size, arm, seed, rates)
            trial_data = self.trainings.target(pair, size, arm, seed)
            if isinstance(arm.strategy, LabelMap):
                predict = self._read_off_source(arm, trial_data)
            else:
                predict = self._predict(arm, planned, trial_data)
            self.trials.append(self._trial(arm, size, planned, predict, trial_data))

    def source_runs(self, pair: Pair, seeds: Iterable[int]) -> None:
        """The source run of each seed, with its test; a checkpoint has none."""
        if self.study.source_of(pair).task is None:
            return
        try:
            rate = self.pilot.source_rate(pair)
        except Undecided:
            return
        for seed in seeds:
            if (pair.source, seed) not in self.sources:
                planned = self.trainings.plan_source(pair, seed, rate)
                trial_data = self.trainings.source(pair, seed)
                predict = self._predict(SOURCE_ARM, planned, trial_data)
                self.sources[pair.source, seed] = self._trial(
                    SOURCE_ARM, EVERYTHING, planned, predict, trial_data
                )

    def overlaps_of(self, pair: Pair) -> None:
        """The steps that look for images which source and target share."""
        found = dict.fromkeys(self._overlap(pair, seed) for seed in self.seeds)
        self.overlaps[pair.source, pair.target] = tuple(found)

    def _overlap(self, pair: Pair, seed: int) -> str:
        """The search among the images of a seed, or of all seeds where they are the same."""
        repeats = self.study.tasks[pair.target].split.repeats
        place = (pair.source, pair.target, seed if repeats else None)
        if place not in self._searches:
            self._searches[place] = self._search(self._target(pair, EVERYTHING, seed))
        return self._searches[place]

    def _search(self, target: TrialData) -> str:
        pair = target.pair
        task = self.study.source_of(pair).task
        if task is None:
            source = target.seen_data()
        else:
            source = self.trainings.source(pair, 0).training_data
        payload: OverlapPayload = {
            "target": target.training_data,
            "test": target.test_data,
            "near": self.study.leaks.threshold,
        }
        if source is not None:
            payload["source"] = source
        repeats = target.task.split.repeats
        return self.trainings.add(
            Step(
                kind="overlap",
                payload=dict(payload),
                inputs=(),
                datasets=target.datasets,
                label=f"images shared by {pair.source} and {pair.target}"
                f"{f', seed {target.seed}' if repeats else ''}",
                updates=0,
                flops=0,
            )
        )

    def list_mistakes(self, pair: Pair) -> None:
        """The step that lists mistakes on test images, at the pair's largest size.

        There is none as long as trials at that size wait for a choice.
        """
        sizes = [self._target(pair, size) for size in self.study.sizes]
        largest = max(sizes, key=lambda target: target.num_images)
        place = (pair.source, pair.target, largest.size.label)
        trials = [t for t in self.trials if (t.source, t.target, t.size) == place]
        seeds = dict.fromkeys(t.seed for t in trials if t.arm == self.study.control)
        overlaps = [self._overlap(pair, seed) for seed in seeds]
        step = mistakes_step(trials, largest, overlaps)
        if step is not None:
            self.mistakes[place] = self.trainings.add(step)

    def _target(self, pair: Pair, size: SizeSpec, seed: int = 0) -> TrialData:
        """The data side of any trial of a pair, whatever its arm."""
        return self.trainings.trial_data(pair, pair.target, size, seed, "target")

    def _trial(
        self,
        arm: ArmSpec,
        size: SizeSpec,
        planned: PlannedTraining,
        predict: str,
        trial_data: TrialData,
    ) -> Trial:
        forgetting = self.study.forgetting and arm.transfers
        return Trial(
            arm=arm.name,
            size=size.label,
            num_images=trial_data.num_images,
            source=trial_data.pair.source,
            target=trial_data.pair.target,
            seed=trial_data.seed,
            train_keys=planned.keys,
            predict_key=predict,
            score_key=self._score(arm, predict, trial_data),
            updates=planned.updates,
            flops=sum(self.trainings.steps[key].flops for key in planned.keys),
            trainable_parameters=planned.trainable,
            total_parameters=trial_data.network_facts.num_parameters,
            forgetting_key=self._forgetting(arm, planned, trial_data) if forgetting else None,
        )

    def _predict(self, arm: ArmSpec, planned: PlannedTraining, trial_data: TrialData) -> str:
        payload: PredictPayload = {
            **self._test(trial_data),
            "keep": planned.keep,
            "train": trial_data.fitted_data,
        }
        return self._predict_step(
            f"test of {arm.name} on {trial_data}",
            payload,
            planned.keys,
            trial_data,
            planned.test_flops,
        )

    def _read_off_source(self, arm: ArmSpec, trial_data: TrialData) -> str:
        """Predictions of the source network, its classes mapped to those of the target."""
        pair, seed = trial_data.pair, trial_data.seed
        source = self.trainings.source(pair, seed)
        payload: PredictPayload = {
            **self._test(trial_data),
            "keep": self.study.pretraining.keep,
            "train": trial_data.fitted_data,
            "label_map": trial_data.training_data,
            "source_classes": source.num_classes,
        }
        inputs = self.sources[pair.source, seed].train_keys
        return self._predict_step(
            f"test of {arm.name} on {trial_data}",
            payload,
            inputs,
            trial_data,
            flops_of_test(trial_data, ()),
        )

    def _forgetting(self, arm: ArmSpec, planned: PlannedTraining, trial_data: TrialData) -> str:
        """The score of the source's head on the trained trunk, on the source's test images."""
        pair, seed = trial_data.pair, trial_data.seed
        source = self.trainings.source(pair, seed)
        before = self.trainings.plan_source(pair, seed, self.pilot.source_rate(pair))
        *trunk, head = trial_data.network_facts.stage_names
        inputs = (*planned.keys, *before.keys)
        rules: list[StartRulePayload] = [
            {"stages": stages, "inputs": [inputs.index(k) for k in of.keys], "keep": of.keep}
            for stages, of in ((trunk, planned), ([head], before))
        ]
        payload: PredictPayload = {**self._test(source), "weights": rules}
        label = f"test of {arm.name} on {trial_data}, on the source"
        flops = flops_of_test(source, ())
        return self._score(arm, self._predict_step(label, payload, inputs, source, flops), source)

    def _test(self, trial_data: TrialData) -> PredictPayload:
        """Payload that every predict step has: test images, preprocessing, network."""
        payload: PredictPayload = {
            "data": trial_data.test_data,
            "preprocessing": trial_data.preprocessing,
            "network": trial_data.network_payload,
            "threads": 1,
        }
        if self.study.metric != "accuracy":
            payload["metric"] = self.study.metric
        return payload

    def _score(self, arm: ArmSpec, predict: str, trial_data: TrialData) -> str:
        """Metrics of a prediction; of the target's test images, those that leaked are left out."""
        inputs = [predict]
        if trial_data.role == "target":
            inputs.append(self._overlap(trial_data.pair, trial_data.seed))
        return self.trainings.add(
            Step(
                kind="score",
                payload={},
                inputs=tuple(inputs),
                datasets=trial_data.datasets,
                label=f"score of {arm.name} on {trial_data}",
                updates=0,
                flops=0,
            )
        )

    def _predict_step(
        self,
        label: str,
        payload: PredictPayload,
        inputs: tuple[str, ...],
        trial_data: TrialData,
        evaluation_flops: int,
    ) -> str:
        return self.trainings.add(
            Step(
                kind="predict",
                payload=dict(payload),
                inputs=inputs,
                datasets=trial_data.datasets,
                files=network_files(trial_data.network),
                label=label,
                updates=0,
                flops=0,
                evaluation_flops=evaluation_flops,
            )
        )
