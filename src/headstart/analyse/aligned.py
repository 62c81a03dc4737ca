"""Test images of results from elsewhere: which answers of an arm and the control go together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np

from headstart.analyse.given import GivenRun, Pairing, given_run
from headstart.analyse.text import listed, plural
from headstart.core.errors import DataError, Problem
from headstart.core.names import few, quoted
from headstart.data.results.run_keys import Run
from headstart.metrics import Metric

ENOUGH = 0.5  # of the images of the smallest run: below it the common ones are no fair sample

ByArm = Mapping[str, Mapping[int, Run]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """Answers at one size, by arm and seed, with how their test images go together."""

    tested: Mapping[str, Mapping[int, GivenRun]]
    pairing: Pairing
    images: np.ndarray | None  # (images,), where all runs have the same
    left_out: str = ""


def aligned(
    runs: ByArm, control: str, metric: Metric, names: Sequence[str], num_folds: int
) -> Aligned:
    """Answers at one size as they can be compared.

    All runs have the same images; or each seed has a test part, the same in every arm; or
    those that all have in common are taken, where they are half of each run's or more; or arms are
    compared without pairs.

    Raises:
        DataError: the images of an arm's seeds have nothing to do with each other.
    """
    every = [run for by_seed in runs.values() for run in by_seed.values()]
    if _alike(every):
        return _taken(runs, metric, "same images", images=_images(every[0]))
    if _a_part_each(runs, control):
        return _taken(runs, metric, "a part each")
    if num_folds:
        return _taken(runs, metric, "folds of each arm")
    common = _common(every)
    if len(common) >= ENOUGH * min(len(_images(run)) for run in every):
        commons = dict.fromkeys(runs, common)
        lost = _lost(runs, common, names)
        return _taken(runs, metric, "same images", commons=commons, images=common, left_out=lost)
    commons = {arm: _common(by_seed.values()) for arm, by_seed in runs.items()}
    _require_own(runs, commons, names)
    return _taken(runs, metric, "other images", commons=commons, left_out=_differ(commons))


def _images(run: Run) -> np.ndarray:
    assert run.images is not None
    return run.images


def _alike(runs: Iterable[Run]) -> bool:
    """Whether all runs have the same test images."""
    first, *others = map(_images, runs)
    return all(np.array_equal(first, other) for other in others)


def _common(runs: Iterable[Run]) -> np.ndarray:
    return reduce(lambda one, other: np.intersect1d(one, other, True), map(_images, runs))


def _a_part_each(runs: ByArm, control: str) -> bool:
    """Whether every arm was tested on the images of the control's same seed."""
    own = runs.get(control, {})
    return len(own) > 1 and all(
        seed in own and np.array_equal(_images(run), _images(own[seed]))
        for by_seed in runs.values()
        for seed, run in by_seed.items()
    )


def _taken(
    runs: ByArm,
    metric: Metric,
    pairing: Pairing,
    *,
    commons: Mapping[str, np.ndarray] | None = None,
    images: np.ndarray | None = None,
    left_out: str = "",
) -> Aligned:
    """Answers of every run, to all its images or to `commons`, those of its arm."""
    own_part = pairing in ("a part each", "folds of each arm")

    def tested(arm: str, run: Run) -> GivenRun:
        own = _images(run)
        at = np.arange(len(own)) if commons is None else np.searchsorted(own, commons[arm])
        return given_run(run, at, metric, own if own_part else None)

    return Aligned(
        tested={
            arm: {seed: tested(arm, run) for seed, run in by_seed.items()}
            for arm, by_seed in runs.items()
        },
        pairing=pairing,
        images=images,
        left_out=left_out,
    )


def _differ(commons: Mapping[str, np.ndarray]) -> str:
    """Arms with different test images, and what follows."""
    counts = [f"{arm} on {plural(len(images), 'image')}" for arm, images in commons.items()]
    return (
        f"arms were tested on different images ({listed(counts, 'and')}): nothing is paired, and "
        "intervals are wider than those of the same images would be."
    )


def _lost(runs: ByArm, common: np.ndarray, names: Sequence[str]) -> str:
    """Images that not all runs have answered, and which runs lack them."""
    every = np.unique(np.concatenate([_images(r) for by in runs.values() for r in by.values()]))
    gone = np.setdiff1d(every, common)
    lacking = [
        f"{arm}, seed {seed} ({number:,})"
        for arm, by_seed in runs.items()
        for seed, run in by_seed.items()
        if (number := len(every) - len(_images(run)))
    ]
    shown = few(quoted([names[one] for one in gone[:4]]))
    return (
        f"{plural(len(gone), 'image')} of {len(every):,} left out, such as {shown}: some runs have "
        f"no answer to them ({'; '.join(lacking[:3])}"
        f"{f' and {len(lacking) - 3:,} more' if len(lacking) > 3 else ''})."
    )


def _require_own(runs: ByArm, commons: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    """Refuse an arm whose seeds were tested on different images, without being folds."""
    problems = []
    for arm, by_seed in runs.items():
        least = min(len(_images(run)) for run in by_seed.values())
        if len(commons[arm]) < ENOUGH * least:
            counts = [f"seed {seed}: {len(_images(run)):,}" for seed, run in by_seed.items()]
            problems.append(
                Problem(
                    where=arm,
                    message=f"its runs were tested on different images ({few(counts)}; "
                    f"{len(commons[arm]):,} in common, such as "
                    f"{few(quoted([names[one] for one in _images(next(iter(by_seed.values())))]))})"
                    " and not on those of the control's same seeds.",
                    allowed="Expected one test set for all runs; or for each seed another "
                    "part, the same for all arms; or a column 'fold'.",
                    fix="If these are folds, name the column: --column fold=NAME.",
                )
            )
    if problems:
        raise DataError("\n".join(map(str, problems)))


def copies_among(runs: ByArm) -> tuple[str, ...]:
    """Runs whose answers are the same to every image, some of them wrong ones."""
    by_content: dict[bytes, list[str]] = {}
    for arm, by_seed in runs.items():
        for seed, run in by_seed.items():
            assert run.answers is not None
            assert run.labels is not None
            if not np.array_equal(run.answers, run.labels):
                content = _images(run).tobytes() + run.answers.tobytes()
                by_content.setdefault(content, []).append(f"{arm}, seed {seed}")
    return tuple(
        f"{one} and {other}"
        for names in by_content.values()
        for one, other in combinations(names[:3], 2)
    )
