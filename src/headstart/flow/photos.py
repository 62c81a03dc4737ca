"""A folder of photos as a study: sources at hand, and a budget that fits the time given."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from headstart.analyse.text import minutes_text, plural, rough_duration
from headstart.core.errors import DataError, HeadstartError, Problem, SpecError
from headstart.core.files import text_of
from headstart.data.datasets import facts_of
from headstart.flow.check import Loaded, checked
from headstart.networks.checkpoints.at_hand import AtHand, networks_at_hand, nothing_at_hand
from headstart.networks.facts import input_facts_of
from headstart.plan.cost_estimate import estimate_cost
from headstart.plan.expand import expected_steps, make_plan
from headstart.study.dataset_facts import DatasetFacts, Size
from headstart.study.facts import Facts
from headstart.study.labels import LabelTable
from headstart.study.network import LibraryNetwork, Pretrained
from headstart.study.photo_study import (
    BUDGETS,
    LEAST_PER_CLASS,
    VALIDATION,
    Budget,
    PhotoStudy,
    source_names,
)
from headstart.study.problems import problems_from
from headstart.study.study import StudySpec, spelt_out
from headstart.study.tasks import DataRef, Grouped

DEFAULT_MINUTES = 10.0
FIRST_ROUND = 0.5  # of the time, where the rest is for further seeds
NATIVE: Size = (224, 224)  # of a network that does not say what it was trained on
_PRETRAINED: TypeAdapter[LibraryNetwork] = TypeAdapter(Pretrained)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoOptions:
    """What a command line says of a study of photos.

    Attributes:
        sources: pretrained networks (`timm:NAME`); without any the best one at hand.
        minutes: time that the study may take on this computer, about.
        labels: table of labels, a file or one inside the photos; None where folders are classes.
        skip_broken: whether files that cannot be decoded are left out.
        follow_links: whether links that lead out of the folder are followed.
        adds_seeds: whether seeds are added where evidence is short, which half of the time is for.
    """

    sources: tuple[str, ...] = ()
    minutes: float | None = None
    labels: str | None = None
    skip_broken: bool = False
    follow_links: bool = False
    adds_seeds: bool = False

    @property
    def time(self) -> float:
        """Minutes that the study may take."""
        return DEFAULT_MINUTES if self.minutes is None else self.minutes

    @property
    def given(self) -> bool:
        """Whether anything was said."""
        return bool(self.sources) or self.minutes is not None or self.labels is not None


NO_OPTIONS = PhotoOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStudy:
    """A study of photos, what it rests on, and about how long it takes.

    Attributes:
        study: what is written into its file.
        loaded: the same, checked.
        chosen: why these sources, where the user named none.
        ungrouped: why groups that the table of labels names are not kept together.
        too_long: whether even this study takes longer than it may.
        others: names of other networks at hand.
    """

    study: PhotoStudy
    loaded: Loaded
    chosen: str
    ungrouped: str
    too_long: bool
    others: tuple[str, ...]

    @property
    def made_of(self) -> tuple[str, ...]:
        """The sources and why these, in lines."""
        return (
            f"source: {', '.join(self.study.sources.values())}{self.chosen}",
            *([f"groups are not kept together: {self.ungrouped}"] if self.ungrouped else []),
            *([f"also at hand: {', '.join(self.others)}"] if self.others else []),
            *self._depth,
            *(
                ["no study of these photos is so short: this is the shortest"]
                if self.too_long
                else []
            ),
        )

    @property
    def _depth(self) -> tuple[str, ...]:
        """What 16-bit photos are taken to be, where that is not 16 bits."""
        facts = self.study.facts
        if facts.bits_wanted is None:
            return ()
        return (
            f"16-bit photos with values up to {max(facts.deep.values()):,}: taken to have "
            f"{facts.bits_wanted} bits, of which the upper 8 are used",
        )

    @property
    def table(self) -> dict[str, Any]:
        """The study as its file has it."""
        return tomllib.loads(self.study.text())


def new_study(dataset: str, options: PhotoOptions, workers: int) -> NewStudy:
    """The study of a folder, an archive or a data set of photos.

    The same photos, options and number of workers give the same study on every computer, since
    times are estimated with one pace for all: a run that is repeated goes on from what is stored.

    Raises:
        DataError: there are no photos in folders of classes, or too few of a class.
        CheckpointError: no source was named and none is at hand.
        SpecError: a source is not known, or cannot be used with these photos.
    """
    dataset = text_of(dataset)  # of a command line, which has it in the encoding of the locale
    if problems := minutes_problems(options.minutes):
        raise SpecError(problems, f"the study of {dataset}")
    labels = LabelTable(file=options.labels) if options.labels is not None else None
    data = DataRef(
        dataset=dataset,
        labels=labels,
        skip_broken=options.skip_broken,
        follow_links=options.follow_links,
    )
    group, facts, ungrouped = _grouped(data, facts_of(data))
    _check_photos(dataset, facts)
    at_hand = networks_at_hand()
    if not options.sources and not at_hand:
        raise nothing_at_hand("--source timm:NAME")
    networks = tuple(dict.fromkeys(options.sources)) or (at_hand[0].network,)
    chosen = "" if options.sources else _choice(at_hand[0])
    native = _native_size(dataset, networks)
    drafts = [
        PhotoStudy(
            dataset=dataset,
            facts=facts,
            sources=source_names(networks),
            budget=budget,
            size=_size(budget, facts, native),
            labels=options.labels,
            group=group,
            skip_broken=options.skip_broken,
            follow_links=options.follow_links,
        )
        for budget in BUDGETS
    ]
    seconds = seconds_of_first_round(options.time, adds_seeds=options.adds_seeds)
    study, loaded, fits = _fitting(drafts, native, seconds, workers)
    return NewStudy(
        study=study,
        loaded=loaded,
        chosen=chosen,
        ungrouped=ungrouped,
        too_long=not fits,
        others=tuple(one.network for one in at_hand if one.network not in networks),
    )


def minutes_problems(minutes: object) -> list[Problem]:
    """What is wrong with the time that a study may take; None is the default."""
    if minutes is None or (isinstance(minutes, int | float) and minutes > 0):
        return []
    return [Problem(where="minutes", message=f"got {minutes!r}; give a number above 0.")]


def seconds_of_first_round(minutes: float, *, adds_seeds: bool) -> float:
    """Time that the seeds a study begins with may take."""
    return 60 * minutes * (FIRST_ROUND if adds_seeds else 1)


def _grouped(data: DataRef, facts: DatasetFacts) -> tuple[str | None, DatasetFacts, str]:
    """The first column of groups, facts of the photos in whole groups, and why it is not so."""
    if not facts.groups:
        return None, facts, ""
    name = facts.groups[0].name
    try:
        grouped = Grouped(by=name, validation=VALIDATION, seed=0)
        return name, facts_of(replace(data, grouped=grouped)), ""
    except DataError as error:
        return None, facts, str(error).partition("\n")[0]


def _choice(best: AtHand) -> str:
    return f" (the best at hand{f': {best.what}' if best.what else ''}; {best.file})"


def _check_photos(dataset: str, facts: DatasetFacts) -> None:
    if not facts.from_files:
        raise DataError(
            f"'{dataset}' is no set of photos but arrays of {facts.shape}.\n"
            "     Write a study file for it: headstart recipes show digits > mine.toml"
        )
    few = [
        f"'{name}' has {number}"
        for name, number in zip(facts.classes, facts.train_counts, strict=True)
        if number < LEAST_PER_CLASS
    ]
    if few:
        raise DataError(
            f"{dataset}: too few training photos: {', '.join(few[:6])}"
            f"{f' and {len(few) - 6} more' if len(few) > 6 else ''}.\n"
            f"     Expected at least {LEAST_PER_CLASS} of every class besides those to test with, "
            "to train on and to choose with.\n"
            "     Add photos, or move the folder of that class away."
        )


def _native_size(dataset: str, networks: tuple[str, ...]) -> Size:
    """The smallest image (height, width) that one of the networks was trained on.

    Raises:
        SpecError: with every source that is no network of a library.
    """
    sizes, problems = [NATIVE], []
    for network in networks:
        try:
            wanted = input_facts_of(_PRETRAINED.validate_python(network))
        except ValidationError as error:
            problems += problems_from(error, Pretrained, where=f"--source {network}")
        except HeadstartError:
            continue  # the check of the study says it with all else
        else:
            sizes += [wanted.size] if wanted else []
    if problems:
        raise SpecError(problems, f"the study of {dataset}")
    return min(sizes[1:], default=NATIVE)


def _size(budget: Budget, facts: DatasetFacts, native: Size) -> Size:
    """A square that neither photos nor the network's own images are smaller than."""
    assert facts.sizes is not None
    side = min(budget.side, *native, max(facts.sizes[1]))
    return side, side


