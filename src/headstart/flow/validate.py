"""Self-validation: many studies whose truth is known, run as one plan, judged one by one."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headstart.execute.executors import Listener
from headstart.execute.options import RunOptions
from headstart.flow.check import Loaded
from headstart.flow.engine import Planned, plan_of, run_look, save_study
from headstart.flow.load import Changes, load, recipes_folder
from headstart.store.store import Store

if TYPE_CHECKING:
    from headstart.analyse.analysis import Word
    from headstart.analyse.validation import Kind, Validation

SEEDS = 5  # of each study
STUDIES: "dict[Kind, int]" = {"null": 200, "positive": 20, "negative": 20, "identity": 5}
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
    listen: Listener,
    planned: Planned,
    command: str = "",
) -> Validated:
    """Run a number of studies of a kind as one study with many seeds, and judge each by itself.

    Studies of another `seed` share no trial with these.

    Raises:
        StoreError: the store cannot be used.
    """
    from headstart.analyse.build import analyse
    from headstart.analyse.validation import validation_of

    started = time.perf_counter()
    options = replace(options, store=options.store.absolute())
    loaded = load(str(recipes_folder() / "validation" / f"{kind}.toml"), Changes(seeds=SEEDS))
    first = seed * APART
    whole = _with_seeds(loaded, first, SEEDS * studies)
    with Store(options.store) as store:
        number = save_study(store, whole, command)
        run_look(whole, number, store, options, listen=listen, planned=planned)
        verdicts: list[Word] = []
        for index in range(studies):
            one = _with_seeds(loaded, first + SEEDS * index, SEEDS)
            analysis = analyse(one.study, one.facts, plan_of(one, store), store)
            # A study that could not be finished has no comparison, and is no sound study.
            (verdict,) = [c.verdict for c in analysis.comparisons] or ["invalid"]
            verdicts.append(verdict)
    return Validated(
        validation=validation_of(kind, verdicts), seconds=time.perf_counter() - started
    )


def _with_seeds(loaded: Loaded, first: int, number: int) -> Loaded:
    seeds = tuple(range(first, first + number))
    # The pilot seed must lie outside, even where the study needs no pilot.
    study = loaded.study.model_copy(update={"seeds": seeds, "pilot_seed": first + APART - 1})
    return replace(loaded, study=study)
