"""The slips of `docs/slips.md` as study files, each with what names it and a clean twin."""

from dataclasses import dataclass, field
from typing import Any

from studies import TINY_NETWORK, tiny_table

Table = dict[str, Any]

ALL = ("random_trunk", "full")
"""Every arm of the plain study that is compared with its control."""

DIGITS = ["0", "1", "2", "3", "4"]
PARITY = {"odd": [1, 3, 5, 7, 9], "even": [0, 2, 4, 6, 8]}
SOURCE = {"dataset": "mnist-mini", "classes": [5, 6, 7, 8, 9]}
TARGET = {"dataset": "mnist-mini", "classes": DIGITS, "split": {"validation": 200}}
TRAINING = {"updates": 12, "batch_size": 16, "validations": 3}
LEVEL = {"batch_size": 128, "validations": 5, "optimiser": {"kind": "sgd", "lr": 0.3}}
NO_VALIDATION = {"by": "head", "validation": 0}
LAST = {"training": {**TRAINING, "keep": "last"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A slip, given as what it changes of a plain study, and what is to be said of it.

    `says` maps checks to their messages, or to the beginning of one where it ends in "...". `arms`
    are those whose verdict is withheld.
    """

    ids: tuple[str, ...]
    slipped: Table
    says: dict[str, str]
    arms: tuple[str, ...] = ()
    clean: Table = field(default_factory=dict)


def plain(**changes: Any) -> Table:
    """A study whose only slip is its one seed: one size and three arms."""
    sound: Table = {
        "tasks": {"source": SOURCE, "target": TARGET},
        "training": TRAINING,
        "sizes": [40],
        "arms": ["scratch", *ALL],
        "seeds": 1,
    }
    return tiny_table(**{**sound, **changes})


def with_arms(*arms: Table | str) -> Table:
    """Changes that give the study these arms as well as its own."""
    return {"arms": ["scratch", *ALL, *arms]}


def arm(name: str, **more: Any) -> Table:
    """An arm that trains everything from the source's trunk, unless told otherwise."""
    return {"name": name, "start": "source", "strategy": "full", **more}


def tasks(source: Table | None = None, target: Table | None = None) -> Table:
    """Changes of the two tasks."""
    return {"tasks": {"source": SOURCE | (source or {}), "target": TARGET | (target or {})}}


def with_dropout() -> Table:
    """The tiny network with dropout in its trunk."""
    first, second, third = TINY_NETWORK["stages"]
    layers = [*second["layers"], {"kind": "dropout", "rate": 0.3}]
    return {"stages": [first, {**second, "layers": layers}, third]}


HALVES = {
    "source": {"dataset": "mnist-mini", "split": {"take": [0.0, 0.5], "validation": 200}},
    "target": {
        "dataset": "mnist-mini",
        "classes": PARITY,
        "split": {"take": [0.5, 1.0], "validation": 200},
    },
}
STITCHED = arm("transfer", start={"origin": "scratch", "first": "head", "last": "head"})
HEAD_KEPT = arm("transfer", start={"origin": "source", "last": "head"}, strategy="probe")
PIXELS = {"standardise": "pixel"}
BEYOND = (
    "inputs of full at 40, random_trunk at 40, scratch at 40 reach beyond 50 in size: scale them, "
    "or raise the floor of the deviation they are divided by."
)

SLIPS: dict[str, Slip] = {
    "the same task twice": Slip(
        ids=("1.1", "1.2"),
        slipped=tasks(source=TARGET),
        says={
            "CHK-01": "source 'source' and target 'target' are the same task: 4,900 of the "
            "target's 4,900 training images are the source's, with the same classes. This is more "
            "training, not transfer."
        },
        arms=ALL,
    ),
    "relabelling": Slip(
        ids=("0.1", "0.6"),
        slipped={
            "tasks": {
                "source": {"dataset": "mnist-mini", "split": {"validation": 200}},
                "target": {
                    "dataset": "mnist-mini",
                    "classes": PARITY,
                    "split": {"validation": 200},
                },
            }
        },
        says={
            "CHK-02": "'target' only renames the classes of 'source' on the same images (...",
            "CHK-21": "no label-map control, though the target's labels follow from the source's.",
        },
        arms=ALL,
        clean={"tasks": HALVES, **with_arms("label_map")},
    ),
    "a fresh trunk under another model's head": Slip(
        ids=("4.1", "4.2", "4.12"),
        slipped=with_arms(STITCHED),
        says={
            "CHK-03": "the trunk of transfer is fresh: nothing of the source's trunk was "
            "transferred.",
            "CHK-05": "the head of transfer at 40 was not fresh: it had been trained before.",
            "CHK-06": "transfer goes on from scratch, which had been trained on the target "
            "already: what it shows is not the source's doing alone.",
            "CHK-07": "unequal budgets at 40: transfer has 24 updates on 40 images, where 12 "
            "updates on 40 images are the control's.",
        },
        arms=("transfer",),
        clean=with_arms(arm("transfer")),
    ),
    "the head is kept": Slip(
        ids=("1.3", "3.2"),
        slipped=with_arms(HEAD_KEPT),
        says={"CHK-05": "the head of transfer at 40 was not fresh: it had been trained before."},
        arms=("transfer",),
        clean=with_arms(arm("transfer", strategy="probe")),
    ),
    "arms that go on from each other": Slip(
        ids=("4.3",),
        slipped=with_arms(
            arm("first", strategy="probe"),
            arm("second", start="first"),
            arm("third", start="second", strategy={"kind": "freeze", "cut": "dense1"}),
        ),
        says={
            "CHK-06": "second goes on from first, which had been trained on the target already: "
            "what it shows is not the source's doing alone; third goes on from second, which had "
            "been trained on the target already: what it shows is not the source's doing alone.",
            "CHK-07": "unequal budgets at 40: second has 24 updates on 40 images; third has 36 "
            "updates on 40 images, where 12 updates on 40 images are the control's.",
        },
        arms=("second", "third"),
        clean=with_arms(
            arm("first", strategy="probe"),
            arm("second", strategy={"kind": "discriminative"}),
            arm("third", strategy={"kind": "freeze", "cut": "dense1"}),
        ),
    ),
    "more updates": Slip(
        ids=("2.1",),
        slipped=with_arms(
            arm("transfer", strategy="probe_then_full", training={**TRAINING, "updates": 36})
        ),
        says={
            "CHK-07": "unequal budgets at 40: transfer has 36 updates on 40 images, where 12 "
            "updates on 40 images are the control's."
        },
        arms=("transfer",),
        clean=with_arms("probe_then_full"),
    ),
    "less data": Slip(
        ids=("2.2",),
        slipped=with_arms(arm("transfer", strategy="gradual", size=28)),
        says={
            "CHK-07": "unequal budgets at 40: transfer has 12 updates on 28 images, where 12 "
            "updates on 40 images are the control's."
        },
        arms=("transfer",),
        clean=with_arms("gradual"),
    ),
    "not converged": Slip(
        ids=("0.4",),
        slipped={"training": {**TRAINING, "updates": 30, "schedule": "constant"}},
        says={
            "CHK-08": "validation loss still fell over the last 20% of the updates in ...",
            "CHK-09": "not tuned: one fixed learning rate (0.02) for all arms and sizes; an arm "
            "that needs another one is at a disadvantage.",
        },
        clean={"training": {**TRAINING, "updates": 300, "validations": 10}},
    ),
    "an optimiser that hardly moves": Slip(
        ids=("1.6",),
        slipped={
            "training": {
                **TRAINING,
                "updates": 400,
                "validations": 5,
                "optimiser": {"kind": "adadelta", "defaults": "keras"},
                "schedule": "constant",
            }
        },
        says={
            "CHK-08": "validation loss still fell over the last 20% of the updates in ...",
            "CHK-08-learns": "full at 40, random_trunk at 40, scratch at 40 did not learn: ...",
        },
        clean={"training": {**TRAINING, "updates": 300, "validations": 10}},
    ),
    "a poor source": Slip(
        ids=("0.13",),
        slipped={"source_training": {**TRAINING, "updates": 30}},
        says={
            "CHK-08-source": "source not converged: the validation loss of 'source' was still "
            "falling at the end of 1 of 1 source runs. A longer source run may transfer better."
        },
        clean={"source_training": {**LEVEL, "updates": 600}},
    ),
    "test images for validation": Slip(
        ids=("1.7", "3.4"),
        slipped=tasks(source={"split": {"by": "test"}}, target={"split": {"by": "test"}}),
        says={"CHK-10": "validation images of 'target' are its test images."},
        arms=ALL,
    ),
    "statistics of the arm's own images": Slip(
        ids=("2.5",),
        slipped={"preprocessing": {"standardise": "channel", "statistics": "own"}},
        says={
            "CHK-11": "inputs are standardised by each arm's own images, but the trunk of full has "
            "learnt on the source's statistics."
        },
        clean={"preprocessing": {"standardise": "channel"}},
    ),
    "statistics of images withheld": Slip(
        ids=("2.7",),
        slipped={"preprocessing": {"standardise": "channel", "statistics": "task"}},
        says={
            "CHK-11": "inputs are standardised by all images of the task, but the trunk of full "
            "has learnt on the source's statistics."
        },
        clean={"preprocessing": {"standardise": "channel"}},
    ),
    "the last image is dropped": Slip(
        ids=("4.8",),
        slipped={
            **tasks(target={"split": {**NO_VALIDATION, "test": 0.2, "drop_last": 1}}),
            **LAST,
        },
        says={"CHK-12": "the last 1 of the test images of 'target' are dropped."},
        arms=ALL,
        clean={**tasks(target={"split": {**NO_VALIDATION, "test": 0.2}}), **LAST},
    ),
    "dead outputs": Slip(
        ids=("4.10",),
        slipped=tasks(target={"labels": "original"}),
        says={"CHK-13": "the head for 'target' has 10 outputs for 5 classes."},
    ),
    "one seed": Slip(
        ids=("0.9", "1.12", "2.3", "3.10", "4.7", "4.14"),
        slipped={},
        says={
            "CHK-09": "not tuned: one fixed learning rate (0.02) for all arms and sizes; an arm "
            "that needs another one is at a disadvantage.",
            "CHK-17": "1 finished seed where 5 are the least for a verdict to lean on.",
        },
        clean={"seeds": 5},
    ),
    "no random trunk": Slip(
        ids=("0.5", "2.12", "3.8"),
        slipped={"arms": ["scratch", "probe", "full"]},
        says={
            "CHK-21": "no random-trunk control: what the architecture alone would give, with "
            "nothing learnt, is not shown."
        },
    ),
    "no run from scratch": Slip(
        ids=("1.5", "3.1"),
        slipped={"arms": ["random_trunk", "probe", "full"], "control": "full"},
        says={
            "CHK-21": "the control, full, does not start from scratch: nothing shows what the "
            "target reaches without the source."
        },
    ),
    "raw bytes": Slip(
        ids=("3.5",),
        slipped={"preprocessing": {"scale": "none"}},
        says={"CHK-22-range": BEYOND},
    ),
    "division by tiny deviations": Slip(
        ids=("2.6",),
        slipped={"preprocessing": {**PIXELS, "floor": 1e-4}},
        says={"CHK-22-range": BEYOND},
        clean={"preprocessing": {**PIXELS, "floor": 0.05}},
    ),
    "dropout in a frozen trunk": Slip(
        ids=("1.8", "3.7", "4.11"),
        slipped={
            "network": with_dropout(),
            **with_arms(arm("transfer", strategy="probe", frozen="train")),
        },
        says={"CHK-23": "dropout or batch statistics stay live in frozen stages of transfer."},
        clean={"network": with_dropout(), **with_arms(arm("transfer", strategy="probe"))},
    ),
}
