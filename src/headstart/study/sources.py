"""Sources: where transfer comes from, a run of this study or a pretrained checkpoint."""

from typing import Annotated

from pydantic import Field, model_validator

from headstart.study.base import Spec
from headstart.study.network import LibraryNetwork, Pretrained

Text = Annotated[str, Field(min_length=1)]


class SourceSpec(Spec):
    """One source.

    `task` names a task of the study, on which the source is trained, once for every seed.
    `pretrained` names a library's network with pretrained weights, one checkpoint for all seeds;
    `weights` is the file that holds them, where the library or a package does not bring it.
    `seen` is a folder or a data set with the images that the checkpoint was pretrained on, to be
    searched for copies of the target's test images. `allow_partial` takes a checkpoint of which
    less than half of the trunk could be loaded.
    """

    task: Text | None = None
    pretrained: Pretrained | None = None
    weights: Text | None = None
    seen: Text | None = None
    allow_partial: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> "SourceSpec":
        if (self.task is None) == (self.pretrained is None):
            raise ValueError(
                "give either 'task' (a task of this study) or 'pretrained' (\"timm:NAME\"), one of "
                "them"
            )
        if self.task is not None:
            for name in ("weights", "seen", "allow_partial"):
                if getattr(self, name):
                    raise ValueError(f"'{name}' goes with 'pretrained', not with 'task'")
        return self

    @property
    def checkpoint(self) -> LibraryNetwork:
        """The network of a pretrained source."""
        assert self.pretrained is not None
        return self.pretrained
