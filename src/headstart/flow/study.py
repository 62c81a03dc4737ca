"""The study as Python has it: an object that runs itself."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from headstart.analyse.text import comma_list, plural
from headstart.execute.environment import usable_cores
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import Listener, StepOutcome
from headstart.flow.array_budget import Given
from headstart.flow.array_study import array_study
from headstart.flow.check import Loaded, with_facts
from headstart.flow.engine import default_workers, run
from headstart.flow.frames import Frame, is_frame, saved_table
from headstart.flow.given_tasks import is_data
from headstart.flow.live_progress import Show, live_progress
from headstart.flow.load import Changes, found, load, warnings
from headstart.flow.photos import PhotoOptions
from headstart.flow.reopen import cost_of_run
from headstart.flow.shown import ShownAnalysis, shown
from headstart.flow.trackers.registry import require_trackers, write_to
from headstart.plan.steps import Step
from headstart.study.study import StudySpec
from headstart.study.toml import toml_of

DEFAULT_STORE = Path("headstart-store")


class Study(StudySpec):
    """A study that can be run: `Study(...).run()`. Printed, it says what it was made of.

    Its arguments are the keys of a study file (docs/study-file.md), with the same defaults; `load`
    makes one from a file, and `study` from photos or from what is in memory. It is frozen and
    checked. A notebook's cell shows what a run would take.
    """

    _found: tuple[str, ...] = PrivateAttr(default=())

    def __str__(self) -> str:
        """What was found and what became of it, in lines; what it asks, if made by its keys."""
        if not self._found:
            return repr(self)
        return "\n".join((f"study '{self.name}'", *(f"  {line}" for line in self._found)))

    def toml(self) -> str:
        """The study file that stands for it; arrays and models are named by their files."""
        return toml_of(self)

    def run(
        self,
        store: Path | str = DEFAULT_STORE,
        *,
        workers: int | None = None,
        same_device: bool = False,
        progress: Show = "auto",
        track: Iterable[str] = (),
        listen: Listener | None = None,
    ) -> ShownAnalysis:
        """Run what is missing and give the analysis. What the store holds is not run again.

        Args:
            store: folder of the store, which is made where it is not there.
            workers: number of worker processes; left out, one for each core, and none for little
                work. 1 computes in this process.
            same_device: whether stored steps of another kind of device are refused.
            progress: `auto` shows it in a notebook's cell, on a terminal, or as lines on stderr.
            track: experiment trackers that get the trials and the report: `mlflow`, `tensorboard`,
                `wandb`, or one with where it writes, such as `mlflow=http://localhost:5000`.
            listen: called when a step begins (without an outcome) and when it ends.

        Raises:
            SpecError: with all problems of the study and its data at once.
            StoreError: the store cannot be opened, read or written.
            DeviceError: with `same_device`, where stored steps were computed on another kind of
                device than this machine's.
            OutputError: a tracker's library is missing, or a tracker cannot be written.
            KeyboardInterrupt: what was finished stays; the same call goes on from there.
        """
        folder, trackers = Path(store).absolute(), _texts(track)
        options = RunOptions(store=folder, workers=workers, same_device=same_device)
        require_trackers(trackers)
        with live_progress(workers or default_workers(), progress) as (planned, heard):

            def both(step: Step, outcome: StepOutcome | None) -> None:
                heard(step, outcome)
                if listen is not None:
                    listen(step, outcome)

            done = run(with_facts(self), options, listen=both, planned=planned)
        write_to(trackers, done, options.store)
        return shown(done.analysis, done.summary, options.store, done.number)

    def _repr_html_(self) -> str:
        from headstart.report.notebook.plan import plan_cell

        loaded = with_facts(self)
        cost = cost_of_run(loaded, DEFAULT_STORE, default_workers())
        return plan_cell(self, cost, loaded.tasks, warnings(loaded), self._found)

    def __repr__(self) -> str:
        arms = comma_list(arm.name for arm in self.arms)
        return f"<Study '{self.name}': {arms}; {plural(len(self.seeds), 'seed')}>"


def study(
    target: Any,
    *,
    labels: str | Path | Frame | None = None,
    source: Any = None,
    test: Any = None,
    source_test: Any = None,
    network: Any = None,
    class_names: Any = None,
    training: Mapping[str, Any] | None = None,
    minutes: float | None = None,
    arms: Iterable[str | Mapping[str, Any]] | None = None,
    sizes: Iterable[str | int | float] | None = None,
    seeds: int | str | None = None,
    name: str | None = None,
) -> Study:
    """The study of photos, or of images with labels that are in memory.

    Args:
        target: a folder or an archive of photos, with a folder for each class; a table of labels,
            a file or a data frame of pandas or polars with the paths; or what is in memory: (x, y)
            of arrays or tensors, a torch Dataset, a tf.data or Hugging Face dataset.
        labels: of photos, the table of their labels, where folders are no classes.
        source: what transfer comes from: images with labels of any of these kinds, on which the
            study trains the network, once a seed; a pretrained network (`"timm:NAME"`) or several;
            a trained Keras model or torch module, with its weights; a dict of such. Without one the
            best pretrained network at hand.
        test: of arrays, the images and labels to test with; without them a part of the others.
        source_test: the same of the source.
        network: what is trained where the source is images: a Keras model, a torch module, a
            function or class that makes one for a number of classes, or a name. Weights that it has
            are not used.
        class_names: of arrays, names in the order of the labels' numbers, or by label; a dict with
            `target` and `source` where they differ.
        training: `[training]` of a study file, such as `{"epochs": 5, "batch_size": 128}`; what it
            leaves open is chosen to fit the time.
        minutes: time that the study may take on this computer, about; 10 by default.
        arms: in place of those that are compared: names, or tables as `[[arms]]` of a study file
            has them, such as `{"name": "thaw_two", "start": "source", "strategy": {"kind":
            "freeze", "cut": "dense1"}}`.
        sizes: in place of those chosen for these images.
        seeds: their number, in place of the one that fits the time; `"auto"` adds seeds where
            evidence is short, within the time.
        name: of the study.

    Raises:
        HeadstartError: no study can be made of it, with all that is wrong at once.

    Example:
        >>> from headstart.data.datasets import open_part
        >>> from headstart.study.tasks import DataRef
        >>> digits = open_part(DataRef(dataset="mnist-mini"), "train")
        >>> low = digits.labels < 5
        >>> made = study(
        ...     (digits.pixels[low][:300], digits.labels[low][:300]),
        ...     source=(digits.pixels[~low][:300], digits.labels[~low][:300]),
        ...     network="cnn-tiny",
        ...     minutes=1,
        ... )
        >>> [arm.name for arm in made.arms]
        ['scratch', 'random_trunk', 'probe', 'full', 'probe_then_full']
    """
    named = (source,) if isinstance(source, str) else () if source is None else source
    in_memory = {"test": test, "source_test": source_test, "network": network}
    in_memory |= {"class_names": class_names, "training": training, "name": name}
    table = None if labels is None else _table(labels, alone=False)
    files = isinstance(target, str | PathLike) or (
        is_frame(target) and not hasattr(target, "column_names")
    )
    names_only = isinstance(named, list | tuple) and all(
        isinstance(one, str) and not is_data(one) for one in named
    )
    given_arms = None if arms is None else _arms(arms)
    named_arms = all(isinstance(arm, str) for arm in given_arms or ())
    if files and names_only and named_arms and all(one is None for one in in_memory.values()):
        options = PhotoOptions(sources=tuple(named), minutes=minutes, labels=table)
        names = None if given_arms is None else [str(arm) for arm in given_arms]
        changes = _changes(names, sizes, seeds)
        loaded = load(_table(target, alone=True), changes, options)
        return _study_of(loaded, ())
    given = Given(
        target=target,
        source=source,
        labels=table,
        **in_memory,
        minutes=minutes,
        arms=given_arms,
        sizes=None if sizes is None else _texts(sizes),
        seeds=seeds,
    )
    return _study_of(*array_study(given, usable_cores()))


def _study_of(loaded: Loaded, lines: tuple[str, ...]) -> Study:
    made = Study(**loaded.study.model_dump(mode="json"))
    made._found = (*found(loaded), *lines, *(f"note: {one}" for one in warnings(loaded)))
    return made


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

    Args:
        study: name of a recipe (`recipes()`), or path of a study file.
        arms: only these, and the control.
        sizes: amounts of labelled target images in place of the study's: a count, a share,
            `"5 per class"` or `"all"`.
        seeds: their number, in place of the study's; `"auto"` adds seeds where evidence is short.
        minutes: with `seeds="auto"`, time that the study may take, about.
        variants: names of variants of the study to apply, such as `"quick"`.

    Raises:
        SpecError: with all problems of the study and its data at once.

    Example:
        >>> load_study("digits", arms=["scratch", "full"], sizes=[50], seeds=3).seeds
        (0, 1, 2)
    """
    changes = _changes(arms, sizes, seeds, tuple(variants))
    options = PhotoOptions(minutes=minutes)
    return _study_of(load(study, changes, options), ())


def _changes(
    arms: Iterable[str] | None,
    sizes: Iterable[str | int | float] | None,
    seeds: int | str | None,
    variants: tuple[str, ...] = (),
) -> Changes:
    return Changes(
        seeds=seeds,
        sizes=None if sizes is None else _texts(sizes),
        arms=None if arms is None else _texts(arms),
        variants=variants,
    )


def _arms(given: Iterable[str | Mapping[str, Any]]) -> tuple[str | dict[str, Any], ...]:
    """Names of arms as they are, and tables as such; a text is one name."""
    arms = (given,) if isinstance(given, str | Mapping) else given
    return tuple(dict(arm) if isinstance(arm, Mapping) else str(arm) for arm in arms)


def _texts(given: Iterable[str | int | float]) -> tuple[str, ...]:
    """Names or sizes as text; a text is one, and not its letters."""
    return (given,) if isinstance(given, str) else tuple(map(str, given))
