"""Study and facts -> trials and steps. A step that two trials need is there once."""

from dataclasses import dataclass, field

from headstart.core.hashing import Json
from headstart.plan.payloads import (
    data_payload,
    network_payload,
    optimiser_payload,
    phase_payload,
    preprocessing_payload,
    schedule_payload,
    test_payload,
)
from headstart.plan.steps import Plan, Step, Trial
from headstart.spec.arms import FRESH, SOURCE, ArmSpec, Full
from headstart.spec.checks import task_counts
from headstart.spec.facts import Facts
from headstart.spec.phases import Phase
from headstart.spec.shapes import LayerFacts, flops_per_image, layers_of, num_parameters
from headstart.spec.shapes import num_trainable as count_trainable
from headstart.spec.sizes import SizeSpec
from headstart.spec.study import Pair, StudySpec
from headstart.spec.tasks import TaskSpec
from headstart.spec.training import TrainingSpec
from headstart.strategies import phases_of

SOURCE_ARM = "source run"
EVERYTHING = SizeSpec(kind="all")


def make_plan(study: StudySpec, facts: Facts) -> Plan:
    """Every trial of the study with the steps it needs. Same study and facts, same plan."""
    planner = _Planner(study, facts)
    for pair in study.pairs:
        for size in study.sizes:
            for arm in study.arms:
                for seed in study.seeds:
                    planner.trial(pair, size, arm, seed)
    return Plan(
        trials=tuple(planner.trials.values()),
        sources=tuple(planner.sources.values()),
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
    trials: dict[tuple[str, str, str, str, int], Trial] = field(default_factory=dict)
    sources: dict[tuple[str, int], Trial] = field(default_factory=dict)

    def trial(self, pair: Pair, size: SizeSpec, arm: ArmSpec, seed: int) -> Trial:
        """The trial of an arm, planned once."""
        at = (pair.source, pair.target, size.label, arm.name, seed)
        if at not in self.trials:
            self.trials[at] = self._training(
                arm=arm, pair=pair, task_name=pair.target, size=size, seed=seed, role="target"
            )
        return self.trials[at]

    def source_run(self, pair: Pair, seed: int) -> Trial:
        """The source run of a seed: the source task from scratch, all of its images."""
        at = (pair.source, seed)
        if at not in self.sources:
            arm = ArmSpec(name=SOURCE_ARM, start=(), strategy=Full())
            self.sources[at] = self._training(
                arm=arm, pair=pair, task_name=pair.source, size=EVERYTHING, seed=seed, role="source"
            )
        return self.sources[at]

    def _training(
        self,
        *,
        arm: ArmSpec,
        pair: Pair,
        task_name: str,
        size: SizeSpec,
        seed: int,
        role: str,
    ) -> Trial:
        study = self.study
        training = study.pretraining if role == "source" else study.training
        work = _Work.of(study, self.facts, task_name, size)
        total = training.updates_for(work.num_images)
        phases = phases_of(arm.strategy, study.network.stage_names, total)
        start, start_inputs = self._start(arm, pair, size, seed)
        keys: list[str] = []
        done = 0
        for number, phase in enumerate(phases):
            payload: Json = {
                "data": self._data(task_name, size, seed, role),
                "preprocessing": self._preprocessing(pair, task_name, size, seed, role),
                "network": network_payload(study.network),
                "phase": phase_payload(phase),
                "optimiser": optimiser_payload(training.optimiser),
                "schedule": schedule_payload(training.schedule),
                "batch_size": training.batch_of(work.num_images),
                "first_update": done,
                "measure_at": list(training.measured_at(total, done, phase.updates)),
                "start": start if number == 0 else "continue",
                "seed": seed,
                "role": role,
                "threads": 1,
            }
            of = f", phase {number + 1} of {len(phases)}" if len(phases) > 1 else ""
            keys.append(
                self._add(
                    Step(
                        kind="train",
                        payload=payload,
                        inputs=start_inputs if number == 0 else (keys[-1],),
                        datasets=self._datasets(pair),
                        label=f"{arm.name} on {task_name}, {size.label}, seed {seed}{of}",
                        updates=phase.updates,
                        flops=work.flops(phase, training),
                    )
                )
            )
            done += phase.updates
        predict = None
        if role == "target":
            predict = self._predict(pair, task_name, size, seed, training, tuple(keys), arm.name)
        return Trial(
            arm=arm.name,
            size=size.label,
            num_images=work.num_images,
            source=pair.source,
            target=pair.target,
            seed=seed,
            train_keys=tuple(keys),
            predict_key=predict,
            updates=total,
            flops=sum(self.steps[key].flops for key in keys),
            trainable_parameters=count_trainable(work.layers, study.network.stage_names, phases),
            total_parameters=num_parameters(work.layers),
        )

    def _start(
        self, arm: ArmSpec, pair: Pair, size: SizeSpec, seed: int
    ) -> tuple[list[Json], tuple[str, ...]]:
        """The start's rules with their stages spelt out, and the steps they take weights from."""
        names = self.study.network.stage_names
        rules: list[Json] = []
        inputs: list[str] = []
        taken: set[str] = set()
        for rule in arm.start:
            stages = [name for name in rule.covered(names) if name not in taken]
            taken |= set(stages)
            if rule.origin == FRESH or not stages:
                continue
            learnt = self._origin(rule.origin, pair, size, seed)
            numbers = []
            for key in learnt.keys:
                if key not in inputs:
                    inputs.append(key)
                numbers.append(inputs.index(key))
            rules.append({"stages": stages, "inputs": numbers, "keep": learnt.keep})
        return rules, tuple(inputs)

    def _origin(self, origin: str, pair: Pair, size: SizeSpec, seed: int) -> _Learnt:
        if origin == SOURCE:
            keys = self.source_run(pair, seed).train_keys
            return _Learnt(keys=keys, keep=self.study.pretraining.keep)
        arm = next(arm for arm in self.study.arms if arm.name == origin)
        keys = self.trial(pair, size, arm, seed).train_keys
        return _Learnt(keys=keys, keep=self.study.training.keep)

    def _predict(
        self,
        pair: Pair,
        task_name: str,
        size: SizeSpec,
        seed: int,
        training: TrainingSpec,
        keys: tuple[str, ...],
        arm: str,
    ) -> str:
        task = self.study.tasks[task_name]
        facts = self.facts[task.dataset]
        groups = tuple(task.groups(facts.classes).values())
        payload: Json = {
            "data": test_payload(facts.content, groups),
            "preprocessing": self._preprocessing(pair, task_name, size, seed, "target"),
            "network": network_payload(self.study.network),
            "keep": training.keep,
            "threads": 1,
        }
        return self._add(
            Step(
                kind="predict",
                payload=payload,
                inputs=keys,
                datasets=self._datasets(pair),
                label=f"test of {arm} on {task_name}, {size.label}, seed {seed}",
                updates=0,
                flops=0,
            )
        )

    def _data(self, task_name: str, size: SizeSpec, seed: int, role: str) -> Json:
        task = self.study.tasks[task_name]
        facts = self.facts[task.dataset]
        return data_payload(
            facts.content,
            tuple(task.groups(facts.classes).values()),
            task.split,
            subset_payload(size, task, self.facts, seed, role),
        )

    def _preprocessing(
        self, pair: Pair, task_name: str, size: SizeSpec, seed: int, role: str
    ) -> Json:
        spec = self.study.preprocessing
        if spec.statistics == "source":
            measured_on = self._data(pair.source, EVERYTHING, seed, "source")
        else:
            measured_on = self._data(task_name, size, seed, role)
        return preprocessing_payload(spec, measured_on)

    def _datasets(self, pair: Pair) -> dict[str, str]:
        names = [self.study.tasks[name].dataset for name in (pair.source, pair.target)]
        return {self.facts[name].content: name for name in names}

    def _add(self, step: Step) -> str:
        self.steps.setdefault(step.key, step)
        return step.key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A task at one size in numbers."""

    num_images: int
    layers: tuple[LayerFacts, ...]
    stage_names: tuple[str, ...]

    @classmethod
    def of(cls, study: StudySpec, facts: Facts, task_name: str, size: SizeSpec) -> "_Work":
        task = study.tasks[task_name]
        known = facts[task.dataset]
        classes = len(task.groups(known.classes))
        return cls(
            num_images=images_for(size, task, facts),
            layers=layers_of(study.network, known.shape, classes),
            stage_names=study.network.stage_names,
        )

    def flops(self, phase: Phase, training: TrainingSpec) -> int:
        per_image = flops_per_image(self.layers, self.stage_names, phase)
        return per_image * phase.updates * training.batch_of(self.num_images)


def images_for(size: SizeSpec, task: TaskSpec, facts: Facts) -> int:
    """Training images of a task at a size."""
    counts = task_counts(task, facts[task.dataset])
    left = sum(counts) - task.split.num_validation(sum(counts))
    return size.num_images(len(counts), left)


def subset_payload(
    size: SizeSpec, task: TaskSpec, facts: Facts, seed: int, role: str
) -> Json | None:
    """The subset drawn for a seed, or None where all images are taken and nothing is drawn."""
    num_images = images_for(size, task, facts)
    if num_images == images_for(EVERYTHING, task, facts):
        return None
    drawn: Json = {"seed": seed, "role": role}
    if size.kind == "per_class":
        return {"per_class": int(size.value), **drawn}
    return {"images": num_images, **drawn}
