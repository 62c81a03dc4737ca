"""The study: tasks, pairs, a network, trainings, arms, sizes, seeds. Frozen and hashed whole."""

from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from headstart.core.errors import Problem, SpecError
from headstart.core.hashing import digest
from headstart.study.arms import DEFAULT_ARMS, NAMED_ARMS, Arm, ArmSpec, CutSweep
from headstart.study.base import Spec
from headstart.study.checks import check
from headstart.study.declared import DeclaredNetwork
from headstart.study.network import AnyNetwork, Network
from headstart.study.partial_study import PartialStudy
from headstart.study.problems import problems_from, unknown_keys
from headstart.study.sizes import Size, SizeSpec
from headstart.study.sources import SourceSpec
from headstart.study.tasks import PreprocessingSpec, TaskSpec
from headstart.study.training import MetricName, TrainingSpec


class Pair(Spec):
    """A source and a target task, by their names in the study.

    A source is one of `sources` or, by its own name, a task. `arms` keeps the pair to some of the
    study's arms.
    """

    source: str
    target: str
    arms: tuple[str, ...] | None = None


def _near(given: Any) -> Any:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if given != "off" and not (number and 0.9 <= given <= 1):
        raise ValueError(f'got {given!r}; give a correlation from 0.9 to 1, or "off"')
    return given


class LeakSpec(Spec):
    """How images that two parts share are looked for.

    `near` is the correlation of grey values from which on two images count as copies; `"off"` looks
    for equal images only, as they are, mirrored, turned, inverted or shifted.
    """

    near: Annotated[float | Literal["off"], BeforeValidator(_near)] = 0.99

    @property
    def threshold(self) -> float | None:
        """The correlation from which on images are copies; None where only equal ones are."""
        return None if self.near == "off" else self.near


class FigureSpec(Spec):
    """A published figure, what Keras gives for it, and what of this study to set beside it.

    `arm` may be `source` for the source run, or empty where the study has no counterpart.
    `measurement` picks one of the measurements made during training (from 1) instead of the weights
    that count. Accuracies are fractions.
    """

    figure: str
    arm: str = ""
    metric: Literal[
        "test_accuracy",
        "validation_accuracy",
        "running_train_accuracy",
        "trainable_parameters",
        "total_parameters",
        "seconds",
    ] = "test_accuracy"
    pair: Annotated[int, Field(ge=0)] = 0
    measurement: Annotated[int, Field(ge=1)] | None = None
    published: float | None = None
    keras: float | None = None


AUTO = "auto"
LOOKS = (5, 8, 12, 20)
"""Numbers of seeds at which `seeds = "auto"` looks at the evidence (docs/verdict.md)."""


MOST_SEEDS = 1000
"""No study needs more: an interval is then 14 times as narrow as with the usual five."""


def _seeds(given: Any) -> Any:
    """A number N means the seeds 0 to N-1."""
    if isinstance(given, int) and not isinstance(given, bool):
        if not 1 <= given <= MOST_SEEDS:
            raise ValueError(
                f"got {given}; give the number of seeds (from 1 to {MOST_SEEDS}) or a list of seeds"
            )
        return tuple(range(given))
    return given


Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_seeds), Field(min_length=1)
]


