"""An analysis in a notebook: its cell, text, tables, figures and Axes."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analyses import FAMILIES, SUMMARY, analysis
from benefits import with_benefits

import headstart as hs
from headstart.analyse.analysis import Analysis
from headstart.flow.shown import ShownAnalysis, shown
from headstart.report.figures.catalogue import FIGURES
from headstart.report.figures.labels_saved import labels_figure
from headstart.report.figures.sheet import alone
from headstart.report.html.page import page
from headstart.report.notebook.axes import DRAWN
from headstart.report.notebook.cell import MOST_BYTES
from headstart.report.notebook.tables import TABLES
from headstart.report.rows import pairs_of


@pytest.fixture(scope="module")
def full() -> ShownAnalysis:
    """An analysis that has something to draw in every figure."""
    return shown(with_benefits(analysis(swept=FAMILIES)), SUMMARY)


def test_the_cell_has_answer_table_and_figure_and_no_script(full: ShownAnalysis) -> None:
    cell = full._repr_html_()
    assert full.headline in cell
    assert cell.count("<table") == 1
    assert "<svg" in cell
    assert "<script" not in cell
    assert re.findall(r"https?://[^\"]+", cell.replace("http://www.w3.org/2000/svg", "")) == []
    assert len(cell.encode()) <= MOST_BYTES


def test_the_style_of_a_cell_touches_nothing_else(full: ShownAnalysis) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", full._repr_html_(), re.DOTALL)
    selectors = re.findall(r"([^{}]+)\{", style)
    assert len(selectors) > 20
    assert [one for one in selectors if ".headstart" not in one] == []


def test_a_cell_of_many_arms_leaves_the_figure_out_and_says_so() -> None:
    large = analysis(sizes=[(str(n), n) for n in range(50, 1500, 50)])
    cell = shown(large, SUMMARY)._repr_html_()
    assert len(cell.encode()) <= MOST_BYTES
    assert "The figure is large" in cell


def test_a_name_that_is_like_a_place_in_the_template_stays_a_name() -> None:
    cell = shown(replace(analysis(), headline="{figure}"), SUMMARY)._repr_html_()
    assert '<p class="said">{figure}</p>' in cell


def test_names_are_escaped() -> None:
    cell = shown(analysis(study="<b>bold</b>"), SUMMARY).figure("gains").svg
    assert "<b>" not in cell


def test_print_gives_headline_and_table_and_repr_one_line(full: ShownAnalysis) -> None:
    printed = str(full)
    assert " ".join(printed.split()).startswith(full.headline)
    assert "probe_then_full" in printed
    assert "\x1b" not in printed
    assert "\n" not in repr(full)
    assert len(repr(full)) < 500


def test_it_is_the_analysis_and_equal_to_another_of_the_same(full: ShownAnalysis) -> None:
    assert isinstance(full, Analysis)
    assert full == shown(full, SUMMARY)


def test_its_page_is_that_of_the_command(full: ShownAnalysis, tmp_path: Path) -> None:
    bare = with_benefits(analysis(swept=FAMILIES))
    assert full.to_html() == page(bare, SUMMARY)
    assert full.save_html(tmp_path / "a" / "b.html").read_text("utf-8") == full.to_html()


def test_a_page_that_cannot_be_written_says_why(full: ShownAnalysis, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(hs.HeadstartError, match="cannot be written"):
        full.save_html(tmp_path / "file" / "page.html")


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_a_row_for_each_record(table: str, full: ShownAnalysis) -> None:
    expected = {
        "trials": sum(len(result.seeds) for result in full.arms),
        "comparisons": len(full.comparisons),
        "curves": sum(len(c.updates) for result in full.arms for c in result.curves),
    }
    frame = full.to_frame(table)
    assert len(frame) == expected[table]
    assert {"arm", "size", "source", "target"} <= set(frame.columns)


def test_the_trials_table_gives_the_means_of_the_report(full: ShownAnalysis) -> None:
    trials = full.to_frame()
    means = trials.groupby(["arm", "size"])["test_accuracy"].mean()
    for result in full.arms:
        if result.mean is not None:
            assert means[result.arm, result.size] == pytest.approx(result.mean)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_and_is_axes(name: str, full: ShownAnalysis, tmp_path: Path) -> None:
    figure = full.figure(name)
    assert figure.svg.startswith("<svg")
    assert figure._repr_html_().count("<style>") == 1
    svg = figure.save(tmp_path / f"{name}.svg").read_text("utf-8")
    assert "var(" not in svg  # other programs know no variables
    assert figure.save(tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    axes = full.axes(name)
    assert axes.has_data()
    assert axes.get_xlabel() or axes.get_ylabel()


def test_axes_are_drawn_on_those_that_are_given(full: ShownAnalysis) -> None:
    from matplotlib.figure import Figure

    given: Any = Figure().subplots()
    assert full.axes("curves", given, size="100") is given
    assert given.get_title() == "100 images"


def test_gains_as_axes_have_the_numbers_of_the_analysis(full: ShownAnalysis) -> None:
    axes = full.axes("gains")
    drawn = sorted(y for line in axes.containers for y in line[0].get_ydata())
    swept = {result.arm for result in full.arms if result.family}
    gains = sorted(c.gain_pp for c in full.comparisons if c.arm not in swept)
    assert drawn == pytest.approx(gains)


def test_labels_as_axes_are_in_order_whatever_the_order_of_sizes() -> None:
    given = with_benefits(analysis(sizes=[("100", 100), ("50", 50), ("500", 500)]))
    axes = shown(given, SUMMARY).axes("labels")
    (control,) = [line for line in axes.lines if line.get_label() == given.control]
    assert np.asarray(control.get_xdata()).tolist() == [50, 100, 500]
    saved = labels_figure(given, pairs_of(given)[0])
    assert len(axes.lines) == 1 + len(saved)  # the arms of the figure, and no others


@pytest.mark.parametrize("ask", ["figure", "axes"])
def test_seeds_without_test_images_are_drawn_nowhere(ask: str) -> None:
    some = analysis(compared=False)
    untested = tuple(replace(result, test_accuracy=()) for result in some.arms)
    with pytest.raises(hs.SpecError, match="no trial has a result on test images"):
        getattr(shown(replace(some, arms=untested), SUMMARY), ask)("seeds")


def test_axes_and_figures_have_the_same_names() -> None:
    assert list(DRAWN) == list(FIGURES)


@pytest.mark.parametrize("ask", ["figure", "axes"])
def test_an_unknown_figure_has_the_nearest_name(ask: str, full: ShownAnalysis) -> None:
    with pytest.raises(hs.SpecError, match="Did you mean 'gains'"):
        getattr(full, ask)("gain")


@pytest.mark.parametrize("ask", ["figure", "axes"])
def test_a_figure_without_content_says_why_and_what_there_is(ask: str) -> None:
    with pytest.raises(hs.SpecError, match="no cut sweep") as refused:
        getattr(shown(analysis(), SUMMARY), ask)("cuts")
    assert "Figures with content: gains, seeds, curves" in str(refused.value)


def test_unknown_tables_sizes_and_pairs_are_named(full: ShownAnalysis) -> None:
    with pytest.raises(hs.SpecError, match="Did you mean 'trials'"):
        full.to_frame("trial")
    for name in ("curves", "classes"):
        with pytest.raises(hs.SpecError, match="size '101' is not known"):
            full.axes(name, size="101")
    with pytest.raises(hs.SpecError, match="Known: letters"):
        full.axes("curves", source="words")


def test_a_figure_is_saved_as_svg_or_png_alone(full: ShownAnalysis, tmp_path: Path) -> None:
    with pytest.raises(hs.HeadstartError, match=r"\.svg or \.png.*savefig"):
        full.figure("gains").save(tmp_path / "gains.pdf")


def test_a_missing_library_is_named_with_the_line_that_installs_it(
    full: ShownAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(hs.HeadstartError, match=r"pandas.*pip install 'headstart\[notebook\]'"):
        full.to_frame()


def test_models_of_results_from_elsewhere_are_not_here(full: ShownAnalysis) -> None:
    with pytest.raises(hs.StoreError, match="has not trained these models"):
        full.model()


def test_a_drawing_alone_has_a_ground_and_its_colours() -> None:
    svg = alone('<svg a="b"><path fill="var(--ink, #123456)"/></svg>')
    assert svg.startswith('<svg a="b"><rect width="100%" height="100%" fill="#ffffff"/>')
    assert 'fill="#123456"' in svg
