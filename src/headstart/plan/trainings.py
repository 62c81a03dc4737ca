"""Arm, size and seed -> training steps: phases, first weights, budgets."""

from bisect import bisect_left
from dataclasses import dataclass, field

from headstart.plan.of_all_seeds import OfAllSeeds, flops_of_phases, of_all_seeds
from headstart.plan.payload_types import MergePayload, StartRulePayload, TrainPayload
from headstart.plan.payloads import network_files, network_payload
from headstart.plan.steps import Step
from headstart.plan.trial_data import EVERYTHING, TrialData
from headstart.strategies import phases_of
from headstart.study.arms import SELF, SOURCE, UNTRAINED, ArmSpec, Full
from headstart.study.facts import Facts
from headstart.study.phases import Phase
from headstart.study.sizes import SizeSpec
from headstart.study.study import Pair, StudySpec
from headstart.study.training import Keep, TrainingSpec

SOURCE_RUN, SELF_RUN = "source run", "self run"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTraining:
    """A planned training as others may start from it: its steps, and which weights count.

    `updates` are those of all its steps, `trainable` the parameters that at least one trains,
    `test_flops` the operations of testing it.
    """

    keys: tuple[str, ...]
    keep: Keep
    updates: int = 0
    trainable: int = 0
    test_flops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The learning rates of trainings whose spec names several to try.

    `arms` holds those chosen, (arm, rate); `tried` is the one under trial, for every arm.
    """

    source: float | None = None
    arms: tuple[tuple[str, float], ...] = ()
    tried: float | None = None

    def of(self, arm: str) -> float | None:
        """The learning rate of an arm."""
        return dict(self.arms).get(arm, self.tried)


@dataclass(slots=True)
class Trainings:
    """Plans trainings of a study into `steps`; a training that two trials need is there once."""

    study: StudySpec
    facts: Facts
    steps: dict[str, Step] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    _planned: dict[tuple[object, ...], PlannedTraining] = field(default_factory=dict)
    _of_all_seeds: dict[tuple[object, ...], OfAllSeeds] = field(default_factory=dict)
    _trial_data: dict[tuple[object, ...], dict[int, TrialData]] = field(default_factory=dict)

    def add(self, step: Step) -> str:
        """Keep a step; gives its key."""
        self.steps.setdefault(step.key, step)
        return step.key

    def trial_data(
        self, pair: Pair, task_name: str, size: SizeSpec, seed: int, role: str
    ) -> TrialData:
        """The data side of a training."""
        place = (pair.source, pair.target, task_name, size.kind, size.value, role)
        by_seed = self._trial_data.setdefault(place, {})
        if not by_seed:
            by_seed[seed] = TrialData(
                study=self.study,
                facts=self.facts,
                pair=pair,
                task_name=task_name,
                size=size,
                seed=seed,
                role=role,
            )
        elif seed not in by_seed:
            by_seed[seed] = next(iter(by_seed.values())).of_seed(seed)
        return by_seed[seed]

    def target(self, pair: Pair, size: SizeSpec, arm: ArmSpec, seed: int) -> TrialData:
        """The data side of an arm's trial."""
        return self.trial_data(pair, pair.target, arm.size or size, seed, "target")

    def source(self, pair: Pair, seed: int) -> TrialData:
        """The data side of a source run: the source task, all of its images."""
        task = self.study.source_of(pair).task
        assert task is not None, "a checkpoint has no run"
        return self.trial_data(pair, task, EVERYTHING, seed, "source")

    def plan_arm(
        self, pair: Pair, size: SizeSpec, arm: ArmSpec, seed: int, rates: Rates
    ) -> PlannedTraining:
        """The training of an arm at a size with a seed."""
        asked = (pair.source, pair.target, size.kind, size.value, arm.name, seed, rates)
        if asked not in self._planned:
            trial_data = self.target(pair, size, arm, seed)
            training = self._training_of(arm, rates)
            self._planned[asked] = self._plan(arm, training, size, trial_data, rates)
        return self._planned[asked]

    def _training_of(self, arm: ArmSpec, rates: Rates) -> TrainingSpec:
        """The training of an arm with the learning rate that was chosen, if any is to choose."""
        training = self.study.training_of(arm)
        return training.at(rates.of(arm.name)) if arm.has_rate else training.untuned()

    def plan_source(self, pair: Pair, seed: int, rate: float | None) -> PlannedTraining:
        """A source run, from scratch on the source task; or the pretrained trunk."""
        if self.study.source_of(pair).pretrained is not None:
            merged = (pair.source, pair.target)
            if merged not in self._planned:
                self._planned[merged] = self._checkpoint(pair)
            return self._planned[merged]
        asked = (pair.source, pair.target, seed, rate)
        if asked not in self._planned:
            training, trial_data = self.study.pretraining.at(rate), self.source(pair, seed)
            planned = self._plan(SOURCE_ARM, training, EVERYTHING, trial_data, Rates())
            self._planned[asked] = planned
        return self._planned[asked]

    def _checkpoint(self, pair: Pair) -> PlannedTraining:
        """The trunk of a checkpoint, under the names of its network."""
        source, file = self.study.source_of(pair), self.facts.checkpoints[pair.source]
        network = self.facts.identified(self.study.network_of(pair))
        image = self.facts.image(self.study.tasks[pair.target], network)
        payload: MergePayload = {
            "network": network_payload(network),
            "image": list(image),
            "checkpoint": file.content,
        }
        if source.allow_partial:
            payload["allow_partial"] = True
        step = Step(
            kind="merge",
            payload=dict(payload),
            inputs=(),
            datasets={},
            label=f"weights of {pair.source}",
            updates=0,
            flops=0,
            files={file.content: file.path, **network_files(network)},
        )
        self.checkpoints[pair.source] = self.add(step)
        return PlannedTraining(keys=(step.key,), keep="last")

    def _plan(
        self,
        arm: ArmSpec,
        training: TrainingSpec,
        size: SizeSpec,
        trial_data: TrialData,
        rates: Rates,
    ) -> PlannedTraining:
        """One step for each phase."""
        of_all = self._known_of(arm, training, size, trial_data)
        start, origins = self._start(arm, size, trial_data, rates) if of_all.phases else ([], ())
        trying = f", rate {training.optimiser.lr:g}" if rates.tried is not None else ""
        keys: list[str] = []
        for phase in of_all.phases:
            payload: TrainPayload = {
                **phase.payload,
                "data": trial_data.training_data,
                "preprocessing": trial_data.preprocessing,
                "start": "continue" if keys else start,
                "seed": trial_data.seed,
            }
            step = Step(
                kind="train",
                payload=dict(payload),
                inputs=(keys[-1],) if keys else origins,
                datasets=trial_data.datasets,
                files=phase.files,
                label=f"{arm.name} on {trial_data}{trying}{phase.part}",
                updates=phase.updates,
                flops=phase.flops,
                once=phase.once,
                evaluation_flops=phase.evaluation_flops,
                memory=phase.memory,
                batch_groups=phase.batch_groups,
            )
            keys.append(self.add(step))
        return PlannedTraining(
            keys=tuple(keys),
            keep=training.keep,
            updates=of_all.updates,
            trainable=of_all.trainable,
            test_flops=of_all.test_flops,
        )

    def _known_of(
        self, arm: ArmSpec, training: TrainingSpec, size: SizeSpec, trial_data: TrialData
    ) -> OfAllSeeds:
        """What a training of an arm is for every seed, worked out for the first that asks."""
        place = (*trial_data.place, size.kind, size.value, arm.name, training.optimiser.lr)
        if place not in self._of_all_seeds:
            phases = self._phases(arm, training, size, trial_data)
            self._of_all_seeds[place] = of_all_seeds(training, phases, trial_data)
        return self._of_all_seeds[place]

    def _phases(
        self, arm: ArmSpec, training: TrainingSpec, size: SizeSpec, trial_data: TrialData
    ) -> tuple[Phase, ...]:
        stages = trial_data.network_facts.stage_names
        updates = training.updates_for(trial_data.num_images)
        if arm.compute_of is not None:
            budget = self._cost_of(arm.compute_of, size, trial_data)

            def cost(wanted: int) -> int:
                phases = phases_of(arm.strategy, stages, wanted, arm.frozen)
                return flops_of_phases(phases, training, trial_data)

            # Every update costs something, so a budget is met by as many updates as it has units.
            updates = bisect_left(range(max(updates, budget) + 1), budget, lo=updates, key=cost)
        return phases_of(arm.strategy, stages, updates, arm.frozen)

    def _cost_of(self, name: str, size: SizeSpec, trial_data: TrialData) -> int:
        """Operations of an arm's trial with those of the source run it starts from.

        Those of a checkpoint are not known, and count as none.
        """
        arm, pair = self.study.arm(name), trial_data.pair
        works = [
            (arm, self.study.training_of(arm), size, self.target(pair, size, arm, trial_data.seed))
        ]
        if SOURCE in arm.origins and self.study.source_of(pair).task is not None:
            works.append((SOURCE_ARM, self.study.pretraining, EVERYTHING, self.source(pair, 0)))
        return sum(
            flops_of_phases(self._phases(arm, training, size, data), training, data)
            for arm, training, size, data in works
        )

    def _start(
        self, arm: ArmSpec, size: SizeSpec, trial_data: TrialData, rates: Rates
    ) -> tuple[list[StartRulePayload], tuple[str, ...]]:
        """The start's rules with their stages spelt out, and the steps they take weights from."""
        rules: list[StartRulePayload] = []
        inputs: list[str] = []
        for rule, stages in arm.starts(trial_data.network_facts.stage_names):
            if rule.origin == UNTRAINED:
                rules.append({"stages": list(stages), "role": "source"})
                continue
            planned = self._origin(rule.origin, size, trial_data, rates)
            inputs += [key for key in planned.keys if key not in inputs]
            said: StartRulePayload = {
                "stages": list(stages),
                "inputs": [inputs.index(key) for key in planned.keys],
                "keep": planned.keep,
            }
            if rule.transform != "none":
                said["transform"] = rule.transform
            rules.append(said)
        return rules, tuple(inputs)

    def _origin(
        self, origin: str, size: SizeSpec, trial_data: TrialData, rates: Rates
    ) -> PlannedTraining:
        if origin == SOURCE:
            return self.plan_source(trial_data.pair, trial_data.seed, rates.source)
        if origin == SELF:
            return self._self_run(size, trial_data, rates)
        return self.plan_arm(trial_data.pair, size, self.study.arm(origin), trial_data.seed, rates)

    def _self_run(self, size: SizeSpec, trial_data: TrialData, rates: Rates) -> PlannedTraining:
        """A run from scratch on the same target images, with its own first weights.

        It is trained as the control is, for it is the control once more.
        """
        arm = ArmSpec(name=SELF_RUN, start=(), strategy=Full())
        own = self.trial_data(
            trial_data.pair, trial_data.task_name, trial_data.size, trial_data.seed, "self"
        )
        training = self._training_of(self.study.arm(self.study.control), rates)
        return self._plan(arm, training, size, own, rates)


SOURCE_ARM = ArmSpec(name=SOURCE_RUN, start=(), strategy=Full())
