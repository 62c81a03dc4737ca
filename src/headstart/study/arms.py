"""Arms: where the first weights come from (start) and what is done to them (strategy)."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from headstart.core.errors import known_names, nearest
from headstart.study.base import HEAD, Spec
from headstart.study.sizes import Size, SizeSpec
from headstart.study.training import TrainingSpec

FRESH, SOURCE, SELF, UNTRAINED = "fresh", "source", "self", "untrained"
ORIGINS = (FRESH, SOURCE, SELF, UNTRAINED)


class StartRule(Spec):
    """First weights of a run of stages.

    `origin` is `fresh`, `source` (the source run of the same seed), `self` (a run from scratch on
    the very target data, with other first weights: the selffer control of Yosinski et al. 2014),
    `untrained` (what the source run starts from: a source that has seen nothing) or the name of
    another arm. `first` and `last` are names of stages, both included; left open they
    mean the ends of the trunk. `shuffled` permutes the numbers inside each tensor, which keeps
    their distribution and destroys what they have learnt.
    """

    first: str | None = None
    last: str | None = None
    origin: str = SOURCE
    transform: Literal["none", "shuffled"] = "none"

    def covered(self, stage_names: tuple[str, ...]) -> tuple[str, ...]:
        """The stages under this rule, of a network's stages (the head last)."""
        first = stage_names.index(self.first) if self.first else 0
        last = stage_names.index(self.last) if self.last else len(stage_names) - 2
        return stage_names[first : last + 1]


def _start(given: Any) -> Any:
    """`"fresh"` is no rule at all; `"source"` and arm names are one rule for the whole trunk."""
    if isinstance(given, str):
        return () if given == FRESH else ({"origin": given},)
    return (given,) if isinstance(given, dict) else given


Start = Annotated[tuple[StartRule, ...], BeforeValidator(_start)]
"""Rules in order, the first that covers a stage wins; stages under no rule start fresh."""


class Full(Spec):
    """Train everything."""

    kind: Literal["full"] = "full"


class Probe(Spec):
    """Train the head on a frozen trunk.

    `solver = "converged"` solves it as multinomial logistic regression instead of training it for
    so many updates; its L2 penalty is the best of a grid on the validation images.
    """

    kind: Literal["probe"] = "probe"
    solver: Literal["updates", "converged"] = "updates"


class Freeze(Spec):
    """Freeze the stages up to and including `cut`, train the rest."""

    kind: Literal["freeze"] = "freeze"
    cut: str


class ProbeThenFull(Spec):
    """Train the head first, then everything, within one budget (LP-FT, Kumar et al. 2022).

    `probe_share` is the head's share of the updates.
    """

    kind: Literal["probe_then_full"] = "probe_then_full"
    probe_share: Annotated[float, Field(gt=0, lt=1)] = 0.5


class Gradual(Spec):
    """Thaw one more stage at a time from the head down, the budget shared evenly.

    `decay` divides the learning rate once per stage below the head (ULMFiT, Howard and Ruder 2018).
    """

    kind: Literal["gradual"] = "gradual"
    decay: Annotated[float, Field(ge=1)] = 1.0


class Discriminative(Spec):
    """Train everything, the learning rate divided by `decay` once per stage towards the stem."""

    kind: Literal["discriminative"] = "discriminative"
    decay: Annotated[float, Field(gt=1)] = 2.6


class Surgical(Spec):
    """Train the stages from `first` to `last` and nothing else (Lee et al. 2022)."""

    kind: Literal["surgical"] = "surgical"
    first: str
    last: str


class LabelMap(Spec):
    """Train nothing: read the target's class off the source network's answer.

    Each source class stands for the target class most often seen with it on the arm's own training
    images. What this reaches needs no transfer: the target is a relabelling of the source.
    """

    kind: Literal["label_map"] = "label_map"


AnyStrategy = Full | Probe | Freeze | ProbeThenFull | Gradual | Discriminative | Surgical | LabelMap


