"""Arms: where the first weights come from (start) and what is done to them (strategy)."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from headstart.core.errors import known_names, nearest
from headstart.spec.base import Spec

FRESH, SOURCE = "fresh", "source"


class StartRule(Spec):
    """First weights of a run of stages.

    `origin` is `fresh`, `source` (the source run of the same seed) or the name of another arm.
    `first` and `last` are names of stages, both included; left open they mean the ends of the
    trunk for an origin with weights.
    """

    first: str | None = None
    last: str | None = None
    origin: str = SOURCE

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
    """Train the head on a frozen trunk."""

    kind: Literal["probe"] = "probe"


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


AnyStrategy = Full | Probe | Freeze | ProbeThenFull | Gradual | Discriminative


def _strategy(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


Strategy = Annotated[
    Annotated[AnyStrategy, Field(discriminator="kind")],
    BeforeValidator(_strategy),
]


class ArmSpec(Spec):
    """A start and a strategy under a name. Controls are arms like any other."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[^,/\\]+$")]
    start: Start
    strategy: Strategy

    @field_validator("name")
    @classmethod
    def _not_an_origin(cls, name: str) -> str:
        if name in (FRESH, SOURCE):
            raise ValueError(f"'{name}' already names an origin; give the arm another name")
        return name

    @property
    def origins(self) -> tuple[str, ...]:
        """Where weights are taken from, without `fresh`, each once."""
        return tuple(dict.fromkeys(r.origin for r in self.start if r.origin != FRESH))


def _arms(*arms: tuple[str, str, AnyStrategy]) -> dict[str, ArmSpec]:
    return {
        name: ArmSpec(name=name, start=start, strategy=strategy) for name, start, strategy in arms
    }


NAMED_ARMS: dict[str, ArmSpec] = _arms(
    ("scratch", FRESH, Full()),
    ("random_trunk", FRESH, Probe()),
    ("probe", SOURCE, Probe()),
    ("full", SOURCE, Full()),
    ("probe_then_full", SOURCE, ProbeThenFull()),
    ("gradual", SOURCE, Gradual()),
    ("discriminative", SOURCE, Discriminative()),
)
"""Arms that a study may name instead of writing them out (`arms = ["scratch", "probe"]`)."""

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
