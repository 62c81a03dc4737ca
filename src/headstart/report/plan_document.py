"""JSON document of a plan: what was found of the data, and what a run would do."""

import json
from collections.abc import Sequence

from headstart.analyse.analysis import TaskFacts
from headstart.plan.cost_estimate import CostEstimate
from headstart.report.document import json_value


def plan_text(cost: CostEstimate, tasks: Sequence[TaskFacts], warnings: Sequence[str]) -> str:
    """Text of the document.

    Args:
        cost: steps and estimated time of the run.
        tasks: what was found of each task, as in the document of a study.
        warnings: what the author of the study may not want.
    """
    steps = [
        {"kind": kind, "planned": planned, "stored": stored} for kind, planned, stored in cost.steps
    ]
    values = {**json_value(cost), "steps": steps, "tasks": json_value(tuple(tasks))}
    return json.dumps({**values, "warnings": list(warnings)}, indent=2) + "\n"
