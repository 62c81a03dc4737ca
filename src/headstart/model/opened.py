"""Trained model with what is known of it: why it was chosen, its study, its images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.model.study_images import StudyImages
from headstart.model.trained import TrainedModel
from headstart.study.facts import Facts
from headstart.study.study import StudySpec

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedModel:
    """A trained model out of a store. `why` says in words how it was chosen."""

    model: TrainedModel
    why: str
    study: StudySpec
    facts: Facts
    analysis: "Analysis"
    images: StudyImages
