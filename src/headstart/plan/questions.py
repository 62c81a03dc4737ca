"""Questions of a study: its comparisons whatever the seeds are, so that looks at them are counted.

Another number of seeds, or other seeds, are more evidence on the same question and no other one.
"""

from dataclasses import dataclass

from headstart.core.hashing import digest
from headstart.plan.expand import make_plan
from headstart.plan.pilot import Choices
from headstart.study.facts import Facts
from headstart.study.study import StudySpec

SEED = 0  # stands for every seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One arm against the control at one size: `key` names it, `tested` its test images."""

    key: str
    tested: str


def questions_of(
    study: StudySpec, facts: Facts, choices: Choices
) -> dict[tuple[str, str, str, str], Question]:
    """The question of each comparison that can be planned yet, by (source, target, size, arm)."""
    # Where seeds choose their learning rates for themselves, no choice stands for every seed.
    asked = study.untuned() if study.repeated_targets else study
    plan = make_plan(asked.model_copy(update={"seeds": (SEED,)}), facts, choices)
    predicted = {(t.source, t.target, t.size, t.arm): t.predict_key for t in plan.trials}
    tested = {pair.target: _tested(study, facts, pair.target) for pair in study.pairs}
    found = {}
    for (source, target, size, arm), key in predicted.items():
        control = predicted.get((source, target, size, study.control))
        if arm != study.control and control is not None:
            found[source, target, size, arm] = Question(
                key=digest({"arm": key, "control": control}), tested=tested[target]
            )
    return found


def _tested(study: StudySpec, facts: Facts, target: str) -> str:
    """Names the images that a target is tested on, however they are decoded."""
    task = study.tasks[target]
    known = facts.of(task)
    groups = [list(group) for group in task.groups(known.classes).values()]
    return digest({"content": known.content, "groups": groups})
