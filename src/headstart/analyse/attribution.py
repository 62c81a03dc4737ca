"""Attribution of gains: each transfer arm against the controls that may explain its gain.

A control is recognised by its start and its strategy, never by its name (docs/verdict.md).
"""

from headstart.analyse.analysis import Attribution, AttributionNote, Comparison, Role, known
from headstart.analyse.compare import Finished
from headstart.analyse.paired import paired
from headstart.analyse.sentences import State, reading_of
from headstart.analyse.trainings import same_settings
from headstart.strategies import ENOUGH_UPDATES, phases_of
from headstart.study.arms import SELF, SOURCE, UNTRAINED, ArmSpec, LabelMap
from headstart.study.base import HEAD
from headstart.study.declared import DeclaredNetwork
from headstart.study.study import StudySpec


def role_of(arm: ArmSpec, study: StudySpec) -> Role | None:
    """Role of an arm as a control; None for transfer arms, sweeps and plain scratch."""
    if arm.transfers or arm.family:
        return None
    if isinstance(arm.strategy, LabelMap):
        return "label map"
    origins = set(arm.origins)
    if origins == {SOURCE}:
        return "shuffled weights"  # an arm that takes the source's weights unshuffled transfers
    if origins == {SELF}:
        return "selffer"
    if origins:
        return None
    if not _trains_everything(arm, study):
        return "random trunk"
    return "compute-matched scratch" if arm.compute_of is not None else None


def is_from_nothing(arm: ArmSpec, study: StudySpec, stage_names: tuple[str, ...]) -> bool:
    """Whether an arm trains everything from weights that have learnt nothing, whatever its name.

    Read as a plan reads it: a rule of the start counts where it gives a stage its weights.
    """
    origins = {rule.origin for rule, _ in arm.starts(stage_names)}
    return origins <= {UNTRAINED} and _trains_everything(arm, study)


def _trains_everything(arm: ArmSpec, study: StudySpec) -> bool:
    """Whether the last phase freezes nothing."""
    phases = phases_of(arm.strategy, _stages_for(arm, study), ENOUGH_UPDATES)
    return bool(phases) and not any(rule.frozen for rule in phases[-1].rules)


def _stages_for(arm: ArmSpec, study: StudySpec) -> tuple[str, ...]:
    """Stage names that an arm's strategy can be compiled for.

    Those of a library's network are facts; the stages named by the strategy are used instead.
    """
    if isinstance(study.network, DeclaredNetwork):
        return study.network.stage_names
    strategy = arm.strategy
    named = [getattr(strategy, field, None) for field in ("cut", "first", "last")]
    return tuple(dict.fromkeys(("stem", *(name for name in named if name), HEAD)))


def _alike(arm: ArmSpec, control: ArmSpec, role: Role, study: StudySpec) -> bool:
    """Whether the control differs from the arm by its role alone, not by its training or settings.

    Scratch that is matched to another arm counts where that arm trains everything: for the same
    updates no arm costs more.
    """
    if role == "label map":
        return True
    if not same_settings(study, arm, control):
        return False
    if role == "compute-matched scratch":
        matched = next(a for a in study.all_arms if a.name == control.compute_of)
        return matched.name == arm.name or _trains_everything(matched, study)
    if arm.strategy == control.strategy:
        return True
    return _trains_everything(arm, study) and _trains_everything(control, study)


def expected_of(arm: ArmSpec, study: StudySpec) -> tuple[Role, ...]:
    """Controls without which a gain of an arm cannot be put down to the source.

    For a frozen trunk, random weights in its place show the contribution of the architecture; for a
    trained one, shuffled weights and a run on the target itself show the contributions of the scale
    of the weights and of longer training.
    """
    if _trains_everything(arm, study):
        return ("shuffled weights", "compute-matched scratch", "selffer")
    return ("random trunk", "compute-matched scratch")


def attribute(
    finished: Finished, comparisons: tuple[Comparison, ...]
) -> tuple[tuple[Attribution, ...], tuple[AttributionNote, ...]]:
    """Every transfer arm against every control at its size, and a conclusion for each.

    A comparison that is invalid or not finished has neither.
    """
    study = finished.study
    arms = {arm.name: arm for arm in study.all_arms}
    roles = {name: role for name, arm in arms.items() if (role := role_of(arm, study))}
    planned = set(finished.planned)
    rows: list[Attribution] = []
    notes: list[AttributionNote] = []
    for comparison in comparisons:
        arm = arms[comparison.arm]
        if not arm.transfers or comparison.verdict in ("invalid", "unfinished"):
            continue
        place = (comparison.source, comparison.target, comparison.size)
        controls = {name: role for name, role in roles.items() if (*place, name) in planned}
        pairs = [
            _against(finished, arm, arms[name], role, place)
            for name, role in controls.items()
            if name != study.control
        ]
        own = [row for row in pairs if row]
        rows += own
        notes.append(
            AttributionNote(
                arm=comparison.arm,
                size=comparison.size,
                num_images=known(comparison.num_images),
                source=comparison.source,
                target=comparison.target,
                reading=reading_of(comparison, own, _silent(study, arm, controls, own)),
            )
        )
    return tuple(rows), tuple(notes)


def _against(
    finished: Finished, arm: ArmSpec, control: ArmSpec, role: Role, place: tuple[str, str, str]
) -> Attribution | None:
    cell = (*place, control.name)
    if cell not in finished.answers or cell in finished.unfinished:
        return None
    pair = paired(finished.answers[*place, arm.name], finished.answers[cell])
    if pair is None:
        return None
    level = finished.charge((*place, arm.name)).level
    margin = finished.margins[place]
    judged = pair.judged(margin, level=level, equivalence_level=level)
    reason = finished.withheld.get(cell)
    low, high = pair.interval_pp(level)
    return Attribution(
        arm=arm.name,
        control=control.name,
        role=role,
        size=place[2],
        source=place[0],
        target=place[1],
        seeds=pair.seeds,
        gain_pp=pair.gain_pp,
        low_pp=low,
        high_pp=high,
        confidence=1 - level,
        verdict="invalid" if reason else judged.word,
        why=reason or judged.why,
        alike=_alike(arm, control, role, finished.study),
    )


def _silent(
    study: StudySpec, arm: ArmSpec, controls: dict[str, Role], rows: list[Attribution]
) -> dict[Role, State]:
    """Expected controls that give no answer, with the reason.

    The study's own control has answered: the comparison itself is with it.
    """
    answered = {row.role for row in rows if row.alike and row.verdict != "invalid"}
    answered |= {role for name, role in controls.items() if name == study.control}

    def state(role: Role) -> State:
        own = [row for row in rows if row.role == role]
        if role not in controls.values():
            return "not run"
        if not own:
            return "not finished"
        return "invalid" if any(row.alike for row in own) else "not run in the same way"

    return {role: state(role) for role in expected_of(arm, study) if role not in answered}
