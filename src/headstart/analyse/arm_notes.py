"""What the arms of a study are, in words, and how they were trained otherwise than the control."""

from headstart.analyse.analysis import ArmNote
from headstart.analyse.attribution import is_from_nothing
from headstart.analyse.trainings import other_settings
from headstart.study.arm_text import described
from headstart.study.facts import Facts
from headstart.study.study import StudySpec


def arm_notes_of(study: StudySpec, facts: Facts) -> tuple[ArmNote, ...]:
    """A note on every arm but the points of a cut sweep, in the order of the study."""
    stages = facts.of_pair(study, study.pairs[0]).stage_names
    return tuple(
        ArmNote(
            arm=arm.name,
            what=described(arm),
            other_settings=other_settings(study, arm),
            from_nothing=is_from_nothing(arm, study, stages),
        )
        for arm in study.arms
    )
