"""Crossed analysis where test images come in groups, such as several of one patient.

Images of a group are alike, so that new ones would come by the group: groups take the place of
images in the formulas (docs/judge.md).
"""

from dataclasses import dataclass, fields

import numpy as np

from headstart.analyse.analysis import Basis
from headstart.analyse.paired import Answers, Paired, paired
from headstart.analyse.statistics import Crossed, crossed


@dataclass(frozen=True, slots=True, kw_only=True)
class ByGroup(Crossed):
    """A mean difference of two accuracies over seeds and groups of images."""

    @property
    def images_meant(self) -> str:
        """What further images would be."""
        return "groups of test images"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedByGroup(Paired):
    """Two arms compared seed by seed and image by image, over groups of images."""

    @property
    def basis(self) -> Basis:
        """What the interval is over, and what of it is paired."""
        return "seeds and groups of images, both paired"


def paired_by_group(arm: Answers, other: Answers, groups: np.ndarray) -> Paired | None:
    """Both arms on their common seeds; `groups` is the group of each test image (images,)."""
    pair = paired(arm, other)
    if pair is None:
        return None
    values = {field.name: getattr(pair, field.name) for field in fields(pair)}
    if pair.crossed is not None:
        tables = [np.stack(one.of(pair.seeds).scores) for one in (arm, other)]
        values["crossed"] = _crossed(tables[0].astype(float) - tables[1], groups)
    return PairedByGroup(**values)


def _crossed(differences: np.ndarray, groups: np.ndarray) -> Crossed | None:
    """Analysis of differences (seeds, images) summed by group, whose mean stays the same."""
    sizes = np.bincount(groups)
    sums = np.stack([np.bincount(groups, row) for row in differences])
    weight = len(sizes) / len(groups)
    if len(sizes) < 2 or not sums.any():
        return None
    found = crossed(sums * weight, float(sizes.max()) * weight)
    return ByGroup(**{field.name: getattr(found, field.name) for field in fields(found)})
