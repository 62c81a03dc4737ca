"""The study: tasks, pairs, a network, trainings, arms, sizes, seeds. Frozen and hashed whole."""

from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from headstart.core.errors import Problem, SpecError
from headstart.spec.arms import DEFAULT_ARMS, NAMED_ARMS, Arm, ArmSpec, CutSweep
from headstart.spec.base import Spec
from headstart.spec.checks import Parts, check
from headstart.spec.network import Network
from headstart.spec.problems import problems_from, unknown_keys
from headstart.spec.sizes import Size, SizeSpec
from headstart.spec.tasks import PreprocessingSpec, TaskSpec
from headstart.spec.training import TrainingSpec


class Pair(Spec):
    """A source task and a target task, by their names in the study.

    `arms` keeps the pair to some of the study's arms.
    """

    source: str
    target: str
    arms: tuple[str, ...] | None = None


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


def _seeds(given: Any) -> Any:
    """A number N means the seeds 0 to N-1."""
    if isinstance(given, int) and not isinstance(given, bool):
        if given < 1:
            raise ValueError(
                f"got {given}; give the number of seeds (at least 1) or a list of seeds"
            )
        return tuple(range(given))
    return given


Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_seeds), Field(min_length=1)
]


class StudySpec(Spec):
    """What is compared with what, on which data, with which budget.

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
    pairs: Annotated[tuple[Pair, ...], Field(min_length=1)] = (
        Pair(source="source", target="target"),
    )
    preprocessing: PreprocessingSpec = PreprocessingSpec()
    network: Network
    training: TrainingSpec
    source_training: TrainingSpec | None = None
    arms: Annotated[tuple[Arm, ...], Field(min_length=1)] = tuple(
        NAMED_ARMS[name] for name in DEFAULT_ARMS
    )
    control: str = "scratch"
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)] = (SizeSpec(kind="all"),)
    seeds: Seeds = (0, 1, 2, 3, 4)
    margin: Annotated[float, Field(gt=0, lt=100)] = 1.0
    cuts: CutSweep | None = None
    published: tuple[FigureSpec, ...] = ()
    forgetting: bool = False

    def __init__(self, **given: Any) -> None:
        parts, problems = parse(given)
        problems += check(parts)
        if problems:
            raise SpecError(problems, f"study '{given.get('name', '?')}'")
        super().__init__(**given)

    @property
    def pretraining(self) -> TrainingSpec:
        """How source runs are trained: `source_training`, or the same as the target."""
        return self.source_training or self.training

    @property
    def all_arms(self) -> tuple[ArmSpec, ...]:
        """The arms named, and those of the cut sweep."""
        return (*self.arms, *(self.cuts.arms(self.network.cuts) if self.cuts else ()))

    def arms_of(self, pair: Pair, size: SizeSpec) -> tuple[ArmSpec, ...]:
        """The arms that a pair has at a size."""
        return tuple(
            arm
            for arm in self.all_arms
            if (pair.arms is None or arm.name in pair.arms)
            and (arm.only_at is None or size in arm.only_at)
        )


def parse(given: dict[str, Any]) -> tuple[Parts, list[Problem]]:
    """Read every section on its own, so that one broken section does not hide the others.

    Returns the sections that could be read (defaults filled in) and the problems of the rest.
    """
    parts: Parts = {}
    problems = unknown_keys(given, StudySpec, where="")
    hints = get_type_hints(StudySpec, include_extras=True)
    for name, field in StudySpec.model_fields.items():
        if name not in given:
            if field.is_required():
                problems.append(Problem(where=name, message="is missing.", fix=_MISSING[name]))
            else:
                parts[name] = field.get_default()
            continue
        annotation = hints[name]
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        try:
            parts[name] = adapter.validate_python(given[name])
        except ValidationError as error:
            problems += problems_from(error, annotation, where=name)
    return parts, problems


_MISSING = {
    "name": 'Give the study a name: name = "digits"',
    "tasks": "Write [tasks.source] and [tasks.target], each with a dataset.",
    "network": 'Name one (network = "cnn-tiny") or write [network] with stages.',
    "training": "Write [training] with epochs or updates.",
}
