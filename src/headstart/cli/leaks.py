"""`headstart leaks`: copies of training images among test images, for any two sets of images."""

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli import arguments
from headstart.cli.threads import compute_on_one_thread

if TYPE_CHECKING:
    from headstart.checks.overlap import Search

SHOWN = 10  # copies named on the terminal
COPIES_FOUND, NOT_ALL_READ = 1, 3

Train = Annotated[
    str,
    typer.Argument(
        metavar="TRAIN",
        help="A folder or archive of images, a table that names them, an .npz, or a data set's "
        "name. All images in it are compared, whatever folders they lie in.",
    ),
]
Test = Annotated[str, typer.Argument(metavar="TEST", help="The same, of the images to test with.")]
Near = Annotated[
    str,
    typer.Option(
        "--near",
        metavar="R|off",
        help="Correlation of grey values from which on images are near copies, 0.9 to 1; off: "
        "equal ones only, as they are, mirrored, turned, inverted or shifted.",
    ),
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Where to write the page with pictures; by default TEST-copies.html, if there are "
        "any copies.",
    ),
]


def leaks(
    train: Train,
    test: Test,
    *,
    near: Near = "0.99",
    html: Page = None,
    json: arguments.AsJson = False,
) -> None:
    """Look for copies of training images among test images, equal or changed or nearly so.

    Exit status: 0 none, 1 copies found, 2 wrong input, 3 none, but some files cannot be read.
    """
    compute_on_one_thread()
    from headstart.checks.overlap import check_writable, search
    from headstart.study.photo_study import study_name

    page = html or Path(f"{study_name(test)}-copies.html")
    check_writable(page)
    found = search(train, test, _correlation(near))
    written = html is not None or (not found.result.ok and not json)
    if written:
        found.write_page(page)
    _print(found, page if written else None, as_json=json)
    if not found.result.ok:
        sys.exit(COPIES_FOUND)
    if found.result.unreadable:
        sys.exit(NOT_ALL_READ)


def _correlation(text: str) -> float | None:
    if text == "off":
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is neither a correlation nor 'off'.") from None


def _print(found: "Search", page: Path | None, *, as_json: bool) -> None:
    from headstart.analyse.text import printable
    from headstart.cli.streams import print_json

    result = found.result
    if as_json:
        print_json(json_text.dumps(result.document(), indent=2) + "\n")
        return
    for sentence in result.sentences:
        typer.echo(printable(sentence))
    for copy in result.copies[:SHOWN]:
        typer.echo(printable(f"  {copy}"))
    if len(result.copies) > SHOWN:
        typer.echo(f"  and {len(result.copies) - SHOWN:,} more")
    typer.echo(result.how_compared)
    if page is not None:
        typer.echo(f"Page: {page.absolute()}")