def _fitting(
    drafts: Iterable[PhotoStudy], native: Size, seconds: float, workers: int
) -> tuple[PhotoStudy, Loaded, bool]:
    """The first draft that fits the time, or the last; and whether it does.

    A network that takes images of one size only is given that. Facts are gathered once for each
    size.
    """
    known: dict[Size, Facts] = {}
    for draft in drafts:
        if draft.size not in known:
            try:
                known[draft.size] = _checked(draft).facts
            except SpecError:
                if draft.size == native:
                    raise
                draft = replace(draft, size=native)
                known.setdefault(native, _checked(draft).facts)
        study = StudySpec(**spelt_out(tomllib.loads(draft.text())))
        loaded = Loaded(study=study, facts=known[draft.size])
        fits = expected_seconds(loaded, workers) <= seconds
        if fits:
            break
    return draft, loaded, fits


def _checked(draft: PhotoStudy) -> Loaded:
    return checked(tomllib.loads(draft.text()), f"the study of {draft.dataset}")


def described(loaded: Loaded, workers: int) -> tuple[str, ...]:
    """What a study of photos will do, and about how long it takes, in lines."""
    study = loaded.study
    height, width = study.tasks["target"].image.size or NATIVE
    tuned = ", learning rates tried on another seed" if study.training.rates else ""
    return (
        f"study: photos at {height} x {width}; {', '.join(size.label for size in study.sizes)}; "
        f"{plural(len(study.arms), 'arm')}, {_seeds(study)}, "
        f"{study.training.updates:,} updates each{tuned}",
        time_line(loaded, workers),
    )


def time_line(loaded: Loaded, workers: int) -> str:
    """About how long a study takes, in a line."""
    return (
        f"time: about {rough_duration(expected_seconds(loaded, workers))} with "
        f"{plural(workers, 'worker')}, before this computer's own pace is known"
        f"{_further(loaded.study)}"
    )


def _seeds(study: StudySpec) -> str:
    if not study.looks:
        return plural(len(study.seeds), "seed")
    return f"{study.looks[0]} to {study.looks[-1]} seeds as evidence needs them"


def _further(study: StudySpec) -> str:
    if study.minutes is None:
        return ""
    return f"; about {minutes_text(study.minutes)} with further seeds"


def expected_seconds(loaded: Loaded, workers: int) -> float:
    """About how long a study takes on a computer that has no timings yet."""
    plan = make_plan(loaded.study, loaded.facts)
    expected = expected_steps(loaded.study, loaded.facts, plan)
    return estimate_cost(loaded.study.name, plan, expected, set(), None, workers).seconds
