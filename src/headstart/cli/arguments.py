"""Arguments and options of the commands, each stated once, and groups of them.

A command takes a group as one parameter; `with_groups` gives it an option for every field.
"""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from headstart.cli import completion
from headstart.cli.completion import DEFAULT_STORE as DEFAULT_STORE

if TYPE_CHECKING:
    from headstart.flow import Changes, PhotoOptions, Wanted


def _seeds(text: str) -> int | str:
    if text == "auto":
        return text
    # The study says how many there may be; Python reads no number of thousands of digits.
    if not text.isdecimal() or len(text) > 100 or not int(text):
        raise typer.BadParameter(f"'{text}' is neither a number from 1 on nor 'auto'.")
    return int(text)


Study = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        autocompletion=completion.studies,
        help="A recipe's name, a study file (TOML), a folder or archive of photos, or the table of "
        "their labels.",
    ),
]
StoredStudy = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", autocompletion=completion.stored_studies, help="A study in the store."
    ),
]
StoreFolder = Annotated[
    Path, typer.Option("--store", metavar="DIR", help="Folder that keeps all results.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        max=1000,
        help="Worker processes; by default one for each core, and none for little work.",
    ),
]
Executor = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Where steps run: on this machine, or on the nodes of a Ray cluster."),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="auto|HOST:PORT",
        help="The Ray cluster; without one Ray is started on this machine.",
    ),
]
AnyVersion = Annotated[
    bool,
    typer.Option("--any-version", help="Let nodes with other versions compute; rows name theirs."),
]
Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")]
SameDevice = Annotated[
    bool,
    typer.Option(
        "--same-device", help="Refuse to go on with a study on another kind of device than before."
    ),
]
SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out image files that cannot be decoded.")
]
FollowLinks = Annotated[
    bool, typer.Option("--follow-links", help="Follow links that lead out of a folder of images.")
]
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        metavar="TRACKER[=WHERE]",
        help="Write trials and report to mlflow, tensorboard or wandb too; may be repeated.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Seeds, sizes and arms in place of the study's own."""

    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds",
            metavar="N",
            parser=_seeds,
            help="Use the seeds 0 to N-1; auto: 5, then 8, 12 and 20 where evidence is short.",
        ),
    ] = None
    sizes: Annotated[
        str | None,
        typer.Option("--sizes", metavar="50,500,all", help="Target sizes instead of the study's."),
    ] = None
    arms: Annotated[
        str | None,
        typer.Option(
            "--arms",
            metavar="a,b",
            autocompletion=completion.arms,
            help="Only these arms, and the control.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos:
    """What is said of a study of photos."""

    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="timm:NAME",
            help="Pretrained network for a folder of photos; several compare several. "
            "Without one: the best at hand.",
        ),
    ] = None
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            metavar="N",
            min=0.1,
            help="Time that a study of photos (10 by default) or one with --seeds auto may take, "
            "about.",
        ),
    ] = None
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="TABLE",
            help="Table (.csv, .tsv) with a label for each photo; a file, or one inside PHOTOS.",
        ),
    ] = None

    @property
    def options(self) -> "PhotoOptions":
        """The same as the engine has it."""
        from headstart.flow import PhotoOptions

        return PhotoOptions(
            sources=tuple(self.source or ()), minutes=self.minutes, labels=self.labels
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Variants:
    """Variants of a study to apply."""

    as_published: Annotated[
        bool,
        typer.Option("--as-published", help="Repeat what the published work did, slips and all."),
    ] = False
    thorough: Annotated[
        bool, typer.Option("--thorough", help="With every control and the sweep over cuts.")
    ] = False
    quick: Annotated[bool, typer.Option("--quick", help="A short form, to see that it works.")] = (
        False
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the chosen variants, in the order in which they are applied."""
        return tuple(name for name in ("thorough", "as_published", "quick") if getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Files to write beside the printed report."""

    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Where to write the HTML report.")
    ] = None
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="DIR", help="Write every table as CSV into this folder."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which trained model of a study."""

    arm: Annotated[
        str,
        typer.Option("--arm", metavar="NAME", help="An arm; best: the one validation prefers."),
    ] = "best"
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="SIZE", help="A size of the study; by default the largest."),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", min=0, help="A seed; by default the best on validation."
        ),
    ] = None
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="A source, of several.")
    ] = None
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="A target task, of several.")
    ] = None

    @property
    def wanted(self) -> "Wanted":
        """The same for the flow."""
        from headstart.flow import Wanted

        return Wanted(**asdict(self))


def changes_of(grid: Grid, variants: Variants, skip_broken: bool, follow_links: bool) -> "Changes":
    """Changes to a study that the options ask for."""
    from headstart.flow import Changes

    return Changes(
        seeds=grid.seeds,
        sizes=_split(grid.sizes),
        arms=_split(grid.arms),
        variants=variants.names,
        skip_broken=skip_broken,
        follow_links=follow_links,
    )


def _split(text: str | None) -> tuple[str, ...] | None:
    """Names in a comma-separated list; None without one."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Command whose parameters that are groups are replaced by an option for each field."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name not in groups:
            parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY))
            continue
        types = get_type_hints(groups[name], include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=types[field.name],
            )
            for field in fields(groups[name])
        ]

    @wraps(command)
    def call(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call
