"""Rules about arms: whether they differ in nothing but what is compared."""

from collections.abc import Iterable

from headstart.audit.program.samples import smaller
from headstart.audit.program.story import Story
from headstart.audit.rules.comparisons import (
    Arm,
    Comparison,
    comparisons,
    has_weights,
    of_transfer,
)
from headstart.audit.rules.examples import SCRATCH, SOURCE, TRANSFER
from headstart.audit.rules.rule import Found, rule

_SETTINGS = {"optimiser": "optimiser", "rate": "learning rate", "batch": "batch size"}


@rule(
    "unequal-epochs",
    "the arms are trained for different numbers of epochs",
    settles="Give all arms the same number of updates, or scratch the cost of the whole transfer. "
    "headstart does both (CHK-07; `compute_of` in a study file).",
    example=SOURCE + TRANSFER.replace("epochs=3", "epochs=9") + SCRATCH,
    twin=SOURCE + TRANSFER + SCRATCH,
)
def unequal_epochs(story: Story) -> Iterable[Found]:
    """The arm that is trained longer has an advantage that has nothing to do with its weights'
    origin."""
    for comparison in of_transfer(story):
        known = [(arm, arm.epochs) for arm in comparison.arms if arm.epochs is not None]
        counts = {epochs for _, epochs in known}
        if len(counts) > 1:
            listed = ", ".join(f"{arm.net.called()} {epochs:g}" for arm, epochs in known)
            yield Found(
                place=known[-1][0].last.site.place,
                says=f"epochs differ between the arms: {listed}",
                also=tuple(arm.last.site.place for arm, _ in known[:-1]),
            )


@rule(
    "unequal-data",
    "the arms are trained on different numbers of images",
    settles="Train the control on the same subset. headstart trains all arms on the same images "
    "for each size and seed (CHK-07); `sizes` gives several amounts.",
    example=SOURCE
    + TRANSFER.replace("high, high_labels", "high[:900], high_labels[:900]")
    + SCRATCH,
    twin=SOURCE + TRANSFER + SCRATCH,
)
def unequal_data(story: Story) -> Iterable[Found]:
    """With different images the difference between the arms is that of weights and of images, and
    nothing separates the two."""
    for comparison in of_transfer(story):
        for arm in comparison.arms:
            larger = [
                other
                for other in comparison.arms
                if arm.transferred != other.transferred and smaller(arm.last.data, other.last.data)
            ]
            if larger and not _has_twin(arm, comparison):
                yield Found(
                    place=arm.last.site.place,
                    says=f"{arm.net.called()} is trained on a part of the images that "
                    f"{larger[0].net.called()} is trained on",
                    also=(larger[0].last.site.place,),
                )


def _has_twin(arm: Arm, comparison: Comparison) -> bool:
    """Whether an arm of the other kind is trained on the same images."""
    return any(
        other.transferred != arm.transferred and other.last.data.paths == arm.last.data.paths
        for other in comparison.arms
    )


@rule(
    "unequal-settings",
    "the arms differ in optimiser, learning rate or batch size",
    settles="Give all arms the same settings, or let each choose from the same list. headstart "
    "tunes learning rates alike (CHK-09; `training.rates`).",
    example=SOURCE + TRANSFER.replace('"adam"', '"sgd"') + SCRATCH,
    twin=SOURCE + TRANSFER + SCRATCH,
)
def unequal_settings(story: Story) -> Iterable[Found]:
    """The setting that suits one arm by chance decides the comparison; a learning rate can matter
    more than the weights."""
    for comparison in of_transfer(story):
        differing = {name: pair for name in _SETTINGS if (pair := _differing(comparison, name))}
        if differing:
            arm, plain = next(iter(differing.values()))
            listed = "; ".join(
                f"{_SETTINGS[name]}: {one.net.called()} {_listed(one, name)}, "
                f"{other.net.called()} {_listed(other, name)}"
                for name, (one, other) in differing.items()
            )
            yield Found(
                place=arm.last.site.place,
                says=f"settings differ ({listed})",
                also=(plain.last.site.place,),
            )


def _differing(comparison: Comparison, name: str) -> tuple[Arm, Arm] | None:
    """A transferred arm that has no value of a setting in common with arms from scratch."""
    known = [arm for arm in comparison.arms if _values(arm, name)]
    plain = [arm for arm in known if not arm.transferred]
    for arm in known:
        common = any(_values(arm, name) & _values(other, name) for other in plain)
        if arm.transferred and plain and not common:
            return arm, plain[0]
    return None


def _values(arm: Arm, name: str) -> frozenset[object]:
    """Values of a setting in all trainings of an arm; empty where one is not known."""
    found = [getattr(training.settings, name) for training in arm.trainings]
    return frozenset() if None in found else frozenset(found)


def _listed(arm: Arm, name: str) -> str:
    return " and ".join(sorted(map(str, _values(arm, name))))


@rule(
    "arms-share-layers",
    "an arm goes on from layers that another arm has trained",
    settles="Start every arm from the source or from fresh weights, with separate copies. "
    "headstart hashes what every arm starts from (CHK-06).",
    example=SOURCE + SCRATCH + TRANSFER.replace("keras.layers.Dense(5)", "scratch.layers[-1]"),
    twin=SOURCE + SCRATCH + TRANSFER,
)
def arms_share_layers(story: Story) -> Iterable[Found]:
    """Layers that were trained on the target before bring that training with them: the later arm
    has had more of the target, and the earlier network is changed as well."""
    for comparison in comparisons(story):
        arms = sorted(comparison.arms, key=lambda arm: arm.trainings[0].site.time)
        for position, arm in enumerate(arms):
            start = arm.trainings[0].site.time
            for other in reversed(arms[:position]):
                shared = other.net.shares_with(arm.net) and other.net is not arm.net
                trained = [
                    t
                    for t in other.trainings
                    if t.site.time < start and _moved(other, arm, t.site.time)
                ]
                if shared and trained:
                    yield Found(
                        place=arm.trainings[0].site.place,
                        says=f"{arm.net.called()} holds layers that {_earlier(other, arm)} has "
                        "already trained on the same task",
                        also=(trained[-1].site.place,),
                    )
                    break


def _earlier(other: Arm, arm: Arm) -> str:
    """Name of an arm beside another one, which may have the same."""
    same = other.net.called() == arm.net.called()
    return f"an earlier {other.net.called()}" if same else other.net.called()


def _moved(one: Arm, other: Arm, time: int) -> bool:
    """Whether shared layers with weights were trained, not frozen, at a time."""
    mine = {net.number for net in other.net.leaves()}
    return any(
        layer.number in mine
        and has_weights(layer)
        and layer.frozen_at(time) is False
        and layer.origin == "fresh"
        for layer in one.net.leaves()
    )


RULES = (
    unequal_epochs,
    unequal_data,
    unequal_settings,
    arms_share_layers,
)
