"""Gates of results from elsewhere whose images are known: copies among their test images."""

from collections.abc import Iterator

from headstart.analyse.gates.gate import CheckSpec, Finding, check
from headstart.analyse.gates.leaks import MOST_LEAKED
from headstart.analyse.given import GivenEvidence
from headstart.analyse.text import plural


@check("RES-leaks", "invalid", "Most test images are no copies", needs="images")
def _most(evidence: GivenEvidence) -> Iterator[Finding]:
    """At most half of the test images that were found have a copy among the other images."""
    images = evidence.images
    if images is not None and _too_many(evidence):
        yield Finding(
            message=f"{images.sentence}: what is left is no fair sample of them.",
            asserts={"test images with a copy": images.report.num_left_out},
        )


@check(
    "CHK-01-leaks",
    "caveat",
    "No shared images",
    needs="images",
    asserts={"test images with a copy": 0},
)
def _leaks(evidence: GivenEvidence) -> Iterator[Finding]:
    """Every test image was found among the images that were given, and none was found among the
    other ones: none equal, mirrored, turned by quarters, inverted or shifted by a pixel or two at
    32 x 32 pixels, and none nearly equal. Other crops and angles are not sought. Which of the other
    images were trained on is not known."""
    images = evidence.images
    if images is None:
        return
    if images.copies and not _too_many(evidence):
        yield Finding(
            message=f"{images.sentence} and may have been trained on: left out of all scores."
        )
    if images.num_missing:
        are = "is" if images.num_missing == 1 else "are"
        yield Finding(
            message=f"{plural(images.num_missing, 'test image')} {are} not among the images that "
            "were given: of copies of them nothing is known."
        )


@check("CHK-01-alike", "caveat", "Images differ in more than their pose", needs="images",
       could_turn=True)  # fmt: skip
def _alike(evidence: GivenEvidence) -> Iterator[Finding]:
    """No test image is like other images only because all images of its set are alike."""
    images = evidence.images
    if images is not None and images.report.num_alike:
        report = images.report
        yield Finding(
            message=f"{report.num_alike:,} of {plural(report.num_test, 'test image')} look like "
            "other images, but no more than the images of a fixed camera or a long series do: they "
            "count as no copies and are scored. Look at the pairs in the report. If they are "
            "frames of one film or shots of one burst, results on other films would say more."
        )


def _too_many(evidence: GivenEvidence) -> bool:
    images = evidence.images
    assert images is not None  # the checks that ask have looked
    return images.report.num_left_out > MOST_LEAKED * images.report.num_test


IMAGE_GATES: tuple[CheckSpec[[GivenEvidence]], ...] = (_leaks, _alike)
"""Gates that take the place of those of the same names in a study."""
COPIED: CheckSpec[[GivenEvidence]] = _most
