"""Study file for a folder of photos and pretrained networks: what one command line stands for."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from headstart.study.archives import without_suffix
from headstart.study.arms import DESCRIPTIONS
from headstart.study.dataset_facts import DatasetFacts, Size
from headstart.study.labels import TABLE_SUFFIXES
from headstart.study.tasks import FOLDS

VALIDATION = 0.2  # share of the training photos
FEWEST_TESTED = 50  # photos of a test part that stays; below, each seed has one to itself
LONGEST_NAME = 100  # letters of a study's name, which its page is called too
LEAST_PER_CLASS = 3  # training photos: at least one to validate on, and two to train on
NICE_NUMBERS = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))
FEWEST_OF_SIZE = 5  # photos per class of the smallest size


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a study may cost: seeds, updates, learning rates tried, and the side of photos."""

    seeds: int
    updates: int
    tuned: bool = False
    side: int = 0  # arrays have the size that they have


BUDGETS = (
    Budget(side=224, seeds=5, updates=1000, tuned=True),
    Budget(side=224, seeds=5, updates=400, tuned=True),
    Budget(side=224, seeds=5, updates=200),
    Budget(side=224, seeds=5, updates=100),
    Budget(side=160, seeds=5, updates=100),
    Budget(side=128, seeds=5, updates=80),
    Budget(side=128, seeds=5, updates=40),
    Budget(side=96, seeds=5, updates=40),
    Budget(side=96, seeds=3, updates=40),
    Budget(side=64, seeds=3, updates=40),
    Budget(side=64, seeds=3, updates=20),
)
"""Budgets from the dearest to the cheapest; the first that fits the time is taken.

Seeds come before the size of images, because with three seeds few differences can be shown.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoStudy:
    """A study of photos before it is written down.

    Attributes:
        dataset: the folder, archive or name of the photos, as the user gave it.
        facts: of it.
        sources: pretrained networks by the names that the study gives them.
        budget: what it may cost.
        size: (height, width) that photos are decoded to.
        labels: table of their labels, a file or one inside the photos; None where the data set is
            one, or folders are classes.
        group: column of that table with the groups that stay together.
        skip_broken: whether files that cannot be decoded are left out.
        follow_links: whether links that lead out of the folder are followed.
    """

    dataset: str
    facts: DatasetFacts
    sources: dict[str, str]
    budget: Budget
    size: Size
    labels: str | None = None
    group: str | None = None
    skip_broken: bool = False
    follow_links: bool = False

    @property
    def name(self) -> str:
        """Name of the study."""
        return study_name(self.dataset)

    @property
    def sizes(self) -> tuple[str, ...]:
        """Amounts of training photos to compare at."""
        held_out = self.facts.validation_counts
        if self.repeats:
            return sizes_for(int(min(self._counts) * (1 - 1 / FOLDS) * (1 - VALIDATION)))
        counts = self.facts.train_counts
        if held_out is None:
            return sizes_for(int(min(counts) * (1 - VALIDATION)))
        return sizes_for(min(one - out for one, out in zip(counts, held_out, strict=True)))

    @property
    def repeats(self) -> bool:
        """Whether each seed has a test part to itself.

        Where the photos say which of them are for testing, those are.
        """
        small = sum(self._counts) < FOLDS * FEWEST_TESTED
        return self.facts.test_dealt and small and min(self._counts) >= FOLDS

    @property
    def _counts(self) -> tuple[int, ...]:
        """Photos of each class."""
        parts = (self.facts.train_counts, self.facts.test_counts)
        return tuple(train + test for train, test in zip(*parts, strict=True))

    def text(self) -> str:
        """The study file, commented."""
        several = len(self.sources) > 1
        bits = self.facts.bits_wanted
        more = (f", bits = {bits}" if bits else "") + (
            ", skip_broken = true" if self.skip_broken else ""
        )
        more += ", follow_links = true" if self.follow_links else ""
        networks = "pretrained networks help" if several else "a pretrained network help"
        lines = [
            f"name = {_quoted(self.name)}",
            f'question = "Does {networks} on these photos, and how is it best used?"',
            "",
            "# Labelled training photos that every arm is given: so many of each class, or all.",
            f"sizes = [{', '.join(map(_quoted, self.sizes))}]",
            "# Every arm is trained once for each seed; fewer than 3 give no verdict, more give",
            "# narrower intervals.",
            f"seeds = {self.budget.seeds}",
            "# What is compared:",
            *(f"#   {arm}: {DESCRIPTIONS[arm]}" for arm in ARMS),
            f"arms = [{', '.join(map(_quoted, ARMS))}]",
            "# A gain below so many percentage points does not matter.",
            "margin = 1.0",
            "",
            *(line for source in self.sources.items() for line in _source(*source)),
            "[tasks.target]",
            f"dataset = {_quoted(self.dataset)}",
            *([f"labels = {_quoted(self.labels)}"] if self.labels is not None else []),
            *self._split_lines(),
            "# Height and width that photos are resized to; larger ones say more and cost more.",
            f"image = {{ size = [{self.size[0]}, {self.size[1]}]{more} }}",
            "",
            "[training]",
            "# The same number of updates for every arm, of so many photos each.",
            f"updates = {self.budget.updates}",
            "batch_size = 32",
            'optimiser = { kind = "sgd", lr = 0.05, momentum = 0.9 }',
            'schedule = { kind = "cosine", warmup = 0.05 }',
            *self._rate_lines(),
        ]
        return "\n".join(lines) + "\n"

    def _split_lines(self) -> list[str]:
        if self.repeats:
            return [
                "# Too few photos for a test part that stays: each seed tests another fifth.",
                "# Of the rest so much is for choosing, the same for every arm.",
                f'split = {{ test = "repeated", validation = {VALIDATION} }}',
            ]
        choosing = "# So much of the training photos is for choosing, the same for every arm."
        if self.group is None:
            return [choosing, f"split = {{ validation = {VALIDATION} }}"]
        return [
            choosing,
            "# Photos of a group stay together: to train on, to choose with or to test with.",
            f"split = {{ validation = {VALIDATION}, group = {_quoted(self.group)} }}",
        ]

    def _rate_lines(self) -> list[str]:
        where = "the photos to choose with" if self.repeats else "a seed that is no evidence"
        if self.budget.tuned:
            return [
                f"# Learning rates that every arm tries, on {where}.",
                "rates = [0.01, 0.03, 0.1]",
            ]
        return [
            f"# To let every arm try several learning rates, on {where} (which",
            "# takes longer): rates = [0.01, 0.03, 0.1]",
        ]


ARMS = ("scratch", "random_trunk", "probe", "converged_probe", "full", "probe_then_full")


def study_name(dataset: str) -> str:
    """Name of the study of a folder, an archive, a table in a folder or a data set."""
    path = Path(os.path.expanduser(dataset)).absolute()
    stem = without_suffix(path.name)
    if path.suffix.lower() in TABLE_SUFFIXES:
        stem = f"{path.parent.name}-{path.stem}"
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem)
    return plain.strip("-._")[:LONGEST_NAME] or "photos"


def source_names(networks: tuple[str, ...]) -> dict[str, str]:
    """Networks by short names for the sources of a study: `timm:resnet18` is `resnet18`."""
    names: dict[str, str] = {}
    for network in networks:
        short = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(network.partition(":")[2]).stem).strip("_")
        name, number = short or "source", 2
        while name in names:
            name, number = f"{short or 'source'}_{number}", number + 1
        names[name] = network
    return names


def sizes_for(per_class: int) -> tuple[str, ...]:
    """Two round numbers of photos per class, at most a half and an eighth of them, and all."""
    sizes = []
    most = per_class / 2
    for _ in range(2):
        fitting = [number for number in NICE_NUMBERS if FEWEST_OF_SIZE <= number <= most]
        if not fitting:
            break
        sizes.append(f"{fitting[-1]} per class")
        most = fitting[-1] / 4
    return (*reversed(sizes), "all")


def _source(name: str, network: str) -> list[str]:
    return [f"[sources.{name}]", f"pretrained = {_quoted(network)}", ""]


def _quoted(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON, and DEL besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
