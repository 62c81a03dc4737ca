"""Sphinx builds these pages into a static site: `make docs`.

The pages are plain Markdown that reads on a code host as well. Navigation is not written twice: it
is the lists on the landing page, and every other page of a folder below the folder's README.
"""

import re
from inspect import getdoc
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.inspect import signature, stringify_signature

import headstart
from headstart.flow.study import study

project = "headstart"
copyright = "the headstart authors, Apache License 2.0"
version = release = headstart.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

root_doc = "index"
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
default_role = "code"  # docstrings put names into single backticks
pygments_style, pygments_dark_style = "friendly", "native"

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_display_short_literal_types = True
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = "headstart"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False

# Functions that are called by another name than that of their definition.
_CALLED = {"headstart.study": study}
# Classes that nobody calls with all that their signature would list.
_SIGNED = {"headstart.Study": "(**keys)", "headstart.Analysis": ""}
_SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^- \[(.+?)\]\(([\w/-]+)\.md\)", re.MULTILINE)


def add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Append the tables of contents that the lists of a page stand for."""
    if page == root_doc:
        for title, body in _SECTION.findall(source[0]):
            entries = [f"{text} <{name}>" for text, name in _ENTRY.findall(body)]
            if entries:
                source[0] += _toctree(f":caption: {title}", *entries)
    elif page.endswith("/README"):
        source[0] += _toctree(":glob:", "*")


def _toctree(*lines: str) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", *lines, "```", ""])


def document_called(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: Any
) -> None:
    """Give a name the docstring of the function that a call of it reaches."""
    if name in _CALLED:
        lines[:] = (getdoc(_CALLED[name]) or "").splitlines()


def sign_called(app: Sphinx, what: str, name: str, *_: Any) -> tuple[str, str] | None:
    """Give a name the signature of the function that a call of it reaches, or a short one."""
    if name in _SIGNED:
        return _SIGNED[name], ""
    if name not in _CALLED:
        return None
    return stringify_signature(signature(_CALLED[name]), unqualified_typehints=True), ""


def setup(app: Sphinx) -> None:
    """Connect the functions above to Sphinx."""
    app.connect("source-read", add_navigation)
    app.connect("autodoc-process-docstring", document_called, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", sign_called)
