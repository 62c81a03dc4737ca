"""A figure as Python has it: it shows itself in a notebook, and is saved as SVG or PNG."""

from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import OutputError
from headstart.core.files import write_whole
from headstart.report.figures.sheet import alone
from headstart.report.notebook.cell import framed
from headstart.report.notebook.libraries import need

SUFFIXES = (".svg", ".png")
PNG_SCALE = 2.0  # pixels of a PNG to one of the drawing


@dataclass(frozen=True, slots=True, repr=False)
class Image:
    """A drawing; `svg` takes its colours from the page that it is put in, where that has some."""

    name: str
    svg: str

    def __repr__(self) -> str:
        return f"<figure '{self.name}': save it as .svg or .png>"

    def _repr_html_(self) -> str:
        return framed(self.svg)

    def save(self, path: str | Path) -> Path:
        """Write the figure with its colours on white, as its ending says: .svg or .png.

        Raises:
            OutputError: the ending is another, a library is missing, or the file cannot be written.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending not in SUFFIXES:
            raise OutputError(
                f"{path}: a figure is saved as {' or '.join(SUFFIXES)}. For other kinds of files "
                f"draw it with matplotlib: axes('{self.name}').figure.savefig('{path.name}')"
            )
        svg = alone(self.svg)
        content = svg.encode() if ending == ".svg" else _png(svg)
        try:
            write_whole(path, content)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
        return path


def _png(svg: str) -> bytes:
    resvg = need("resvg_py", "to save a PNG")
    fonts = Path(need("matplotlib", "to save a PNG").get_data_path()) / "fonts" / "ttf"
    return bytes(
        resvg.svg_to_bytes(
            svg_string=svg,
            zoom=PNG_SCALE,
            font_dirs=[str(fonts)],
            font_family="DejaVu Sans",
            sans_serif_family="DejaVu Sans",
        )
    )
