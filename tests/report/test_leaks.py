"""Sentences on shared images say what was searched, and no more."""

from dataclasses import replace

from leak_reports import NO_LEAKS

from headstart.report.leaks import leak_line


def test_images_of_both_tasks_are_named_where_both_were_searched() -> None:
    assert leak_line(NO_LEAKS) == (
        "No test image of 'digits' is a copy: compared with all training images of 'letters' and "
        "'digits'."
    )


def test_images_of_a_checkpoint_that_are_not_known_were_not_searched() -> None:
    own = replace(NO_LEAKS.copies[0], other="target training")
    copies = (own, *(replace(row, num_other=0) for row in NO_LEAKS.copies))
    assert leak_line(replace(NO_LEAKS, copies=copies)) == (
        "No test image of 'digits' is a copy: compared with all training images of 'digits'; what "
        "'letters' was pretrained on is not known."
    )
