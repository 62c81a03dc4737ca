"""Images behind results from elsewhere: files of the test images, and copies among them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import GivenCopy, LeakReport
from headstart.analyse.text import plural


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenImages:
    """The files of test images of results from elsewhere, and their copies among other images.

    Attributes:
        files: file of each test image that was found, by its name in the results.
        picture: a small picture of each of them, uint8 (height, width, 1 or 3).
        num_missing: test images that were not found.
        among: what they were compared with, in words.
        copies: test images with a copy, which are left out of all scores.
        report: what was compared, counted, with pictures.
        notes: what was understood, for the user to check.
    """

    files: Mapping[str, str]
    picture: Callable[[str], np.ndarray]
    num_missing: int
    among: str
    copies: tuple[GivenCopy, ...]
    report: LeakReport
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """How many test images have a copy, and of which kinds."""
        report = self.report
        if not self.copies:
            return f"None of {plural(report.num_test, 'test image')} has a copy among {self.among}"
        kinds = Counter[str]()
        for copy in self.copies:
            kinds[copy.kind] += copy.num_parts
        of_kinds = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
        return (
            f"{report.num_left_out:,} of {plural(report.num_test, 'test image')} "
            f"{'has a copy' if report.num_left_out == 1 else 'have a copy'} among {self.among} "
            f"({of_kinds})"
        )
