"""`headstart judge`: a verdict on results of any other program."""

from typing import Annotated, Literal

import typer

from headstart.cli import arguments
from headstart.cli.threads import compute_on_one_thread

Results = Annotated[
    str | None,
    typer.Argument(
        metavar="RESULTS",
        help="A file (.csv, .jsonl, .npz, .parquet) with arm, seed, image, label and answer in "
        "each row, or arm, seed and accuracy; or a pattern of paths in quotes: "
        "'runs/{arm}_seed{seed}/predictions.csv'.",
    ),
]
Control = Annotated[
    str | None,
    typer.Option("--control", metavar="NAME", help="The arm that all others are compared with."),
]
Margin = Annotated[
    float,
    typer.Option(
        "--margin",
        metavar="POINTS",
        min=0.001,
        max=99,
        help="Smallest difference that matters to you, in percentage points; choose it before you "
        "look.",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="ROLE=NAME",
        help="What a column is, where its name does not say it: --column label=gold.",
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--images",
        metavar="DIR",
        help="Folder or archive of the data set's images, training and test together: test images "
        "that have a copy among the others are left out. Once for each folder.",
    ),
]
Template = Annotated[
    Literal["keras", "lightning", "hf", "sklearn", "fastai", "timm"] | None,
    typer.Option(
        "--template", help="Print the lines that save the answers of a training loop, and stop."
    ),
]


@arguments.with_groups
def judge(
    results: Results = None,
    *,
    control: Control = None,
    metric: Annotated[
        Literal["accuracy", "balanced_accuracy"], typer.Option(help="What verdicts are about.")
    ] = "accuracy",
    margin: Margin = 1.0,
    column: Columns = None,
    images: Images = None,
    template: Template = None,
    files: arguments.Files,
    json: arguments.AsJson = False,
) -> None:
    """Give a verdict on results of any other program: Keras, Lightning, HF, a table."""
    if images:
        compute_on_one_thread()
    from headstart import flow
    from headstart.cli.output import command_line, require_writable, show
    from headstart.report.terminal.messages import say

    if template is not None:
        print(flow.template(template), end="")
        return
    if results is None:
        raise typer.BadParameter("Give a file of results, or --template TOOL.")
    require_writable(files)
    options = flow.JudgeOptions(
        control=control,
        metric=metric,
        margin_pp=margin,
        columns=flow.columns_from(column or []),
        images=tuple(images or []),
    )
    done = flow.judge(results, options, command_line())
    say(done.notes)
    show(done.analysis, done.summary, None, files, as_json=json)
