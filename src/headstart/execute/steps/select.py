"""Selection steps: the best candidate of each arm by validation on the seed tried."""

from typing import cast

from headstart.core.hashing import Json
from headstart.execute.steps.context import StepContext
from headstart.execute.steps.outcome import Outcome, finite
from headstart.plan.payload_types import SelectPayload
from headstart.plan.pilot import choose_rates, effective_validation
from headstart.plan.steps import Score, Step
from headstart.train.checkpoints import Best, Keep, choose


def select_step(step: Step, context: StepContext) -> Outcome:
    """The best candidate of each arm, by what validation said of the weights that count."""
    rows = context.finished.rows(step.inputs)
    scores: dict[str, list[Score]] = {}
    payload = cast(SelectPayload, step.payload)
    for candidate in payload["candidates"]:
        results = [rows[step.inputs[number]].result for number in candidate["inputs"]]
        accuracy, loss = _validated(results, candidate["keep"])
        sound = all(result["finite"] for result in results)
        scores.setdefault(candidate["arm"], []).append(
            Score(rate=candidate["rate"], accuracy=accuracy, loss=loss, finite=sound)
        )
    num_validation = effective_validation(next(iter(rows.values())).result)
    choice = choose_rates(scores, payload["control"], num_validation)
    result: Json = {
        "rates": choice.rates,
        "scores": {
            arm: [[s.rate, s.accuracy, finite(s.loss), s.finite] for s in tried]
            for arm, tried in choice.scores.items()
        },
        "edges": choice.edges,
        "control_error": choice.control_error,
    }
    return Outcome(result=result, arrays={})


def _validated(results: list[Json], keep: Keep) -> tuple[float, float]:
    """Validation accuracy and loss of the weights of a training that count."""
    bests = [result["best"] for result in results]
    chosen = choose([Best(update=b[0], accuracy=b[1]) if b else None for b in bests], keep)
    curve = results[chosen.phase]["curve"]
    update = bests[chosen.phase][0] if chosen.which == "best" else curve[-1][0]
    (point,) = (point for point in curve if point[0] == update)
    loss = point[2]
    return point[3], float("inf") if loss is None else loss
