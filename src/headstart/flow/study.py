"""The study as Python has it: an object that runs itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.execute.options import RunOptions
from headstart.execute.outcomes import Listener
from headstart.flow.check import with_facts
from headstart.flow.engine import run
from headstart.flow.frames import Frame, is_frame, saved_table
from headstart.flow.load import Changes, load
from headstart.flow.photos import PhotoOptions
from headstart.study.study import StudySpec

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis

DEFAULT_STORE = Path("headstart-store")


class Study(StudySpec):
    """A study that can be run: `Study(...).run()`."""

    def run(
        self,
        store: Path | str = DEFAULT_STORE,
        *,
        workers: int | None = None,
        listen: Listener | None = None,
    ) -> "Analysis":
        """Run what is missing and give the analysis. What the store holds is not run again."""
        loaded = with_facts(self)
        options = RunOptions(store=Path(store), workers=workers)
        return run(loaded, options, listen=listen or (lambda *_: None)).analysis


def photo_study(
    photos: str | Path | Frame,
    *,
    labels: str | Path | Frame | None = None,
    source: str | Iterable[str] = (),
    minutes: float | None = None,
    arms: Iterable[str] | None = None,
    sizes: Iterable[str | int | float] | None = None,
    seeds: int | str | None = None,
) -> Study:
    """The study of a folder or archive of photos, run by `headstart run PHOTOS` too.

    Args:
        photos: a folder for each class, or train/ and test/ or val/ with such folders; or the table
            of their labels, a file or a data frame of pandas or polars with their paths.
        labels: the table of their labels, where folders are no classes: a file, one inside the
            photos, or a data frame.
        source: a pretrained network (`timm:NAME`) or several; without one the best at hand.
        minutes: time that the study may take on this computer, about; 10 by default.
        arms: in place of the six that are compared.
        sizes: in place of those chosen for these photos.
        seeds: their number, in place of the one that fits the time; `"auto"` adds seeds where
            evidence is short, within the time.

    Raises:
        HeadstartError: the photos make no study, or a source cannot be used.
    """
    sources = (source,) if isinstance(source, str) else tuple(source)
    table = None if labels is None else _table(labels, alone=False)
    options = PhotoOptions(sources=sources, minutes=minutes, labels=table)
    loaded = load(_table(photos, alone=True), _changes(arms, sizes, seeds), options)
    return Study(**loaded.study.model_dump(mode="json"))


def _table(given: str | Path | Frame, *, alone: bool) -> str:
    """A path as text; a frame as the file that it is saved to."""
    return str(saved_table(given, alone=alone) if is_frame(given) else given)


def load_study(
    study: str,
    *,
    arms: Iterable[str] | None = None,
    sizes: Iterable[str | int | float] | None = None,
    seeds: int | str | None = None,
    minutes: float | None = None,
    variants: Iterable[str] = (),
) -> Study:
    """A study by a recipe's name or a file's path, ready to run.

    With `seeds="auto"` comparisons whose evidence is short get more seeds, as far as `minutes`
    allow, the time that the study may take, about.

    Raises:
        SpecError: with all problems of the study and its data at once.

    Example:
        >>> load_study("digits", arms=["scratch", "full"], sizes=[50], seeds=3).seeds
        (0, 1, 2)
    """
    changes = _changes(arms, sizes, seeds, tuple(variants))
    options = PhotoOptions(minutes=minutes)
    return Study(**load(study, changes, options).study.model_dump(mode="json"))


def _changes(
    arms: Iterable[str] | None,
    sizes: Iterable[str | int | float] | None,
    seeds: int | str | None,
    variants: tuple[str, ...] = (),
) -> Changes:
    return Changes(
        seeds=seeds,
        sizes=None if sizes is None else tuple(str(size) for size in sizes),
        arms=None if arms is None else tuple(arms),
        variants=variants,
    )
