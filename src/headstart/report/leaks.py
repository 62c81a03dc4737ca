"""Shared images of two parts as text."""

from headstart.analyse.analysis import LeakReport
from headstart.analyse.text import comma_list, plural

NOT_SOUGHT = "Other crops and angles are not sought."


def kinds_sought(*, near: bool) -> str:
    """What an image may be to another that counts as its copy."""
    last = ", shifted or nearly equal" if near else " or shifted"
    return f"equal, mirrored, turned, inverted{last}"


def leak_line(report: LeakReport) -> str:
    """Number of test images left out, and of those that are only alike."""
    if not report.source:  # results from elsewhere
        others = max((one.num_other for one in report.copies), default=0)
        compared = f"compared with {plural(others, 'other image')} of their data set"
    elif any(one.num_other for one in report.copies if one.other.startswith("source")):
        compared = f"compared with all training images of '{report.source}' and '{report.target}'"
    else:
        compared = (
            f"compared with all training images of '{report.target}'; what '{report.source}' was "
            "pretrained on is not known"
        )
    of = f" of '{report.target}'" if report.source else ""
    if not report.num_left_out:
        kinds = kinds_sought(near=report.near is not None)
        line = f"No {kinds} image was found for any test image{of}: {compared}. {NOT_SOUGHT}"
    else:
        line = (
            f"{report.num_left_out:,} of {plural(report.num_test, 'test image')}{of} left out as "
            f"copies: {compared}."
        )
    if report.num_alike:
        line += (
            f" {report.num_alike:,} are like training images, but only as all images of their set "
            "or of a long series are: no copies."
        )
    return line


def leak_notes(report: LeakReport) -> tuple[str, ...]:
    """Notes on the comparison of images, shared training images and common class names."""
    at = "" if report.source else " at 32 x 32 pixels"
    how = (
        f"Copies are equal byte for byte{at}, as they are or once they are mirrored, turned by "
        "quarters, inverted or shifted by up to 2 pixels"
    )
    if report.near is not None:
        how += (
            f", or correlate in grey by at least {report.near:g} as they are, mirrored, turned or "
            "inverted, and are alike also without what all images of their sets have in common"
        )
    notes = [f"{how}; each image counts once, as the first of these kinds. {NOT_SOUGHT}"]
    if not report.source:
        notes.append("Which of the other images were trained on is not known.")
    if any(one.alike for one in report.copies):
        notes.append(
            "Alike only: they correlate as much, but only as all images of their set or of a long "
            "series do. They count as no copies."
        )
    if report.num_shared_train:
        notes.append(
            f"Of {plural(report.num_shared_train, 'training image')} that both tasks have, "
            f"{report.odd_labels:,} carry another target label than is usual for their "
            "source label."
        )
    if report.num_splits > 1:
        notes.append(f"All numbers are sums over {report.num_splits} splits of the same images.")
    if report.common_classes:
        notes.append(
            f"Classes of the same name in both tasks: {comma_list(report.common_classes)}."
        )
    return tuple(notes)
