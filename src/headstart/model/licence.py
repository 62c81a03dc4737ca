"""What the licence of a checkpoint means for a model that was made from it."""

from headstart.model.opened import OpenedModel
from headstart.networks.licences import checkpoint_licence
from headstart.study.arms import SOURCE
from headstart.study.sources import SourceSpec

_PERMISSIVE = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0")


def rested_on(opened: OpenedModel) -> SourceSpec | None:
    """The source that a model's weights come from, by way of other arms too; None without any."""
    origin, study = opened.model.origin, opened.study
    arm = study.arm(origin.arm)
    if not study.rests_on(SOURCE, arm):
        return None
    return next(
        study.source_of(pair)
        for pair in study.pairs
        if (pair.source, pair.target) == (origin.source, origin.target)
    )


def checkpoint_sentences(opened: OpenedModel) -> tuple[str, ...]:
    """The checkpoint that a model rests on and its licence; none where it rests on none."""
    source = rested_on(opened)
    if source is None or source.pretrained is None:
        return ()
    file = opened.facts.checkpoints[opened.model.origin.source]
    own_file = source.weights is not None
    licence = checkpoint_licence(source.pretrained, file.content, own_file=own_file)
    return (
        f"Checkpoint: {source.pretrained}, file of SHA-256 {file.content}.",
        f"Licence of the checkpoint: {licence_meaning(licence)}",
    )


def licence_meaning(licence: str) -> str:
    """A licence in words; empty and `unknown` say that it is not known."""
    if licence in ("", "unknown"):
        return "NOT KNOWN. Find it out before you use or pass on this model."
    if licence in _PERMISSIVE:
        return f"{licence}."
    if "-nc" in licence or "noncommercial" in licence:
        return f"{licence}, which FORBIDS COMMERCIAL USE, of this model too."
    return f"{licence}, which has conditions. Read it before you use or pass on this model."
