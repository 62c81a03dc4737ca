"""Gates and audits: the evidence they read, their findings, and the decorator that declares one.

A gate reads records and reports the cells that fail. `invalid` withholds the verdicts of those
cells; `caveat` is printed with them. An audit does the same for finished numbers: it computes them
again from the records, in a simpler way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, Literal, ParamSpec

from headstart.analyse.analysis import Analysis, Severity
from headstart.analyse.cells import Cell
from headstart.analyse.evidence import AnswerEvidence, Budget, Fact
from headstart.analyse.lineage import Lineage
from headstart.analyse.records import OverlapRecord, Record, Records
from headstart.core.hashing import Json
from headstart.plan.steps import Choice, Place
from headstart.study.arms import SELF, ArmSpec
from headstart.study.facts import Facts
from headstart.study.network_facts import NetworkFacts
from headstart.study.study import StudySpec

_Inputs = ParamSpec("_Inputs")

SharedFact = Literal[
    "test images with a copy", "training images of both tasks", "validated on test images"
]
"""What sentences of several checks speak of; one report gives each of them one value."""

Asserts = Mapping[SharedFact, int]
"""Facts that a sentence asserts, with their values: a number, or whether it is so."""

NOTHING: Asserts = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Fault found by a gate, with its cells; without cells it concerns the whole study.

    `asserts` are the facts in its message of which another check speaks as well.
    """

    message: str
    cells: frozenset[Cell] = frozenset()
    asserts: Asserts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(AnswerEvidence):
    """Evidence of a headstart study, for all gates.

    `records` are the finished trials, `sources` the source runs.

    `accounts` list the tensors that each pretrained source loaded, by the source's name; `margins`
    are the differences that matter, in percentage points, by place.
    """

    study: StudySpec
    facts: Facts
    records: Records
    overlaps: dict[tuple[str, str], OverlapRecord]
    choices: dict[Place, tuple[Choice, ...]]
    sources: Records = field(default_factory=dict)
    lineage: Lineage = field(default_factory=Lineage)
    accounts: dict[str, Json] = field(default_factory=dict)
    margins: dict[Place, float] = field(default_factory=dict)

    def each(self) -> Iterator[tuple[Cell, Record]]:
        """Every finished trial with its cell."""
        for cell, by_seed in self.records.items():
            for record in by_seed.values():
                yield cell, record

    def cells_where(self, wrong: Callable[[Record], bool]) -> frozenset[Cell]:
        """Cells with a trained trial for which `wrong` holds."""
        return frozenset(c for c, record in self.each() if record.train_rows and wrong(record))

    def arm(self, name: str) -> ArmSpec:
        """Arm of the study by its name."""
        return self.study.arm(name)

    @property
    def network_facts(self) -> NetworkFacts:
        """Facts of the network of the first pair; those of all pairs have the same stage names."""
        return self.facts.of_pair(self.study, self.study.pairs[0])

    def classes_of(self, task: str) -> dict[str, tuple[int, ...]]:
        """Classes of a task by name, each with the labels of its data set that it takes."""
        spec = self.study.tasks[task]
        return spec.groups(self.facts.of(spec).classes)

    def class_names(self, target: str) -> tuple[str, ...]:
        """Names of the classes of a target, in the order of their labels."""
        return tuple(self.classes_of(target))

    def trained_on(self, target: str) -> list[bool]:
        """Whether each class of a target had training images."""
        return [bool(labels) for labels in self.classes_of(target).values()]

    def budgets(self) -> Iterator[tuple[Cell, Budget]]:
        """Budgets that are to be equal at each size: of trained arms that start from no self run.

        Updates of the arms that an arm starts from count as its own.
        """
        for cell, by_seed in self.records.items():
            arm = self.arm(cell[3])
            trained = [record for record in by_seed.values() if record.train_rows]
            if trained and arm.compute_of is None and SELF not in arm.origins:
                yield cell, (self._target_updates(arm, cell), trained[-1].num_images)

    def _target_updates(self, arm: ArmSpec, cell: Cell) -> int:
        """Updates on the target behind an arm's weights."""
        names = {other.name for other in self.study.all_arms}
        records = self.records.get((*cell[:3], arm.name), {}).values()
        updates = max(
            (sum(s.payload["phase"]["updates"] for s in record.steps) for record in records),
            default=0,
        )
        before = [self._target_updates(self.arm(o), cell) for o in arm.origins if o in names]
        return updates + max(before, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec(Generic[_Inputs]):
    """A gate or audit: its id in docs/checks.md, its message if it passes, and its function.

    `needs` is what it must know: evidence that lacks it is not known to pass. `asserts` are the
    facts in the message of a check that passes. `could_turn` says whether what a caveat warns of
    could turn a verdict around.
    """

    id: str
    title: str
    severity: Severity
    good: str
    check: Callable[_Inputs, Iterable[Finding]]
    needs: Fact
    asserts: Asserts = field(default_factory=dict)
    could_turn: bool = False


GateSpec = CheckSpec[[Evidence]]
AnswerGateSpec = CheckSpec[[AnswerEvidence]]
AuditSpec = CheckSpec[[Analysis, Evidence]]
AnswerAuditSpec = CheckSpec[[Analysis, AnswerEvidence]]


def check(
    id: str,
    severity: Severity,
    title: str,
    *,
    needs: Fact = "trainings",
    asserts: Asserts = NOTHING,
    could_turn: bool = False,
) -> Callable[[Callable[_Inputs, Iterable[Finding]]], CheckSpec[_Inputs]]:
    """Decorator that makes a gate, or an audit, of a function that yields findings.

    The docstring of the function is the message of a check that passes: it says what the function
    looks at, and no more.

    Args:
        id: Id in docs/checks.md.
        severity: Whether a finding withholds verdicts or is a caveat.
        title: Name of the check.
        needs: What must be known; a check of less than trainings reads `AnswerEvidence`.
        asserts: Facts that the docstring asserts. A check without a finding is not said to pass
            where a finding of another one gives a fact another value.
        could_turn: Whether a caveat could turn a verdict around: without what it warns of the
            verdict might be another word. Such caveats are read with the answer.
    """

    def declare(function: Callable[_Inputs, Iterable[Finding]]) -> CheckSpec[_Inputs]:
        good = " ".join((function.__doc__ or "").split())
        return CheckSpec(
            id=id,
            title=title,
            severity=severity,
            good=good,
            check=function,
            needs=needs,
            asserts=asserts,
            could_turn=could_turn,
        )

    return declare


def on_cells(cells: Iterable[Cell], message: str) -> Iterator[Finding]:
    """Finding on some cells, whose names replace `{cells}` in the message; none without cells."""
    if failing := frozenset(cells):
        yield Finding(message=message.replace("{cells}", named(failing)), cells=failing)


def named(cells: Iterable[Cell]) -> str:
    """Arms and sizes of the first few cells."""
    names = sorted({f"{arm} at {in_words(size)}" for _, _, size, arm in cells})
    shown = ", ".join(names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def in_words(size: str) -> str:
    """A size in a sentence, where "all" alone would be misread."""
    return "all images" if size == "all" else size
