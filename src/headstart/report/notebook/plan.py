"""A study in a notebook's cell: what it compares, on what, and about how long that takes."""

from collections.abc import Iterable

from headstart.analyse.analysis import TaskFacts
from headstart.analyse.text import comma_list, plural
from headstart.plan.cost_estimate import CostEstimate
from headstart.report.found import classes_found, parts_found
from headstart.report.html.environment import plain_environment
from headstart.report.notebook.cell import framed
from headstart.report.plan_lines import plan_lines
from headstart.study.study import StudySpec


def plan_cell(
    study: StudySpec,
    cost: CostEstimate,
    tasks: Iterable[TaskFacts],
    warnings: Iterable[str],
    found: Iterable[str],
) -> str:
    """What a run would do, for a cell.

    Args:
        study: what is asked.
        cost: steps and estimated time of the run.
        tasks: what was found of their data.
        warnings: what it will come to that its author may not want.
        found: lines on what it was made of.
    """
    most = cost.most
    seeds = f"{most.looks[0]} at first, at most {most.looks[-1]}" if most else len(study.seeds)
    arms = (
        f"{arm.name} (control)" if arm.name == study.control else arm.name for arm in study.arms
    )
    sources = f", {plural(cost.num_sources, 'source run')}" if cost.num_sources else ""
    rows = [
        *((task.name, f"{classes_found(task)}; {parts_found(task)}") for task in tasks),
        ("arms", comma_list(arms)),
        ("sizes", comma_list(size.label for size in study.sizes)),
        ("seeds", str(seeds)),
        ("in all", f"{plural(cost.num_trials, 'trial')}{sources}"),
    ]
    page = plain_environment().get_template("plan_cell.html.j2")
    texts = {"lines": plan_lines(cost), "warnings": list(warnings), "found": list(found)}
    return framed(page.render(study=study, rows=rows, **texts))
