"""The analysis as Python has it: it shows itself, and gives tables, figures and models."""

from dataclasses import dataclass, field, fields
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.analyse.analysis import Analysis
from headstart.analyse.text import plural
from headstart.core.errors import OutputError, StoreError
from headstart.flow.models import BEST, Wanted, open_model
from headstart.report.run_summary import RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from headstart.model.predictor import Predictor
    from headstart.report.notebook.image import Image

COLUMNS = 100  # of printed tables


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShownAnalysis(Analysis):
    """Results, comparisons, benefit and gates of a study, which show themselves.

    Its value in a notebook's cell is the first screen of the report; `print` gives the headline and
    the table of verdicts.

    Attributes:
        summary: of the run that it is from.
        store: folder of the store with the trained models; None of results from elsewhere.
        number: of the study in that store.
    """

    summary: RunSummary = field(compare=False)
    store: Path | None = field(default=None, compare=False)
    number: int | None = field(default=None, compare=False)

    def to_frame(self, table: str = "trials") -> Any:
        """A table as a data frame of pandas.

        Args:
            table: `trials`, a row for each arm, size and seed; `comparisons`, a row for each
                comparison, with interval and verdict; `curves`, a row for each measurement.

        Raises:
            SpecError: there is no such table. OutputError: pandas is not installed.
        """
        from headstart.report.notebook.tables import frame

        return frame(self, table)

    def figure(self, name: str = "gains") -> "Image":
        """A figure of the report, which shows itself in a cell and has `save(path)`.

        Args:
            name: `gains`, `seeds`, `curves`, `labels`, `cost`, `classes` or `cuts`.

        Raises:
            SpecError: there is no such figure, or this study has nothing to draw in it.
        """
        from headstart.report.figures.catalogue import drawn
        from headstart.report.notebook.image import Image

        return Image(name, drawn(self, name))

    def axes(
        self,
        name: str = "gains",
        ax: "Axes | None" = None,
        *,
        size: str = "",
        source: str | None = None,
        target: str | None = None,
    ) -> "Axes":
        """A figure of the report as Axes of matplotlib, in the units of the data.

        Args:
            name: as that of `figure`.
            ax: Axes to draw on; new ones by default.
            size: label of a size, where the figure has a drawing for each; the last by default.
            source: of several; the first by default.
            target: of several; the first by default.

        Raises:
            SpecError: names are not the study's, or there is nothing to draw.
            OutputError: matplotlib is not installed.
        """
        from headstart.report.notebook.axes import axes_of, pair_of

        drawn: Axes = axes_of(self, name, pair_of(self, source, target), size, ax)
        return drawn

    def model(
        self,
        arm: str = BEST,
        *,
        size: str | None = None,
        seed: int | None = None,
        source: str | None = None,
        target: str | None = None,
    ) -> "Predictor":
        """A trained model of the study, ready to predict.

        Args:
            arm: name of an arm; `best` is the one that validation prefers at the largest size.
            size: label of a size of the study; left out, the largest.
            seed: of the trial; left out, the one with the best validation accuracy.
            source: of several; left out, the one that validation prefers.
            target: task of several; must be named then.

        Raises:
            StoreError: there is no such trained model. SpecError: names are not the study's.
        """
        from headstart.model.predictor import Predictor

        if self.store is None or self.number is None:
            raise StoreError(
                "headstart has not trained these models: they are where their program left them."
            )
        wanted = Wanted(arm=arm, size=size, seed=seed, source=source, target=target)
        return Predictor(open_model(self.store, self.number, wanted).model)

    def to_html(self) -> str:
        """The page of the report: one HTML file that needs no network."""
        from headstart.report.html.page import page

        return page(self._record(), self.summary)

    def save_html(self, path: str | Path) -> Path:
        """Write the page of the report.

        Args:
            path: of the HTML file; one that is there is replaced.

        Raises:
            OutputError: the file cannot be written.
        """
        from headstart.report.html.page import write_html

        try:
            write_html(self._record(), self.summary, Path(path))
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
        return Path(path)

    def _record(self) -> Analysis:
        """The bare record, whose text does not depend on who asks for it."""
        return Analysis(**{one.name: getattr(self, one.name) for one in fields(Analysis)})

    def __repr__(self) -> str:
        done = f"{self.num_done} of {plural(self.num_trials, 'trial')}"
        return f"<Analysis of '{self.study}', {done}: {self.headline}>"

    def __str__(self) -> str:
        from rich.console import Console

        from headstart.report.terminal.study import print_verdicts

        text = StringIO()
        # In a notebook rich would write to the cell, and nothing to the file.
        console = Console(file=text, width=COLUMNS, color_system=None, force_jupyter=False)
        print_verdicts(self, console)
        return text.getvalue().rstrip()

    def _repr_html_(self) -> str:
        from headstart.report.notebook.cell import analysis_cell

        return analysis_cell(self)


def shown(
    analysis: Analysis, summary: RunSummary, store: Path | None = None, number: int | None = None
) -> ShownAnalysis:
    """An analysis that shows itself."""
    values = {one.name: getattr(analysis, one.name) for one in fields(Analysis)}
    return ShownAnalysis(**values, summary=summary, store=store, number=number)
