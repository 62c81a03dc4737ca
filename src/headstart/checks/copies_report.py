"""Report of the copies that were found among the test images of results from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import Leak, LeakExample, LeakReport
from headstart.analyse.analysis.picture import picture_of
from headstart.analyse.given import TARGET
from headstart.checks.image_sets import ImageSet
from headstart.data.leaks.copies import ALIKE, EXACT, KINDS, MIRRORED, Copies, is_changed, is_near
from headstart.data.leaks.examples import MOST_EXAMPLES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """One test part and what it was compared with.

    Attributes:
        at: positions of its images among the test images of the results (images,).
        files: positions of their files among the images of the data set (images,).
        others: positions there of the images that they were compared with.
        found: the copy of each image, by its position in `others`.
        same_class: whether turned, inverted and shifted copies were sought in an image's class.
    """

    at: np.ndarray
    files: np.ndarray
    others: np.ndarray
    found: Copies
    same_class: bool

    @property
    def copied(self) -> np.ndarray:
        """Which test images of the results have a copy."""
        return np.asarray(self.at[self.found.found])


TESTED, OTHER = "test images", "other images"


def report_of(
    images: ImageSet, classes: Sequence[str], compared: Sequence[Compared], near: float | None
) -> LeakReport:
    """What was compared, counted over all test parts, with pictures of some pairs.

    Args:
        images: of the data set.
        classes: of each of them, empty where it is not known.
        compared: the test parts.
        near: correlation from which on images are near copies; None where they were not sought.
    """
    kinds = np.concatenate([one.found.kind for one in compared])
    shown = _shown(compared)
    return LeakReport(
        source="",
        target=TARGET,
        near=near,
        copies=(
            Leak(
                part=TESTED,
                other=OTHER,
                num_part=len(kinds),
                num_other=len(np.unique(np.concatenate([one.others for one in compared]))),
                exact=int((kinds == EXACT).sum()),
                mirrored=int((kinds == MIRRORED).sum()),
                changed=int(is_changed(kinds).sum()),
                near=int(is_near(kinds).sum()),
                alike=int((kinds == ALIKE).sum()),
            ),
        ),
        num_test=len(kinds),
        num_left_out=sum(len(one.copied) for one in compared),
        num_alike=int((kinds == ALIKE).sum()),
        num_shared_train=0,
        odd_labels=0,
        common_classes=(),
        copy_examples=tuple(_example(images, classes, one, at) for one, at in shown),
        ambiguous_images=(),
        num_splits=len(compared),
    )


def _shown(compared: Sequence[Compared]) -> list[tuple[Compared, int]]:
    """Pairs to look at: copies before images that are only alike, the surest first."""
    there = [
        (int(one.found.kind[at]), -float(one.found.similarity[at]), int(one.at[at]), number, at)
        for number, one in enumerate(compared)
        for at in np.flatnonzero(one.found.index >= 0).tolist()
    ]
    pairs: dict[tuple[int, int], tuple[Compared, int]] = {}
    for *_, number, at in sorted(there):
        one = compared[number]
        pairs.setdefault((int(one.files[at]), int(one.others[one.found.index[at]])), (one, at))
    return list(pairs.values())[:MOST_EXAMPLES]


def _example(images: ImageSet, classes: Sequence[str], one: Compared, at: int) -> LeakExample:
    file, other = int(one.files[at]), int(one.others[one.found.index[at]])
    return LeakExample(
        part="test image",
        other="other image",
        index=file,
        other_index=other,
        label=classes[file],
        other_label=classes[other],
        name=images.titles[file],
        other_name=images.titles[other],
        kind=KINDS[one.found.kind[at]],
        similarity=float(one.found.similarity[at]),
        picture=picture_of(images.picture(file)),
        other_picture=picture_of(images.picture(other)),
    )
