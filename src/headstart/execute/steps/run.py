"""What runs each kind of step that is not trained update by update."""

from collections.abc import Callable

import torch

from headstart.execute.steps.context import StepContext
from headstart.execute.steps.merge import merge_step
from headstart.execute.steps.mistakes import mistakes_step
from headstart.execute.steps.outcome import Outcome
from headstart.execute.steps.overlap import overlap_step
from headstart.execute.steps.predict import predict_step
from headstart.execute.steps.score import score_step
from headstart.execute.steps.select import select_step
from headstart.execute.steps.train import solve_step
from headstart.plan.steps import Step, StepKind

_RUN: dict[StepKind, Callable[[Step, StepContext], Outcome]] = {
    "merge": merge_step,
    "train": solve_step,
    "select": select_step,
    "predict": predict_step,
    "overlap": overlap_step,
    "score": score_step,
    "mistakes": mistakes_step,
}


def run_step(step: Step, context: StepContext) -> Outcome:
    """Run one step that is not trained update by update."""
    use_threads(step)
    return _RUN[step.kind](step, context)


def use_threads(step: Step) -> None:
    """Use as many threads as the step's plan says, for they may change its numbers."""
    torch.set_num_threads(step.payload.get("threads", 1))
