"""What a gain may be put down to: each transfer arm against the controls that explain it away.

A control is known by what it is, its start and its strategy, never by its name (docs/verdict.md).
"""

from headstart.analyse.analysis import Attribution, AttributionNote, Comparison, Role
from headstart.analyse.compare import Finished
from headstart.analyse.paired import paired
from headstart.analyse.sentences import State, reading_of
from headstart.strategies import phases_of
from headstart.study.arms import SELF, SOURCE, ArmSpec, LabelMap
from headstart.study.base import HEAD
from headstart.study.declared import DeclaredNetwork
from headstart.study.study import StudySpec

_ENOUGH_UPDATES = 10_000  # for every phase of a strategy to have some; nothing is trained with them


def role_of(arm: ArmSpec, study: StudySpec) -> Role | None:
    """What an arm shows as a control; None for transfer arms, sweeps and plain scratch."""
    if arm.transfers or arm.family:
        return None
    if isinstance(arm.strategy, LabelMap):
        return "label map"
    origins = set(arm.origins)
    if origins == {SOURCE}:
        return "shuffled weights"  # whatever takes them as they are transfers
    if origins == {SELF}:
        return "selffer"
    if origins:
        return None
    if not _trains_everything(arm, study):
        return "random trunk"
    return "compute-matched scratch" if arm.compute_of is not None else None


def _trains_everything(arm: ArmSpec, study: StudySpec) -> bool:
    """Whether nothing is frozen in the end."""
    phases = phases_of(arm.strategy, _stages_for(arm, study), _ENOUGH_UPDATES)
    return bool(phases) and not any(rule.frozen for rule in phases[-1].rules)


def _stages_for(arm: ArmSpec, study: StudySpec) -> tuple[str, ...]:
    """Stage names that an arm's strategy can be compiled for.

    Those of a library's network are facts; the stages that the strategy names stand for them.
    """
    if isinstance(study.network, DeclaredNetwork):
        return study.network.stage_names
    strategy = arm.strategy
    named = [getattr(strategy, field, None) for field in ("cut", "first", "last")]
    return tuple(dict.fromkeys(("stem", *(name for name in named if name), HEAD)))


def _alike(arm: ArmSpec, control: ArmSpec, role: Role, study: StudySpec) -> bool:
    """Whether the control's role is what sets it apart from the arm, and not its training.

    Scratch that is matched to another arm counts where that arm trains everything: for the same
    updates no arm costs more.
    """
    if role == "label map":
        return True
    if role == "compute-matched scratch":
        matched = next(a for a in study.all_arms if a.name == control.compute_of)
        return matched.name == arm.name or _trains_everything(matched, study)
    if arm.strategy == control.strategy:
        return True
    return _trains_everything(arm, study) and _trains_everything(control, study)


def expected_of(arm: ArmSpec, study: StudySpec) -> tuple[Role, ...]:
    """The controls without which a gain of an arm cannot be put down to the source.

    Where the trunk stays frozen, random weights in its place show what the architecture gives;
    where it is trained on, shuffled weights and a run on the target itself show what the scale of
    the weights and the longer training give.
    """
    if _trains_everything(arm, study):
        return ("shuffled weights", "compute-matched scratch", "selffer")
    return ("random trunk", "compute-matched scratch")


def attribute(
    finished: Finished, comparisons: tuple[Comparison, ...]
) -> tuple[tuple[Attribution, ...], tuple[AttributionNote, ...]]:
    """Every transfer arm against every control beside it, and a sentence on what follows from it.

    A comparison that is invalid attributes nothing.
    """
    study = finished.study
    arms = {arm.name: arm for arm in study.all_arms}
    roles = {name: role for name, arm in arms.items() if (role := role_of(arm, study))}
    planned = set(finished.planned)
    rows: list[Attribution] = []
    notes: list[AttributionNote] = []
    for told in comparisons:
        arm = arms[told.arm]
        if not arm.transfers or told.verdict == "invalid":
            continue
        place = (told.source, told.target, told.size)
        beside = {n: r for n, r in roles.items() if (*place, n) in planned}
        found = [
            _against(finished, arm, arms[name], role, place)
            for name, role in beside.items()
            if name != study.control
        ]
        own = [row for row in found if row]
        rows += own
        notes.append(
            AttributionNote(
                arm=told.arm,
                size=told.size,
                num_images=told.num_images,
                source=told.source,
                target=told.target,
                reading=reading_of(told, own, _silent(study, arm, beside, own)),
            )
        )
    return tuple(rows), tuple(notes)


def _against(
    finished: Finished, arm: ArmSpec, control: ArmSpec, role: Role, place: tuple[str, str, str]
) -> Attribution | None:
    cell = (*place, control.name)
    if cell not in finished.answers:
        return None
    found = paired(finished.answers[*place, arm.name], finished.answers[cell])
    if found is None:
        return None
    level = finished.level
    margin = finished.margins[place]
    judged = found.judged(margin, level=level, equivalence_level=level)
    reason = finished.withheld.get(cell)
    low, high = found.interval_pp(level)
    return Attribution(
        arm=arm.name,
        control=control.name,
        role=role,
        size=place[2],
        source=place[0],
        target=place[1],
        seeds=found.seeds,
        gain_pp=found.gain_pp,
        low_pp=low,
        high_pp=high,
        confidence=1 - level,
        verdict="invalid" if reason else judged.word,
        why=reason or judged.why,
        alike=_alike(arm, control, role, finished.study),
    )


def _silent(
    study: StudySpec, arm: ArmSpec, beside: dict[str, Role], rows: list[Attribution]
) -> dict[Role, State]:
    """The controls that should speak and do not, with the reason.

    The study's own control is spoken for: the comparison itself is with it.
    """
    spoken = {row.role for row in rows if row.alike and row.verdict != "invalid"}
    spoken |= {role for name, role in beside.items() if name == study.control}

    def state(role: Role) -> State:
        own = [row for row in rows if row.role == role]
        if role not in beside.values():
            return "not run"
        if not own:
            return "not finished"
        return "invalid" if any(row.alike for row in own) else "not run in the same way"

    return {role: state(role) for role in expected_of(arm, study) if role not in spoken}
