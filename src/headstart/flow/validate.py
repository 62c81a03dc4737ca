"""Self-validation: many studies whose truth is known, run as one plan, judged one by one."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headstart.execute.options import RunOptions
from headstart.execute.outcomes import Listener
from headstart.flow.check import Loaded
from headstart.flow.engine import Planned, plan_of, questions, run_look, save_study
from headstart.flow.load import Changes, load, recipes_folder
from headstart.flow.validation_paths import PATHS, SIZES, Path, num_seeds
from headstart.store.store import Store

if TYPE_CHECKING:
    from headstart.analyse.analysis import Word
    from headstart.analyse.validation import Kind, Validation

STUDIES: "dict[Kind, int]" = {
    "null": 200,
    "repeated": 200,
    "unequal": 200,
    "positive": 20,
    "negative": 20,
    "identity": 5,
}
"""How many studies of each kind are run unless another number is asked for."""

APART = 1_000_000  # seeds between two validations, so that they share no study


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """The outcome, and the seconds it took."""

    validation: "Validation"
    seconds: float


def validate(
    kind: "Kind",
    options: RunOptions,
    *,
    studies: int,
    seed: int,
    path: Path = "fixed",
    listen: Listener,
    planned: Planned,
    command: str = "",
) -> Validated:
    """Run a number of studies of a kind as one study with many seeds, and judge each by itself.

    Studies of another `seed` share no trial with these. Each is looked at along a `path`, and
    counts with the first look at which something was found.

    Raises:
        StoreError: the store cannot be used.
    """
    from headstart.analyse.validation import validation_of

    started = time.perf_counter()
    options = replace(options, store=options.store.absolute())
    seeds = num_seeds(path)
    changes = Changes(seeds=seeds, sizes=SIZES.get(path))
    loaded = load(str(recipes_folder() / "validation" / f"{kind}.toml"), changes)
    first = seed * APART
    whole = _with_seeds(loaded, first, seeds * studies)
    with Store(options.store) as store:
        number = save_study(store, whole, command)
        run_look(whole, number, store, options, listen=listen, planned=planned)
        verdicts: list[Word] = []
        for index in range(studies):
            one = _with_seeds(loaded, first + seeds * index, seeds)
            verdicts.append(_first_found(_verdicts(one, path, store)))
    return Validated(
        validation=validation_of(kind, verdicts, path), seconds=time.perf_counter() - started
    )


def _verdicts(loaded: Loaded, path: Path, store: Store) -> "Iterator[list[Word]]":
    """The verdicts at each look of a path; every look knows of those before, and of no others."""
    from headstart.analyse.build import analyse
    from headstart.analyse.looks import Shown, looks_taken

    shown = Shown()
    for look in PATHS[path]:
        one = replace(loaded, study=look.of(loaded.study))
        shown = replace(shown, questions=questions(one, store))
        analysis = analyse(one.study, one.facts, plan_of(one, store), store, shown)
        taken = looks_taken(one.study, shown, analysis.comparisons)
        known = {(look.question, look.seeds) for look in shown.looks}
        new = (look for look in taken if (look.question, look.seeds) not in known)
        shown = replace(shown, looks=(*shown.looks, *new))
        # A study that could not be finished has no comparison, and is no sound study.
        yield [c.verdict for c in analysis.comparisons] or ["invalid"]


def _first_found(looks: "Iterable[list[Word]]") -> "Word":
    """The first verdict of a difference at any look; without one, the last verdict."""
    verdicts = [word for look in looks for word in look]
    found = (word for word in verdicts if word in ("helps", "hurts", "invalid", "unfinished"))
    return next(found, verdicts[-1])


def _with_seeds(loaded: Loaded, first: int, number: int) -> Loaded:
    seeds = tuple(range(first, first + number))
    # The pilot seed must lie outside, even where the study needs no pilot.
    study = loaded.study.model_copy(update={"seeds": seeds, "pilot_seed": first + APART - 1})
    return replace(loaded, study=study)
