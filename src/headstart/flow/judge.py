"""Verdicts on results of any other program: read, judge; nothing is trained or stored."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from headstart.core.errors import DataError, Problem, nearest
from headstart.core.names import few, in_a_row, quoted
from headstart.data.results.opening import open_results
from headstart.data.results.roles import ROLES, Role
from headstart.data.results.runs import Results
from headstart.report.run_summary import RunSummary
from headstart.study.training import MetricName

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis
    from headstart.analyse.given_images import GivenImages

CONTROLS = ("scratch", "from_scratch", "control", "baseline", "random_init", "no_transfer")
"""Names of arms that are taken for the control where none is named."""
MARGIN_PP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """What is asked of results.

    Attributes:
        control: arm that all others are compared with; None: the one whose name says so.
        metric: plain or balanced accuracy.
        margin_pp: smallest difference that matters, in percentage points.
        columns: names of columns by role, where their names do not say it.
        images: folders or archives of the data set's images, training and test together, to search
            for copies of the test images; none: they are not sought.
    """

    control: str | None = None
    metric: MetricName = "accuracy"
    margin_pp: float = MARGIN_PP
    columns: Mapping[Role, str] = field(default_factory=dict)
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedResults:
    """The analysis of some results, and what was understood of them."""

    analysis: "Analysis"
    summary: RunSummary
    notes: tuple[str, ...]


def judge(given: str, options: JudgeOptions, command: str = "") -> JudgedResults:
    """Judge the results at a path or a pattern of paths.

    Raises:
        DataError: with all that is wrong with them.
    """
    started = time.perf_counter()
    return judged(open_results(given, options.columns), name_of(given), options, command, started)


def judged(
    results: Results, name: str, options: JudgeOptions, command: str, started: float
) -> JudgedResults:
    """Judge results that were read.

    Raises:
        DataError: there is one arm, or the control is not among them, or a metric needs answers; or
            test images are not found among the images that were given.
    """
    from headstart.analyse.given_evidence import Asked
    from headstart.analyse.judged import judge_results

    if options.metric != "accuracy" and not results.answered:
        raise DataError(
            f"{options.metric} takes the answers to single images, and these results have scores "
            "alone. Leave the metric out: the scores are judged as they are."
        )
    control, note = _control(results, options.control)
    images = None
    if options.images:
        from headstart.checks.tested_copies import search_results

        results, images = search_results(results, options.images)
        note += [*images.notes, *_copies(images)]
    asked = Asked(name=name, control=control, metric=options.metric, margin_pp=options.margin_pp)
    analysis = judge_results(results, asked, images)
    summary = RunSummary(
        steps_run=0, steps_reused=0, seconds=time.perf_counter() - started, command=command
    )
    return JudgedResults(analysis=analysis, summary=summary, notes=(*results.notes, *note))


def _copies(images: "GivenImages") -> Iterator[str]:
    """What was found among the images, with examples."""
    if not images.copies:
        yield images.sentence
        return
    shown = [f"{one.file} is {one.other} ({one.kind})" for one in images.copies]
    yield f"{images.sentence}, and count for nothing: {few(shown)}"


def name_of(given: str) -> str:
    """Name of results: that of their file, or of the folder that a pattern begins with."""
    before = given.split("{")[0].split("*")[0]
    path = PurePath(given if before == given else before.rpartition("/")[0])
    return path.stem or path.name or "results"


def _control(results: Results, wanted: str | None) -> tuple[str, list[str]]:
    """The control, and what was understood where it was not named."""
    arms = results.arms
    if len(arms) < 2:
        raise DataError(
            f"there is one arm only, '{arms[0]}': nothing to compare it with. Give results of two "
            "or more, with a column that says which is which (arm, method, model)."
        )
    if wanted is not None:
        if wanted in arms:
            return wanted, []
        raise DataError(_no_control(f"there is no arm '{wanted}'.", arms, nearest(wanted, arms)))
    by_name = {arm.lower().replace("-", "_").replace(" ", "_"): arm for arm in arms}
    exact = [by_name[name] for name in CONTROLS if name in by_name]
    alike = [arm for name, arm in by_name.items() if name.split("_")[0] in CONTROLS]
    found = next(iter(exact), alike[0] if len(alike) == 1 else None)
    if found is None:
        raise DataError(_no_control("which arm is the control?", arms, ""))
    return found, [f"control: '{found}', by its name (another one: --control NAME)"]


def _no_control(message: str, arms: Sequence[str], near: str) -> str:
    return str(
        Problem(
            where="--control",
            message=message,
            allowed=f"Arms: {in_a_row(quoted(arms))}.",
            fix=near or f"Name the one that all others are compared with: --control '{arms[0]}'",
        )
    )


def columns_from(given: Sequence[str]) -> dict[Role, str]:
    """Columns by role from texts such as 'image=path'.

    Raises:
        DataError: a text is no such pair, or its role is not known.
    """
    columns: dict[Role, str] = {}
    for text in given:
        role, equals, name = text.partition("=")
        found = next((known for known in ROLES if known == role.strip()), None)
        if found is None or not equals:
            raise DataError(
                str(
                    Problem(
                        where="--column",
                        message=f"'{text}' names no role and column.",
                        allowed=f"Expected ROLE=NAME with one of {in_a_row(ROLES)}.",
                        fix=nearest(role, ROLES),
                    )
                )
            )
        columns[found] = name
    return columns
