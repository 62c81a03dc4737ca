"""Self-validation: many studies whose truth is known, run as one plan, judged one by one."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headstart.execute.options import RunOptions
from headstart.execute.outcomes import Listener
from headstart.flow.check import Loaded
from headstart.flow.engine import plan_of, questions, run_look, save_study
from headstart.flow.load import Changes, load
from headstart.flow.record import Planned
from headstart.flow.rounds import next_round
from headstart.flow.validation_paths import PATHS, SIZES, Path, num_seeds
from headstart.plan.allocation import Allocation
from headstart.plan.steps import Plan
from headstart.store.store import Store
from headstart.study.recipes import recipes_folder
from headstart.study.study import LOOKS

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis, Word
    from headstart.analyse.looks import Shown
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
        single = [_with_seeds(loaded, first + seeds * at, seeds) for at in range(studies)]

        def execute(needed: Iterable[int]) -> None:
            study = whole.study.model_copy(update={"seeds": tuple(needed)})
            at = replace(whole, study=study)
            run_look(at, number, store, options, listen=listen, planned=planned)

        if path == "auto":
            looks = _in_rounds(single, execute, store)
        else:
            execute(whole.study.seeds)
            looks = [list(_verdicts(one, path, store)) for one in single]
        verdicts = list(map(_first_found, looks))
    return Validated(
        validation=validation_of(kind, verdicts, path), seconds=time.perf_counter() - started
    )


def _verdicts(loaded: Loaded, path: Path, store: Store) -> "Iterator[list[Word]]":
    """The verdicts at each look of a path; every look knows of those before, and of no others."""
    from headstart.analyse.looks import Shown

    shown = Shown()
    for look in PATHS[path]:
        one = replace(loaded, study=look.of(loaded.study))
        analysis, shown = _look(one, plan_of(one, store), store, shown)
        yield _words(analysis)


def _in_rounds(
    studies: "Iterable[Loaded]", execute: Callable[[Iterable[int]], None], store: Store
) -> "list[list[list[Word]]]":
    """The verdicts at each round of studies whose seeds are added where evidence is short.

    A round of all studies is executed together; each study goes on by its own verdicts alone.
    """
    from headstart.analyse.looks import Shown

    first = Allocation(first=LOOKS[0])
    at = {number: _planned(one, first) for number, one in enumerate(studies)}
    shown = {number: Shown() for number in at}
    words: dict[int, list[list[Word]]] = {number: [] for number in at}
    while at:
        execute(seed for one in at.values() for seed in _seeds_so_far(one))
        following: dict[int, Loaded] = {}
        for number, one in at.items():
            plan = plan_of(one, store)
            analysis, shown[number] = _look(one, plan, store, shown[number])
            words[number].append(_words(analysis))
            if further := next_round(one, plan, analysis, None, 1):
                following[number] = further
        at = following
    return list(words.values())


def _planned(loaded: Loaded, allocation: Allocation) -> Loaded:
    study = loaded.study.model_copy(update={"looks": LOOKS})
    return replace(loaded, study=study, allocation=allocation)


def _seeds_so_far(at: Loaded) -> tuple[int, ...]:
    assert at.allocation is not None, "rounds have one"
    return at.study.seeds[: at.allocation.most]


def _look(one: Loaded, plan: Plan, store: Store, shown: "Shown") -> "tuple[Analysis, Shown]":
    """The analysis of a study at a look, and all that was shown with it."""
    from headstart.analyse.build import analyse
    from headstart.analyse.looks import looks_taken

    asked = questions(one, store)
    shown = replace(shown, questions=asked, seeds=one.seeds_of(asked))
    analysis = analyse(one.study, one.facts, plan, store, shown)
    taken = looks_taken(one.study, shown, analysis.comparisons)
    known = {(look.question, look.seeds) for look in shown.looks}
    new = (look for look in taken if (look.question, look.seeds) not in known)
    return analysis, replace(shown, looks=(*shown.looks, *new))


def _words(analysis: "Analysis") -> "list[Word]":
    """Verdicts; a study that could not be finished has none, and is no sound study."""
    return [c.verdict for c in analysis.comparisons] or ["invalid"]


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
