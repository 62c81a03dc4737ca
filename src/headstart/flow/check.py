"""A study given as a table or made in Python, checked against its data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headstart.analyse.analysis import TaskFacts
from headstart.analyse.tasks import task_facts
from headstart.core.errors import Problem, SpecError
from headstart.flow.facts import gather_facts
from headstart.plan.allocation import Allocation, Cell
from headstart.study.array_checks import test_problems
from headstart.study.checks import check
from headstart.study.data_checks import check_facts
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts
from headstart.study.partial_study import PartialStudy
from headstart.study.study import StudySpec, parse, spelt_out
from headstart.study.tasks import DataRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A checked study with the facts of its data.

    `made_of` says in lines what chose it, if not a study file. `allocation` says how many of the
    study's seeds each comparison has so far, where they are added as evidence needs them.
    """

    study: StudySpec
    facts: Facts
    made_of: tuple[str, ...] = ()
    allocation: Allocation | None = None

    def seeds_of(self, cells: Iterable[Cell]) -> dict[Cell, tuple[int, ...]]:
        """Seeds of some comparisons, where they may differ; empty where all have the study's."""
        return self.allocation.seeds(cells, self.study.seeds) if self.allocation else {}

    @property
    def tasks(self) -> tuple[TaskFacts, ...]:
        """What was found of the data of every task."""
        return task_facts(self.study, self.facts)


def checked(
    given: dict[str, Any],
    origin: str,
    problems: list[Problem] | None = None,
    *,
    untested: Mapping[DataRef, DatasetFacts] | None = None,
) -> Loaded:
    """The study of a file's tables.

    Args:
        given: the tables.
        origin: what to call the study in an error.
        problems: found before.
        untested: data sets that are trained on alone, with their facts; they need no test part.

    Raises:
        SpecError: with all problems of the study and its data at once.
    """
    given = spelt_out(given)
    parts, found = parse(given)
    facts, of_data = gather_facts(parts, untested)
    found = [*(problems or ()), *found, *of_data, *check(parts), *check_facts(parts, facts)]
    if untested is None:
        found += test_problems(parts, facts)
    if found:
        raise SpecError(found, origin)
    return Loaded(study=StudySpec(**given), facts=facts)


def with_facts(study: StudySpec) -> Loaded:
    """A study made in Python, checked against its data.

    Raises:
        SpecError: with all problems at once.
    """
    parts = PartialStudy({name: getattr(study, name) for name in StudySpec.model_fields})
    facts, problems = gather_facts(parts)
    problems += [*check_facts(parts, facts), *test_problems(parts, facts)]
    if problems:
        raise SpecError(problems, f"study '{study.name}'")
    return Loaded(study=study, facts=facts)