class StudySpec(Spec):
    """What is compared with what, on which data, with which budget.

    `looks` are numbers of seeds at which the evidence is looked at, in ascending order; a
    comparison ends at the first at which it has a verdict (`seeds = "auto"` says 5, 8, 12 and 20),
    or where its further seeds would take longer than `minutes`, the time that the study may take,
    about. `metric` is what verdicts are about and what everything is chosen by. `margin` is the
    gain, in percentage points, below which there is no difference that matters: a number, or
    `auto`, a tenth of the control's error on the pilot seed (from 0.2 to 1; 1 without validation
    images). The pilot seed settles learning rates and margin and is no part of the evidence.

    Building one from Python checks everything that can be checked without the data; the data's own
    facts (class names, counts) are checked when it is loaded through `headstart.flow`.

    Raises:
        SpecError: with every problem of the study at once.

    Example:
        >>> study = StudySpec(
        ...     name="digits",
        ...     tasks={
        ...         "source": {"dataset": "mnist-mini", "classes": [5, 6, 7, 8, 9]},
        ...         "target": {"dataset": "mnist-mini", "classes": [0, 1, 2, 3, 4]},
        ...     },
        ...     network="cnn-tiny",
        ...     training={"updates": 300},
        ... )
        >>> [arm.name for arm in study.arms]
        ['scratch', 'random_trunk', 'probe', 'full', 'probe_then_full']
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    question: str = ""
    tasks: Annotated[dict[str, TaskSpec], Field(min_length=1)]
    sources: dict[str, SourceSpec] = Field(default_factory=dict)
    pairs: Annotated[tuple[Pair, ...], Field(min_length=1)] = (
        Pair(source="source", target="target"),
    )
    preprocessing: PreprocessingSpec = PreprocessingSpec()
    leaks: LeakSpec = LeakSpec()
    network: Network | None = None
    training: TrainingSpec
    source_training: TrainingSpec | None = None
    arms: Annotated[tuple[Arm, ...], Field(min_length=1)] = tuple(
        NAMED_ARMS[name] for name in DEFAULT_ARMS
    )
    control: str = "scratch"
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)] = (SizeSpec(kind="all"),)
    seeds: Seeds = (0, 1, 2, 3, 4)
    looks: tuple[Annotated[int, Field(ge=2, le=MOST_SEEDS)], ...] = ()
    minutes: Annotated[float, Field(gt=0)] | None = None
    pilot_seed: Annotated[int, Field(ge=0)] = 9999
    metric: MetricName = "accuracy"
    margin: Annotated[float, Field(gt=0, lt=100)] | Literal["auto"] = "auto"
    cuts: CutSweep | None = None
    published: tuple[FigureSpec, ...] = ()
    forgetting: bool = False

    def __init__(self, **given: Any) -> None:
        given = spelt_out(given)
        parts, problems = parse(given)
        problems += check(parts)
        if problems:
            raise SpecError(problems, f"study '{given.get('name', '?')}'")
        super().__init__(**given)

    def source_of(self, pair: Pair) -> SourceSpec:
        """The source of a pair."""
        return self.source(pair.source)

    def source(self, name: str) -> SourceSpec:
        """A source by its name; a task that is no source by name is one by itself."""
        return self.sources.get(name) or SourceSpec(task=name)

    def network_of(self, pair: Pair) -> AnyNetwork:
        """The network of a pair, which belongs to its source: the study's or a checkpoint's."""
        network = self.source_of(pair).pretrained or self.network
        assert network is not None, "the checks ask for a network"
        return network

    def arm(self, name: str) -> ArmSpec:
        """An arm by its name."""
        return next(arm for arm in self.all_arms if arm.name == name)

    def training_of(self, arm: ArmSpec) -> TrainingSpec:
        """The budget and optimiser of an arm, before a learning rate is chosen."""
        return arm.training or self.training

    @property
    def pretraining(self) -> TrainingSpec:
        """How source runs are trained: `source_training`, or the same as the target."""
        return self.source_training or self.training

    @property
    def fingerprint(self) -> str:
        """SHA-256 of every rule of the study: what is fixed before anything is trained."""
        return digest(self.model_dump(mode="json"))

    @property
    def repeated_targets(self) -> tuple[str, ...]:
        """Targets of which each seed has a test part to itself."""
        targets = dict.fromkeys(pair.target for pair in self.pairs)
        return tuple(name for name in targets if self.tasks[name].split.repeats)

    def has_validation(self, task: str) -> bool:
        """Whether a task has images to choose on."""
        return self.tasks[task].split.validates

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds of the last planned look; without planned looks those of the study."""
        return tuple(range(self.looks[-1])) if self.looks else self.seeds

    def untuned(self) -> "StudySpec":
        """The study at the middle of its learning rates and with a given margin: no pilot."""
        arms = tuple(
            arm.model_copy(update={"training": arm.training and arm.training.untuned()})
            for arm in self.arms
        )
        return self.model_copy(
            update={
                "training": self.training.untuned(),
                "source_training": self.pretraining.untuned(),
                "arms": arms,
                "margin": 1.0,
            }
        )

    @property
    def all_arms(self) -> tuple[ArmSpec, ...]:
        """The arms named, and those of the cut sweep."""
        return (*self.arms, *(self.cuts.arms(self.sweep_cuts, self.sizes) if self.cuts else ()))

    @property
    def sweep_cuts(self) -> tuple[str, ...]:
        """Where the cut sweep cuts, from stem to head; empty without a sweep."""
        if self.cuts is None:
            return ()
        if self.cuts.at is None and isinstance(self.network, DeclaredNetwork):
            return self.network.cuts
        return self.cuts.at or ()

    def rests_on(self, origin: str, arm: ArmSpec) -> bool:
        """Whether an arm starts from an origin, itself or by way of other arms."""
        by_name = {other.name: other for other in self.all_arms}
        return origin in arm.origins or any(
            self.rests_on(origin, by_name[name]) for name in arm.origins if name in by_name
        )

    def arms_of(self, pair: Pair, size: SizeSpec) -> tuple[ArmSpec, ...]:
        """The arms that a pair has at a size."""
        return tuple(
            arm
            for arm in self.all_arms
            if (pair.arms is None or arm.name in pair.arms)
            and (arm.only_at is None or size in arm.only_at)
        )


