"""Shared images of two parts as text."""

from headstart.analyse.analysis import LeakReport
from headstart.analyse.text import comma_list, plural


def leak_line(report: LeakReport) -> str:
    """Number of test images left out, in a sentence."""
    if any(one.num_other for one in report.copies if one.other.startswith("source")):
        compared = f"compared with all training images of '{report.source}' and '{report.target}'"
    else:
        compared = (
            f"compared with all training images of '{report.target}'; what '{report.source}' was "
            "pretrained on is not known"
        )
    if not report.num_left_out:
        return f"No test image of '{report.target}' is a copy: {compared}."
    return (
        f"{report.num_left_out:,} of {plural(report.num_test, 'test image')} of "
        f"'{report.target}' left out as copies: {compared}."
    )


def leak_notes(report: LeakReport) -> tuple[str, ...]:
    """Notes on the comparison of images, shared training images and common class names."""
    how = "Copies are equal byte for byte, or to the mirror image"
    if report.near is not None:
        how += f", or correlate in grey by at least {report.near:g}"
    notes = [f"{how}; each image counts once, as the first of these kinds."]
    if report.num_shared_train:
        notes.append(
            f"Of {plural(report.num_shared_train, 'training image')} that both tasks have, "
            f"{report.odd_labels:,} carry another target label than is usual for their "
            "source label."
        )
    if report.common_classes:
        notes.append(
            f"Classes of the same name in both tasks: {comma_list(report.common_classes)}."
        )
    return tuple(notes)
