"""Mistakes on test images, for the tests of the report."""

from collections.abc import Sequence

import numpy as np

from headstart.analyse.analysis import (
    Confusion,
    ConfusionRow,
    ImageMistake,
    Mistakes,
    Picture,
)
from headstart.image_outcomes import Kind

KINDS: tuple[Kind, ...] = ("wrong", "put right", "broken")
CLASSES = ("ant", "bee", "wasp")
COUNTS = {
    "full": ((30, 0, 6), (9, 51, 0), (0, 0, 0)),
    "scratch": ((20, 16, 0), (2, 58, 0), (0, 0, 0)),
}


def confusion(
    arm: str,
    counts: Sequence[Sequence[int]],
    classes: Sequence[str] = CLASSES,
    pair: tuple[str, str] = ("letters", "digits"),
) -> Confusion:
    """A confusion matrix over three seeds at all images; rows are true classes."""
    return Confusion(
        arm=arm,
        size="all",
        num_images=6000,
        source=pair[0],
        target=pair[1],
        seeds=(0, 1, 2),
        confusion_rows=tuple(
            ConfusionRow(
                true_class=name,
                num_tested=sum(row) // 3,
                accuracy=row[at] / sum(row) if any(row) else None,
                answer=tuple(classes[n] for n, count in enumerate(row) if count),
                count=tuple(count for count in row if count),
            )
            for at, (name, row) in enumerate(zip(classes, counts, strict=True))
        ),
    )


def mistakes(
    *,
    most: int = 2,
    side: int = 4,
    names: Sequence[str] = CLASSES,
    stored: bool = True,
    pair: tuple[str, str] = ("letters", "digits"),
) -> Mistakes:
    """Mistakes with so many images of each kind, noise of `side` pixels; none if not `stored`."""
    draw = np.random.default_rng(0)
    listed = [(kind, number) for kind in KINDS for number in range(most if stored else 0)]
    return Mistakes(
        arm="full",
        control="scratch",
        size="all",
        num_images=6000,
        source=pair[0],
        target=pair[1],
        seeds=(0, 1, 2),
        num_tested=32,
        wrong=5,
        both_right=20,
        put_right=7,
        broken=2,
        both_wrong=3,
        undecided=0,
        repeated=False,
        image_mistakes=tuple(
            ImageMistake(
                kind=kind,
                index=number,
                file="" if number else f"photos/{names[0]}/{names[0]}-{kind}.jpg",
                true_class=names[0],
                num_seeds=3,
                num_wrong=0 if kind == "put right" else 2,
                answer=names[0] if kind == "put right" else names[1],
                probability=None if number else 0.876,
                control_num_wrong=3 if kind == "put right" else 0,
                control_answer=names[2] if kind == "put right" else names[0],
                control_probability=0.654,
            )
            for kind, number in listed
        ),
        pictures=tuple(
            Picture(
                height=side,
                width=side,
                channels=3,
                values=draw.integers(0, 256, (side, side, 3), np.uint8).tobytes(),
            )
            for _ in listed
        ),
    )


CONFUSIONS = tuple(confusion(arm, counts) for arm, counts in COUNTS.items())