def _strategy(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


Strategy = Annotated[
    Annotated[AnyStrategy, Field(discriminator="kind")],
    BeforeValidator(_strategy),
]


class ArmSpec(Spec):
    """A start and a strategy under a name. Controls are arms like any other.

    `frozen = "train"` leaves dropout and batch statistics live in frozen stages, as Keras does with
    dropout. `training` and `size` replace the study's for this arm, which unequal published runs
    need and a gate tells. `compute_of` names an arm: this one is trained until it has cost as much
    as that arm with its source run. `only_at` keeps an arm to some of the study's sizes.
    `family` and `cut` say which curve of a cut sweep the arm belongs to, and where on it.
    """

    name: Annotated[str, Field(min_length=1, pattern=r"^[^,/\\]+$")]
    start: Start
    strategy: Strategy
    frozen: Literal["eval", "train"] = "eval"
    training: TrainingSpec | None = None
    size: Size | None = None
    compute_of: str | None = None
    only_at: tuple[Size, ...] | None = None
    family: str = ""
    cut: str = ""

    @field_validator("name")
    @classmethod
    def _not_an_origin(cls, name: str) -> str:
        if name in ORIGINS:
            raise ValueError(f"'{name}' already names an origin; give the arm another name")
        return name

    @property
    def origins(self) -> tuple[str, ...]:
        """Where weights are taken from, without `fresh`, each once."""
        return tuple(dict.fromkeys(r.origin for r in self.start if r.origin != FRESH))

    def starts(self, stage_names: tuple[str, ...]) -> tuple[tuple[StartRule, tuple[str, ...]], ...]:
        """Rules of the start that give any stage its first weights, each with those stages.

        The first rule that covers a stage wins, so a later one may have none left and is not here.
        """
        found: list[tuple[StartRule, tuple[str, ...]]] = []
        taken: set[str] = set()
        for rule in self.start:
            stages = tuple(name for name in rule.covered(stage_names) if name not in taken)
            taken |= set(stages)
            if stages and rule.origin != FRESH:
                found.append((rule, stages))
        return tuple(found)

    @property
    def trains(self) -> bool:
        """Whether anything is trained at all."""
        return not isinstance(self.strategy, LabelMap)

    @property
    def has_rate(self) -> bool:
        """Whether a learning rate has any say in its training."""
        return self.trains and not self.converges

    @property
    def transfers(self) -> bool:
        """Whether this is a way of transferring, and not a control or a point of a cut sweep."""
        taken = any(r.origin == SOURCE and r.transform == "none" for r in self.start)
        return taken and not self.family and self.trains

    @property
    def converges(self) -> bool:
        """Whether the head is solved to convergence instead of trained for so many updates."""
        return isinstance(self.strategy, Probe) and self.strategy.solver == "converged"


_FROM_ALL_OF_SOURCE = {"origin": SOURCE, "last": HEAD}
_SHUFFLED = {"origin": SOURCE, "transform": "shuffled"}

NAMED_ARMS: dict[str, ArmSpec] = {
    name: ArmSpec.model_validate({"name": name, "start": start, "strategy": strategy, **more})
    for name, start, strategy, more in (
        ("scratch", FRESH, "full", {}),
        ("random_trunk", FRESH, "probe", {}),
        ("probe", SOURCE, "probe", {}),
        ("converged_probe", SOURCE, {"kind": "probe", "solver": "converged"}, {}),
        ("full", SOURCE, "full", {}),
        ("probe_then_full", SOURCE, "probe_then_full", {}),
        ("gradual", SOURCE, "gradual", {}),
        ("discriminative", SOURCE, "discriminative", {}),
        ("label_map", _FROM_ALL_OF_SOURCE, "label_map", {}),
        ("shuffled", _SHUFFLED, "full", {}),
        ("selffer", SELF, "full", {}),
        ("scratch_long", FRESH, "full", {"compute_of": "full"}),
    )
}
"""Arms that a study may name instead of writing them out (`arms = ["scratch", "probe"]`)."""

DESCRIPTIONS: dict[str, str] = {
    "scratch": "everything is trained, from nothing",
    "random_trunk": "a new head on frozen random layers",
    "probe": "a new head on the frozen pretrained layers",
    "converged_probe": "the same head, solved to convergence",
    "full": "everything is trained, from the pretrained weights",
    "probe_then_full": "the head first, then everything",
    "gradual": "from the head down, one more stage at a time",
    "discriminative": "everything, the layers near the images more slowly",
    "label_map": "nothing is trained: the source network's answers, renamed",
    "shuffled": "everything, from the pretrained weights in a random order",
    "selffer": "everything, from a run on the target itself",
    "scratch_long": "from nothing, for as long as full took with its source",
}
"""Named arms in words, for readers of a report."""

DEFAULT_ARMS = ("scratch", "random_trunk", "probe", "full", "probe_then_full")


def _arm(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if given in NAMED_ARMS:
        return NAMED_ARMS[given]
    raise ValueError(
        f"arm '{given}' is not known. {known_names(NAMED_ARMS)} "
        f"{nearest(given, NAMED_ARMS) or 'Or write a table with name, start and strategy.'}"
    )


Arm = Annotated[ArmSpec, BeforeValidator(_arm)]


Family = Literal["AnB", "AnB+", "BnB", "BnB+", "random"]


class CutSweep(Spec):
    """Arms at every cut of the trunk (Yosinski et al. 2014): where does generality end?

    Stages up to the cut come from the source (`AnB`), from a run on the target itself (`BnB`) or
    are fresh (`random`), and are frozen; with `+` they are trained on. All other stages are fresh.
    The sweep is at one of the study's sizes, the middle one where none is named, and cuts behind
    the stages `at`, all of a network that hold weights where none is named.
    """

    size: Size | None = None
    at: tuple[str, ...] | None = None
    families: tuple[Family, ...] = ("AnB", "AnB+", "BnB", "BnB+", "random")

    def size_among(self, sizes: tuple[SizeSpec, ...]) -> SizeSpec:
        """The size of the sweep in a study of these sizes; of an even number the smaller."""
        return self.size or sizes[(len(sizes) - 1) // 2]

    def names(self, cuts: tuple[str, ...]) -> tuple[str, ...]:
        """What its arms are called, family by family."""
        return tuple(f"{family}@{cut}" for family in self.families for cut in cuts)

    def arms(self, cuts: tuple[str, ...], sizes: tuple[SizeSpec, ...]) -> tuple[ArmSpec, ...]:
        """One arm for each family and cut."""
        origins = {"A": SOURCE, "B": SELF, "r": FRESH}
        return tuple(
            ArmSpec.model_validate(
                {
                    "name": f"{family}@{cut}",
                    "start": {"origin": origins[family[0]], "last": cut},
                    "strategy": "full" if family[-1] == "+" else {"kind": "freeze", "cut": cut},
                    "only_at": [self.size_among(sizes)],
                    "family": family,
                    "cut": cut,
                }
            )
            for family in self.families
            for cut in cuts
        )
