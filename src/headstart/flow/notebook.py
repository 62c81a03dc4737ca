"""The output of a notebook's cell: Jupyter, VS Code, Colab and marimo."""

import sys
from importlib import import_module
from typing import Any, Protocol

from headstart.report.notebook.progress import progress_html


class Stopped(KeyboardInterrupt):
    """A run in a cell was interrupted. A notebook shows this line without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Cell(Protocol):
    """A place in the output of a cell that is written over and over."""

    def show(self, text: str, share: float | None) -> None:
        """Show a line, and a bar of a share from 0 to 1 unless it is None."""


def notebook_cell() -> Cell | None:
    """The output of the cell that is being run; None outside of a notebook."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython

        # A terminal's IPython has no kernel.
        if getattr(get_ipython(), "kernel", None) is not None:
            return _JupyterCell()
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        return _MarimoCell(marimo)
    return None


class _JupyterCell:
    """An output of a kernel, updated in place by its id."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, share: float | None) -> None:
        display: Any = import_module("IPython.display").display  # which has no types
        data = {"text/html": progress_html(text, share), "text/plain": text}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


class _MarimoCell:
    """The output of a cell of marimo, which the value of the cell follows in the end."""

    def __init__(self, marimo: Any) -> None:
        self._marimo = marimo

    def show(self, text: str, share: float | None) -> None:
        self._marimo.output.replace(self._marimo.Html(progress_html(text, share)))
