"""First screen of a report, for a reader who knows no statistics: bars, and what to do next."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from headstart.analyse.analysis import (
    ENOUGH_SEEDS,
    FEWEST_SEEDS,
    Analysis,
    Comparison,
    interval_over,
)
from headstart.analyse.cells import ONE_SIZE, beside, cell_of
from headstart.analyse.multiplicity import NOMINAL
from headstart.analyse.text import amount, level_percent
from headstart.metrics import METRICS
from headstart.plan.steps import Place
from headstart.report.rows import pairs_of
from headstart.report.run_summary import RunSummary

MOST_SEEDS = 30  # that are still worth proposing
MORE_TIME = 2  # times the budget that has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Accuracy of one arm on the test images."""

    label: str
    accuracy: float
    is_control: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BarGroup:
    """The control and the transfer arm that validation prefers, at one size of one pair."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What a reader may want to do now, and the command for it, if there is one."""

    what: str
    command: str = ""


def bar_groups(analysis: Analysis) -> tuple[BarGroup, ...]:
    """Bars for each size of each pair with a transfer arm that was compared."""
    results = {cell_of(r): r for r in analysis.arms}
    groups: dict[Place, list[Comparison]] = {}
    for best in analysis.preferred:
        groups.setdefault((best.source, best.target, best.size), []).append(best)
    return tuple(
        BarGroup(
            title=_title(analysis, named[0]),
            bars=tuple(
                Bar(label=label, accuracy=mean, is_control=cell[3] == named[0].control)
                for label, cell, seeds in (
                    (
                        _control(analysis),
                        beside(cell_of(named[0]), named[0].control),
                        named[0].seeds_of_control,
                    ),
                    *((_arm(analysis, best), cell_of(best), best.seeds) for best in named),
                )
                if cell in results and (mean := results[cell].mean_over(seeds)) is not None
            ),
        )
        for named in groups.values()
    )


def _title(analysis: Analysis, best: Comparison) -> str:
    """The size, and of several pairs which one."""
    pair = f"{best.source} to {best.target}, " if len(pairs_of(analysis)) > 1 else ""
    if best.num_images is not None:
        return f"{pair}{amount(best.size, best.num_images, _noun(analysis, best))}"
    return "" if best.size == ONE_SIZE else best.size


def bars_title(analysis: Analysis) -> str:
    """What the bars are."""
    nouns = {_noun(analysis, best) for best in analysis.preferred}
    noun = nouns.pop() if len(nouns) == 1 else "image"
    return f"Right answers {METRICS[analysis.metric].of_hundred.format(noun=noun)}"


def bracket_note(analysis: Analysis) -> str:
    """Meaning of the brackets in the headline, in plain words; empty without any."""
    if not any(best.low_pp is not None for best in analysis.preferred):
        return ""
    others = {
        "folds": "other images, split anew",
        "seeds alone": "other seeds on these test images",
    }.get(interval_over(analysis.comparisons), "other seeds and other test images")
    held = (
        f"all verdicts together are held to an error of {level_percent(analysis.strictness.level)}"
        if analysis.from_elsewhere
        else f"all verdicts on transfer together are held to an error of {level_percent(NOMINAL)}, "
        "later looks at them included"
    )
    return (
        f"Points are right answers {METRICS[analysis.metric].share}. In brackets: the range in "
        f"which the gain may lie for {others}; {held}."
    )


def next_steps(analysis: Analysis, summary: RunSummary) -> tuple[NextStep, ...]:
    """Surer verdicts where they are open; then the model, used and handed over."""
    return (*_more_seeds(analysis, summary), *_model(analysis, summary))


def _more_seeds(analysis: Analysis, summary: RunSummary) -> Iterator[NextStep]:
    undecided = [c for c in analysis.preferred if c.verdict == "not enough evidence"]
    words = shlex.split(summary.command)
    if not undecided or words[1:2] != ["run"] or analysis.num_done < analysis.num_trials:
        return
    if analysis.minutes is not None and any(c.ended == "budget" for c in undecided):
        more = shlex.join(_with(words, "--minutes", f"{MORE_TIME * analysis.minutes:g}"))
        yield NextStep(what="for a surer verdict", command=more)
        return
    images = [c.images_needed for c in undecided if c.more == "test images" and c.images_needed]
    if images:
        noun, repeated = _noun(analysis, undecided[0]), _repeated(analysis, undecided[0])
        wanted = f"{noun}s in all" if repeated else f"test {noun}s"
        yield NextStep(
            what=f"for a surer verdict about {max(images):,} {wanted} are needed; more seeds "
            "help less"
        )
        return
    needed = max(map(_seeds_wanted, undecided))
    if len(analysis.seeds) < needed <= MOST_SEEDS:
        more = shlex.join(_with(words, "--seeds", str(needed)))
        yield NextStep(what="for a surer verdict", command=more)


def _seeds_wanted(c: Comparison) -> int:
    """Seeds that would decide, or that a first interval takes; 0 where seeds would not help."""
    few = len(c.seeds) < FEWEST_SEEDS and (c.low_pp is not None or len(c.seeds) == 1)
    return c.seeds_needed or (ENOUGH_SEEDS if few else 0)


def _with(words: list[str], option: str, value: str) -> list[str]:
    """A command with another value of an option."""
    kept = [
        word
        for at, word in enumerate(words)
        if not word.startswith(option) and words[at - 1] != option
    ]
    return [*kept, option, value]


def _model(analysis: Analysis, summary: RunSummary) -> Iterator[NextStep]:
    if not summary.command or not any(result.seeds for result in analysis.arms):
        return
    if analysis.from_elsewhere:  # the models are where they were trained
        return
    name = shlex.quote(analysis.study)
    yield NextStep(
        what="to use the best model",
        command=f"headstart predict {name} IMAGE.jpg{summary.store_option}",
    )
    yield NextStep(
        what="to hand it over",
        command=f"headstart export {name} model.onnx{summary.store_option}",
    )


def _noun(analysis: Analysis, best: Comparison) -> str:
    nouns = {task.name: task.noun for task in analysis.tasks}
    return nouns.get(best.target, "image")


def _repeated(analysis: Analysis, best: Comparison) -> bool:
    return any(task.repeated for task in analysis.tasks if task.name == best.target)


def _control(analysis: Analysis) -> str:
    return "from nothing" if analysis.control_from_nothing else analysis.control


def _arm(analysis: Analysis, best: Comparison) -> str:
    return best.arm if analysis.from_elsewhere else f"pretrained ({best.arm})"
