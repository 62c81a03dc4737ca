"""An arm that was trained with other settings than the control is marked in every table."""

from dataclasses import replace
from io import StringIO

from analyses import SUMMARY, analysis
from pages import page_of
from rich.console import Console

from headstart.analyse.analysis import Analysis
from headstart.report.html.page import page
from headstart.report.notes import arm_notes, has_other_settings
from headstart.report.terminal.study import print_report

SETTINGS = "batch size 64 (scratch: 16)"


def with_settings() -> Analysis:
    given = analysis()
    notes = tuple(
        replace(note, other_settings=SETTINGS) if note.arm == "full" else note
        for note in given.arm_notes
    )
    return replace(given, arm_notes=notes)


def test_its_row_is_marked_and_its_note_says_which() -> None:
    given, text = with_settings(), StringIO()
    print_report(given, SUMMARY, Console(file=text, width=140), None)
    sizes = len(given.sizes)
    assert text.getvalue().count("other settings") == sizes
    html = page(given, SUMMARY)
    assert html.count("<small>other settings</small>") == sizes
    assert f"from the pretrained weights (with {SETTINGS})" in html
    assert dict(arm_notes(given))["full"].endswith(f"(with {SETTINGS})")


def test_arms_that_were_trained_alike_are_not_marked() -> None:
    given = analysis()
    assert not any(has_other_settings(given, arm) for arm in given.arm_names)
    assert "other settings" not in page_of(given)
