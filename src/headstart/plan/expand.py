"""Study and facts -> trials and steps. A step that two trials need is there once."""

from dataclasses import dataclass, field
from math import ceil

from headstart.core.hashing import Json
from headstart.plan.material import EVERYTHING, Material
from headstart.plan.payloads import (
    network_payload,
    optimiser_payload,
    phase_payload,
    schedule_payload,
)
from headstart.plan.steps import Plan, Step, Trial
from headstart.spec.arms import FRESH, SELF, SOURCE, ArmSpec, Full, LabelMap
from headstart.spec.facts import Facts
from headstart.spec.phases import Phase
from headstart.spec.shapes import (
    PLANNED_GRADIENTS,
    flops_of_solving,
    flops_per_image,
    num_parameters,
)
from headstart.spec.shapes import num_trainable as count_trainable
from headstart.spec.sizes import SizeSpec
from headstart.spec.study import Pair, StudySpec
from headstart.spec.training import TrainingSpec
from headstart.strategies import phases_of

SOURCE_RUN, SELF_RUN = "source run", "self run"


def make_plan(study: StudySpec, facts: Facts) -> Plan:
    """Every trial of the study with the steps it needs. Same study and facts, same plan."""
    planner = _Planner(study, facts)
    for pair in study.pairs:
        planner.overlap(pair)
        for size in study.sizes:
            for arm in study.arms_of(pair, size):
                for seed in study.seeds:
                    planner.trial(pair, size, arm, seed)
    for figure in study.published:
        if figure.arm == SOURCE:  # nothing need start from a source run that was published
            for seed in study.seeds:
                planner.source_run(study.pairs[figure.pair], seed)
    return Plan(
        trials=tuple(planner.trials.values()),
        sources=tuple(planner.sources.values()),
        overlaps=planner.overlaps,
        steps=planner.steps,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learnt:
    """A planned training as others may start from it: its steps, and which weights count."""

    keys: tuple[str, ...]
    keep: str


@dataclass(slots=True)
class _Planner:
    study: StudySpec
    facts: Facts
    steps: dict[str, Step] = field(default_factory=dict)
    trials: dict[tuple[Pair, str, str, int], Trial] = field(default_factory=dict)
    sources: dict[tuple[str, int], Trial] = field(default_factory=dict)
    overlaps: dict[tuple[str, str], str] = field(default_factory=dict)

    def trial(self, pair: Pair, size: SizeSpec, arm: ArmSpec, seed: int) -> Trial:
        """The trial of an arm, planned once."""
        at = (pair, size.label, arm.name, seed)
        if at not in self.trials:
            material = self._material(pair, pair.target, arm.size or size, seed, "target")
            self.trials[at] = self._trial(arm, size, material)
        return self.trials[at]

    def source_run(self, pair: Pair, seed: int) -> Trial:
        """The source run of a seed: the source task from scratch, all of its images."""
        at = (pair.source, seed)
        if at not in self.sources:
            arm = ArmSpec(
                name=SOURCE_RUN, start=(), strategy=Full(), training=self.study.pretraining
            )
            material = self._material(pair, pair.source, EVERYTHING, seed, "source")
            self.sources[at] = self._trial(arm, EVERYTHING, material)
        return self.sources[at]

    def overlap(self, pair: Pair) -> None:
        """The step that looks for images which source and target share."""
        source, target = (
            self._material(pair, name, EVERYTHING, 0, role)
            for name, role in ((pair.source, "source"), (pair.target, "target"))
        )
        self.overlaps[pair.source, pair.target] = self._add(
            Step(
                kind="overlap",
                payload={
                    "source": source.training_data(),
                    "target": target.training_data(),
                    "test": target.test_data(),
                },
                inputs=(),
                datasets=target.datasets,
                label=f"images shared by {pair.source} and {pair.target}",
                updates=0,
                flops=0,
            )
        )

    def _material(
        self, pair: Pair, task_name: str, size: SizeSpec, seed: int, role: str
    ) -> Material:
        return Material(
            study=self.study,
            facts=self.facts,
            pair=pair,
            task_name=task_name,
            size=size,
            seed=seed,
            role=role,
        )

    def _trial(self, arm: ArmSpec, size: SizeSpec, material: Material) -> Trial:
        training = arm.training or self.study.training
        phases = self._phases(arm, training, size, material)
        learnt = self._train(arm, training, phases, size, material)
        if isinstance(arm.strategy, LabelMap):
            predict = self._read_off_source(arm, material)
        else:
            predict = self._predict(arm, learnt, material)
        stages = self.study.network.stage_names
        return Trial(
            arm=arm.name,
            size=size.label,
            num_images=material.num_images,
            source=material.pair.source,
            target=material.pair.target,
            seed=material.seed,
            train_keys=learnt.keys,
            predict_key=predict,
            updates=sum(phase.updates for phase in phases),
            flops=sum(self.steps[key].flops for key in learnt.keys),
            trainable_parameters=count_trainable(material.layers, stages, phases),
            total_parameters=num_parameters(material.layers),
        )

    def _phases(
        self, arm: ArmSpec, training: TrainingSpec, size: SizeSpec, material: Material
    ) -> tuple[Phase, ...]:
        stages = self.study.network.stage_names
        updates = training.updates_for(material.num_images)
        if arm.compute_of is not None:
            budget = self._cost_of(arm.compute_of, size, material)
            one = phases_of(arm.strategy, stages, updates, arm.frozen)
            cost = sum(self._flops(phase, training, material) for phase in one)
            updates = max(updates, ceil(budget * updates / cost))
        return phases_of(arm.strategy, stages, updates, arm.frozen)

    def _cost_of(self, name: str, size: SizeSpec, material: Material) -> int:
        """Operations of an arm's trial with those of the source run it starts from."""
        arm = next(arm for arm in self.study.all_arms if arm.name == name)
        cost = self.trial(material.pair, size, arm, material.seed).flops
        if SOURCE in arm.origins:
            cost += self.source_run(material.pair, material.seed).flops
        return cost

    def _flops(self, phase: Phase, training: TrainingSpec, material: Material) -> int:
        if phase.solver == "converged":
            return flops_of_solving(material.layers, material.num_images, PLANNED_GRADIENTS)
        per_image = flops_per_image(material.layers, self.study.network.stage_names, phase)
        return per_image * phase.updates * training.batch_of(material.num_images)

    def _train(
        self,
        arm: ArmSpec,
        training: TrainingSpec,
        phases: tuple[Phase, ...],
        size: SizeSpec,
        material: Material,
    ) -> _Learnt:
        """The steps of a training, one for each phase."""
        start, origins = self._start(arm, size, material) if phases else ([], ())
        total, done = sum(phase.updates for phase in phases), 0
        keys: list[str] = []
        for number, phase in enumerate(phases):
            payload: Json = {
                "data": material.training_data(),
                "preprocessing": material.preprocessing(),
                "network": network_payload(self.study.network),
                "phase": phase_payload(phase),
                "optimiser": optimiser_payload(training.optimiser),
                "schedule": schedule_payload(training.schedule),
                "batch_size": training.batch_of(material.num_images),
                "first_update": done,
                "measure_at": list(training.measured_at(total, done, phase.updates)),
                "start": start if number == 0 else "continue",
                "seed": material.seed,
                "role": material.role,
                "threads": 1,
            }
            of = f", phase {number + 1} of {len(phases)}" if len(phases) > 1 else ""
            keys.append(
                self._add(
                    Step(
                        kind="train",
                        payload=payload,
                        inputs=origins if number == 0 else (keys[-1],),
                        datasets=material.datasets,
                        label=f"{arm.name} on {material}{of}",
                        updates=phase.updates,
                        flops=self._flops(phase, training, material),
                    )
                )
            )
            done += phase.updates
        return _Learnt(keys=tuple(keys), keep=training.keep)

    def _start(
        self, arm: ArmSpec, size: SizeSpec, material: Material
    ) -> tuple[list[Json], tuple[str, ...]]:
        """The start's rules with their stages spelt out, and the steps they take weights from."""
        rules: list[Json] = []
        inputs: list[str] = []
        taken: set[str] = set()
        for rule in arm.start:
            covered = rule.covered(self.study.network.stage_names)
            stages = [name for name in covered if name not in taken]
            taken |= set(stages)
            if rule.origin == FRESH or not stages:
                continue
            learnt = self._origin(rule.origin, size, material)
            inputs += [key for key in learnt.keys if key not in inputs]
            said: Json = {
                "stages": stages,
                "inputs": [inputs.index(key) for key in learnt.keys],
                "keep": learnt.keep,
            }
            if rule.transform != "none":
                said["transform"] = rule.transform
            rules.append(said)
        return rules, tuple(inputs)

    def _origin(self, origin: str, size: SizeSpec, material: Material) -> _Learnt:
        if origin == SOURCE:
            keys = self.source_run(material.pair, material.seed).train_keys
            return _Learnt(keys=keys, keep=self.study.pretraining.keep)
        if origin == SELF:
            return self._self_run(size, material)
        arm = next(arm for arm in self.study.all_arms if arm.name == origin)
        keys = self.trial(material.pair, size, arm, material.seed).train_keys
        return _Learnt(keys=keys, keep=(arm.training or self.study.training).keep)

    def _self_run(self, size: SizeSpec, material: Material) -> _Learnt:
        """A run from scratch on the same target images, with first weights of its own."""
        arm = ArmSpec(name=SELF_RUN, start=(), strategy=Full())
        own = self._material(
            material.pair, material.task_name, material.size, material.seed, "self"
        )
        training = self.study.training
        phases = self._phases(arm, training, size, own)
        return self._train(arm, training, phases, size, own)

    def _predict(self, arm: ArmSpec, learnt: _Learnt, material: Material) -> str:
        payload: Json = {
            "data": material.test_data(),
            "preprocessing": material.preprocessing(),
            "network": network_payload(self.study.network),
            "keep": learnt.keep,
            "threads": 1,
        }
        return self._tested(arm, payload, learnt.keys, material)

    def _read_off_source(self, arm: ArmSpec, material: Material) -> str:
        """Predictions of the source network, its classes mapped to those of the target."""
        pair, seed = material.pair, material.seed
        source = self._material(pair, pair.source, EVERYTHING, seed, "source")
        payload: Json = {
            "data": material.test_data(),
            "preprocessing": material.preprocessing(),
            "network": network_payload(self.study.network),
            "keep": self.study.pretraining.keep,
            "threads": 1,
            "label_map": material.training_data(),
            "source_classes": source.num_classes,
        }
        return self._tested(arm, payload, self.source_run(pair, seed).train_keys, material)

    def _tested(
        self, arm: ArmSpec, payload: Json, inputs: tuple[str, ...], material: Material
    ) -> str:
        return self._add(
            Step(
                kind="predict",
                payload=payload,
                inputs=inputs,
                datasets=material.datasets,
                label=f"test of {arm.name} on {material}",
                updates=0,
                flops=0,
            )
        )

    def _add(self, step: Step) -> str:
        self.steps.setdefault(step.key, step)
        return step.key
