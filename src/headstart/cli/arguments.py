"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Study = Annotated[
    str, typer.Argument(metavar="STUDY", help="A recipe's name or a study file (TOML).")
]
StoreFolder = Annotated[
    Path, typer.Option("--store", metavar="DIR", help="Folder that keeps all results.")
]


def _seeds(text: str) -> int | str:
    if text == "auto":
        return text
    # The study says how many there may be; Python reads no number of thousands of digits.
    if not text.isdecimal() or len(text) > 100 or not int(text):
        raise typer.BadParameter(f"'{text}' is neither a number from 1 on nor 'auto'.")
    return int(text)


Seeds = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        metavar="N",
        parser=_seeds,
        help="Use the seeds 0 to N-1; auto: 5, then 10, then 20 while evidence is short.",
    ),
]
Sizes = Annotated[
    str | None,
    typer.Option("--sizes", metavar="50,500,all", help="Target sizes instead of the study's."),
]
Arms = Annotated[
    str | None, typer.Option("--arms", metavar="a,b", help="Only these arms, and the control.")
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, max=1000, help="Worker processes. [cores]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Where to write the HTML report.")
]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="DIR", help="Write every table as CSV into this folder."),
]


AsPublished = Annotated[
    bool,
    typer.Option("--as-published", help="Repeat what the published work did, slips and all."),
]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="With every control and the sweep over cuts.")
]
Quick = Annotated[bool, typer.Option("--quick", help="A short form, to see that it works.")]
SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out image files that cannot be decoded.")
]


def variants_of(thorough: bool, as_published: bool, quick: bool) -> tuple[str, ...]:
    """The variants chosen, in the order in which they are laid over the study."""
    chosen = {"thorough": thorough, "as_published": as_published, "quick": quick}
    return tuple(name for name, wanted in chosen.items() if wanted)


def num_micro_batches(text: str | None) -> tuple[str, ...] | None:
    """The parts of a comma-separated list, None where it is absent."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())
