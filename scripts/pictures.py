"""Pictures of a finished study for the documentation: its terminal, its page, its figure of gains.

    python scripts/pictures.py signs --folder .

writes docs/pictures/STUDY-terminal.svg (the first lines that `headstart report` prints), and with
Chromium STUDY-page.png (the first screen of its page) and STUDY-gains.png (the figure, its legend).
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
COLUMNS = 110
LARGEST = 200_000  # bytes of a picture that is committed


def main() -> None:
    """Draw all pictures of the study that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--folder", type=Path, default=Path(), help="where headstart-store lies")
    parser.add_argument("--lines", type=int, default=26, help="lines of the terminal")
    parser.add_argument("--out", type=Path, default=PICTURES)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        printed = report(given.study, given.folder, page)
        drawn = [terminal(printed, given.lines, given.study, given.out)]
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            print("No Chromium here: the page and the gains are not drawn.", file=sys.stderr)
        else:
            figure = Path(folder) / "figure.html"
            height = write_figure(page.read_text(encoding="utf-8"), figure)
            drawn += [
                screenshot(browser, page, given.out / f"{given.study}-page.png", (1100, 940)),
                screenshot(browser, figure, given.out / f"{given.study}-gains.png", (660, height)),
            ]
    for picture in drawn:
        size = picture.stat().st_size
        print(f"{picture}: {size:,} bytes")
        if size > LARGEST:
            sys.exit(f"{picture} is larger than {LARGEST:,} bytes")


def report(study: str, folder: Path, page: Path) -> str:
    """Write the page of a study and give what the command prints, colours included."""
    ended = subprocess.run(
        [sys.executable, "-m", "headstart", "report", study, "--html", str(page)],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return ended.stdout.replace(str(page), f"headstart-store/reports/{study}.html")


def terminal(printed: str, lines: int, study: str, out: Path) -> Path:
    """Draw the first lines of a terminal as SVG that asks for no font from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: SIM115
    shown = "\n".join(printed.splitlines()[:lines])
    console.print(Text.from_ansi(f"$ headstart report {study}\n{shown}"))
    path = out / f"{study}-terminal.svg"
    svg = console.export_svg(title="headstart")
    path.write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL), encoding="utf-8")
    return path


def write_figure(page: str, path: Path) -> int:
    """Write a page that holds the figure of gains alone, and give its height in pixels."""
    style = re.search(r"<style>.*?</style>", page, re.DOTALL)
    figure = re.search(r'<figure class="card medium">.*?</figure>', page, re.DOTALL)
    assert style is not None
    assert figure is not None
    alone = re.sub(r"<figcaption.*?</figcaption>", "", figure[0], flags=re.DOTALL)
    height = int(
        re.findall(r'<svg xmlns[^>]* height="(\d+)"', figure[0])[0]
    )  # the wide one is first
    wide = "<style>.only-wide{display:block!important}.only-narrow{display:none!important}</style>"
    body = f'<body style="margin:0;padding:8px;max-width:none">{alone}</body>'
    path.write_text(f"<!doctype html><meta charset=utf-8>{style[0]}{wide}{body}", encoding="utf-8")
    return height + 80


def screenshot(browser: str, page: Path, picture: Path, size: tuple[int, int]) -> Path:
    """Photograph the top of a page, in the light colours, without a network."""
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--window-size={size[0]},{size[1]}",
            f"--screenshot={picture}",
            page.absolute().as_uri(),
        ],
        capture_output=True,
        check=True,
    )
    return picture


if __name__ == "__main__":
    main()
