"""Sentences on shared images say what was searched, and no more."""

from dataclasses import replace

from leak_reports import NO_LEAKS

from headstart.report.leaks import leak_line, leak_notes


def test_images_of_both_tasks_are_named_where_both_were_searched() -> None:
    assert leak_line(NO_LEAKS) == (
        "No equal, mirrored, turned, inverted or shifted image was found for any test image of "
        "'digits': compared with all training images of 'letters' and 'digits'. Other crops and "
        "angles are not sought."
    )


def test_images_of_a_checkpoint_that_are_not_known_were_not_searched() -> None:
    own = replace(NO_LEAKS.copies[0], other="target training")
    copies = (own, *(replace(row, num_other=0) for row in NO_LEAKS.copies))
    assert leak_line(replace(NO_LEAKS, copies=copies)) == (
        "No equal, mirrored, turned, inverted or shifted image was found for any test image of "
        "'digits': compared with all training images of 'digits'; what 'letters' was pretrained on "
        "is not known. Other crops and angles are not sought."
    )


def test_nearly_equal_images_are_named_where_they_were_sought() -> None:
    line = leak_line(replace(NO_LEAKS, near=0.99))
    assert line.startswith(
        "No equal, mirrored, turned, inverted, shifted or nearly equal image was"
    )
    (how, *_) = leak_notes(replace(NO_LEAKS, near=0.99))
    assert "turned by quarters, inverted or shifted by up to 2 pixels, or correlate" in how
    assert how.endswith("Other crops and angles are not sought.")
