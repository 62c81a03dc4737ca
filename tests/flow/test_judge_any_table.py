"""Any table of results gives an analysis that its own audits accept, or a refusal."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.errors import DataError
from headstart.data.results.opening import results_from
from headstart.data.results.tabular import RecordSource
from headstart.flow.judge import JudgeOptions, judged
from headstart.report.csv_tables import tables
from headstart.report.document import document_text
from headstart.report.html.page import page
from headstart.report.run_summary import RunSummary

SUMMARY = RunSummary(steps_run=0, steps_reused=0, seconds=0.0, command="headstart judge r.csv")


@st.composite
def result_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of answers or of scores, with whatever columns, some of them lost."""
    drawn = draw(st.randoms(use_true_random=False))
    arms = draw(st.integers(2, 3))
    seeds, images = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    others, apart = draw(st.booleans()), draw(st.booleans())
    sizes: list[Any] = draw(st.sampled_from([[None], [10, 20], ["small", "large"]]))
    answered = draw(st.booleans())
    columns = draw(st.sets(st.sampled_from(["fold", "group", "val_acc", "updates", "p", "n"])))
    rows = [
        _row(drawn, columns, answered, f"arm{arm}" if arm else "scratch", size,
             seed + seeds * arm * others, image + images * arm * apart)
        for arm in range(arms) for size in sizes for seed in range(seeds)
        for image in range(images if answered else 1)
    ]  # fmt: skip
    lost = draw(st.sets(st.integers(0, len(rows) - 1), max_size=2))
    return [row for at, row in enumerate(rows) if at not in lost]


def _row(
    drawn: random.Random, columns: set[str], answered: bool, arm: str, size: Any, seed: int,
    image: int,
) -> dict[str, Any]:  # fmt: skip
    row: dict[str, Any] = {"arm": arm, "fold" if "fold" in columns else "seed": seed}
    if size is not None:
        row["size"] = size
    if answered:
        row |= {"image": image, "label": "ab"[image % 2], "answer": drawn.choice("abc")}
        row |= {"group": image // 2} if "group" in columns else {}
        row |= {f"p_{c}": 0.5 if c == row["answer"] else 0.25 for c in "abc" if "p" in columns}
    else:
        row["accuracy"] = drawn.choice([0.0, 0.5, 0.75, 1.0])
        row |= {"n": 100} if "n" in columns else {}
    row |= {"val_acc": drawn.random()} if "val_acc" in columns else {}
    return row | ({"updates": 50} if "updates" in columns else {})


@settings(deadline=None, max_examples=25)
@given(result_rows())
def test_any_table_is_judged_soundly_or_refused(rows: list[dict[str, Any]]) -> None:
    try:
        results = results_from([("rows", RecordSource(rows), {})], {})
        done = judged(results, "rows", JudgeOptions(control="scratch"), "", 0.0)
    except DataError:
        return
    analysis = done.analysis
    assert [gate.message for gate in analysis.failed_gates("invalid")] == []
    assert all(c.verdict != "invalid" for c in analysis.comparisons)
    for c in analysis.comparisons:
        assert c.low_pp is None or c.low_pp <= c.gain_pp <= (c.high_pp or 100) + 1e-9
    shown = page(analysis, SUMMARY)
    assert "nan" not in document_text(analysis, SUMMARY)
    assert analysis.headline.split("(")[0].split("'")[0][:20] in shown
    assert tables(analysis)


@pytest.mark.parametrize("rows", [[{"arm": "a"}], [{}]])
def test_rows_without_results_are_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError):
        results_from([("rows", RecordSource(rows), {})], {})