def spelt_out(given: dict[str, Any]) -> dict[str, Any]:
    """What a study file may leave to other sections, written where it belongs.

    `seeds = "auto"` is the seeds of the first look, and the looks. Sources without pairs are one
    pair each, with the task `target` or the only task that is no source.
    """
    if given.get("seeds") == AUTO:
        looks = given.get("looks", LOOKS)
        first = looks[0] if isinstance(looks, list | tuple) and looks else LOOKS[0]
        given = {**given, "looks": looks, "seeds": first}
    sources, tasks = given.get("sources"), given.get("tasks")
    if "pairs" in given or not sources or not isinstance(sources, dict):
        return given
    return {
        **given,
        "pairs": [{"source": name, "target": _target(tasks, sources)} for name in sources],
    }


def _target(tasks: object, sources: dict[str, Any]) -> str:
    named = list(tasks) if isinstance(tasks, dict) else []
    trained_on = {source.get("task") for source in sources.values() if isinstance(source, dict)}
    others = [name for name in named if name not in trained_on]
    return str(others[0]) if len(others) == 1 else "target"


def parse(given: dict[str, Any]) -> tuple[PartialStudy, list[Problem]]:
    """Read every section on its own, and so every element of one that is broken.

    Returns what could be read (defaults filled in) and the problems of the rest.
    """
    parts = PartialStudy()
    problems = unknown_keys(given, StudySpec, where="")
    hints = get_type_hints(StudySpec, include_extras=True)
    for name, field in StudySpec.model_fields.items():
        if name not in given:
            if field.is_required():
                problems.append(Problem(where=name, message="is missing.", fix=_MISSING[name]))
            else:
                parts[name] = field.get_default(call_default_factory=True)
            continue
        annotation = hints[name]
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        try:
            parts[name] = adapter.validate_python(given[name])
        except ValidationError as error:
            problems += problems_from(error, annotation, where=name)
            parts.salvage(name, given[name], annotation, mend=name in ("tasks", "arms"))
    return parts, problems


_MISSING = {
    "name": 'Give the study a name: name = "digits"',
    "tasks": "Write [tasks.source] and [tasks.target], each with a dataset.",
    "training": "Write [training] with epochs or updates.",
}
