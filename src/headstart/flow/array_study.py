"""A study of what is in memory: arrays or data sets, and a model in a variable."""

from collections.abc import Iterable, Mapping
from typing import Any

from headstart.core.errors import (
    CheckpointError,
    DataError,
    HeadstartError,
    NetworkError,
    Problem,
    SpecError,
    unknown,
)
from headstart.core.hashing import digest
from headstart.core.names import in_a_row
from headstart.data.given.labels import are_by_task, are_names, names_of
from headstart.data.given.pixels import Sides
from headstart.flow.array_budget import (
    ORIGIN,
    TARGET,
    Given,
    fitting,
    problems_of_settings,
)
from headstart.flow.check import Loaded
from headstart.flow.given_networks import (
    GivenNetwork,
    checkpoint_of,
    default_network,
    fits,
    is_model,
    needs_image,
    network_of,
    sides_of,
)
from headstart.flow.given_tasks import Asked, GivenTask, is_data, task_of
from headstart.flow.photos import time_line
from headstart.networks.checkpoints.at_hand import best_at_hand
from headstart.study.arms import DEFAULT_ARMS
from headstart.study.network_facts import Shape
from headstart.study.photo_study import ARMS, source_names, study_name
from headstart.study.study import StudySpec

SOURCE = "source"


def array_study(given: Given, workers: int) -> tuple[Loaded, tuple[str, ...]]:
    """The study of what was given, checked, and what became of each part, in lines.

    Raises:
        SpecError: with all problems of what was given at once.
    """
    reader = _Reader(given)
    reader.read()
    problems = [*reader.problems, *problems_of_settings(given)]
    if problems:
        raise SpecError(problems, ORIGIN)
    table = reader.table()
    loaded, more = fitting(table, given, workers)
    return loaded, (*reader.lines, *more, time_line(loaded, workers))


class _Reader:
    """Reads every part of what was given, and collects what is wrong with any."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.problems: list[Problem] = []
        self.lines: list[str] = []
        self.tasks: dict[str, GivenTask] = {}
        self.sources: dict[str, dict[str, Any]] = {}
        self.network: GivenNetwork | None = None
        self._sides: Sides | None = None

    def read(self) -> None:
        """Read all of it."""
        given, sources = self.given, _by_name(self.given.source)
        models = [given.network, *(one for one in sources.values() if is_model(one))]
        self._sides = next((sides for one in models if (sides := sides_of(one)) is not None), None)
        self._target()
        for name, source in sources.items():
            self._source(name, source, alone=len(sources) == 1)
        if not sources:
            self._no_source()
        self._network()
        self._fit(models)
        self._check_said_of_tasks([name for name, source in sources.items() if is_data(source)])

    def _target(self) -> None:
        given = self.given
        if not isinstance(given.target, str | Mapping) and not is_data(given.target):
            message = f"got {type(given.target).__name__}. Expected images with labels: (x, y)."
            self.problems.append(Problem(where=TARGET, message=message))
            return
        names = names_of(given.class_names, TARGET)
        asked = Asked(
            name=TARGET,
            test=given.test,
            labels=given.labels,
            class_names=names,
            sides=self._sides,
            is_target=True,
        )
        self._task(given.target, asked)

    def _task(self, given: Any, asked: Asked) -> None:
        try:
            task, problems = task_of(given, asked)
        except DataError as error:
            task, problems = None, [Problem(where=asked.name, message=str(error))]
        self.problems += problems
        if task is not None:
            self.tasks[asked.name] = task
            self._say(asked.name, task.notes)

    def _source(self, name: str, source: Any, *, alone: bool) -> None:
        """A source: a task that the study trains on, or a network with weights."""
        if name == TARGET:
            self.problems.append(
                Problem(where=f"source '{name}'", message="is the name of the target.")
            )
        elif is_data(source):
            test = self.given.source_test
            test = test if alone or not isinstance(test, Mapping) else test.get(name)
            names = names_of(self.given.class_names, name)
            self._task(source, Asked(name=name, test=test, class_names=names, sides=self._sides))
            self.sources[name] = {"task": name}
        elif isinstance(source, str):
            self.sources[name] = {"pretrained": source}
        else:
            self._checkpoint(name, source)

    def _checkpoint(self, name: str, model: Any) -> None:
        if self._waits_for_image(model):
            return
        try:
            found = checkpoint_of(model, self._image)
        except HeadstartError as error:
            self.problems.append(Problem(where=name, message=str(error)))
            return
        weights = {} if found.weights is None else {"weights": found.weights}
        self.sources[name] = {"pretrained": found.network, **weights}
        self._say(name, found.notes)

    def _no_source(self) -> None:
        """Without a source the best network at hand is one; a network alone is none."""
        if self.given.network is not None:
            self.problems.append(
                Problem(
                    where="source",
                    message="is missing: a network alone has nothing to transfer.",
                    allowed="Expected source=(x, y), images to train it on first; or a pretrained "
                    "network, source='timm:NAME'; or a trained model, source=model.",
                )
            )
            return
        try:
            best = best_at_hand("source='timm:NAME'").network
        except CheckpointError as error:
            self.problems.append(Problem(where="source", message=str(error)))
            return
        self.sources[SOURCE] = {"pretrained": best}
        self._say(SOURCE, (f"{best}, the best at hand",))

    def _network(self) -> None:
        trained = [name for name, source in self.sources.items() if "task" in source]
        if self.given.network is None:
            if trained:
                self.network = default_network(self._image)
                self._say("network", self.network.notes)
            return
        if self.sources and not trained:
            self.problems.append(
                Problem(
                    where="network",
                    message="goes with a source to train it on; a pretrained one brings its own.",
                    fix="Leave network out, or give source=(x, y).",
                )
            )
            return
        if self._waits_for_image(self.given.network):
            return
        try:
            self.network = network_of(self.given.network, self._image)
        except NetworkError as error:
            self.problems.append(Problem(where="network", message=str(error)))
            return
        self._say("network", self.network.notes)

    def _fit(self, models: Iterable[Any]) -> None:
        """Check shapes of images against one another and against the models."""
        images = {name: task.image for name, task in self.tasks.items() if task.image is not None}
        if len(set(images.values())) > 1:
            shown = [f"{name} {_shape(image)}" for name, image in images.items()]
            self.problems.append(
                Problem(
                    where="source and target",
                    message=f"have images of several shapes: {in_a_row(shown)}.",
                    fix="One network is given both: bring them to one shape (height, width, "
                    "channels).",
                )
            )
        for model in models:
            sides = sides_of(model)
            others = [name for name, image in images.items() if not fits(sides, image)]
            if others and sides is not None:
                wanted = " x ".join("any" if side is None else str(side) for side in sides)
                shown = [f"{name} {_shape(images[name])}" for name in others]
                self.problems.append(
                    Problem(
                        where="network",
                        message=f"takes inputs of {wanted}, and images are {in_a_row(shown)}.",
                        fix="Give images of that shape, or a model for these images.",
                    )
                )

    def _check_said_of_tasks(self, trained: list[str]) -> None:
        """Check that what was said of tasks besides their images has its task."""
        tests, names = self.given.source_test, self.given.class_names
        if tests is not None and not trained:
            message = "goes with a source of images with labels, and there is none."
            self.problems.append(Problem(where="source_test", message=message))
        if len(trained) > 1 and isinstance(tests, Mapping):
            self.problems += [
                unknown("source", name, trained, where="source_test")
                for name in tests
                if name not in trained
            ]
        if are_by_task(names):
            tasks = [TARGET, *trained]
            self.problems += [
                unknown("task", name, tasks, where="class_names")
                for name in names
                if name not in tasks
            ]
        elif names is not None and not are_names(names):
            message = f"got {names!r}. Expected names in the order of the labels' numbers."
            self.problems.append(Problem(where="class_names", message=message))

    def _waits_for_image(self, model: Any) -> bool:
        """Whether a model cannot be read, for images that could not be read either."""
        return needs_image(model) and self._image is None and bool(self.problems)

    @property
    def _image(self) -> Shape | None:
        return next((task.image for task in self.tasks.values() if task.image is not None), None)

    def _say(self, name: str, notes: Iterable[str]) -> None:
        self.lines += [f"{name}: {note}" for note in notes]

    def table(self) -> dict[str, Any]:
        """The study, but for its budget."""
        given = self.given
        table: dict[str, Any] = {
            "question": "Does training on the source first help on these images, and how?",
            "sources": self.sources,
            "tasks": {name: task.table for name, task in self.tasks.items()},
            "arms": list(given.arms or self._arms),
        }
        if self.network is not None:
            table["network"] = self.network.network
        if given.arms is not None and StudySpec.model_fields["control"].default not in given.arms:
            table["arms"].insert(0, StudySpec.model_fields["control"].default)
        dataset = table["tasks"][TARGET]["dataset"]
        own = isinstance(given.target, str)
        table["name"] = given.name or (
            study_name(dataset) if own else f"arrays-{digest(table)[:8]}"
        )
        return table

    @property
    def _arms(self) -> tuple[str, ...]:
        trained = any("task" in source for source in self.sources.values())
        return DEFAULT_ARMS if trained else ARMS


def _by_name(source: Any) -> dict[str, Any]:
    """Sources by name; one alone is `source`."""
    if source is None or (isinstance(source, list | tuple) and not source):
        return {}
    if isinstance(source, str):
        return {SOURCE: source} if is_data(source) else dict(source_names((source,)))
    if is_data(source) or is_model(source):
        return {SOURCE: source}
    if isinstance(source, Mapping):
        return dict(source)
    if isinstance(source, list | tuple) and all(isinstance(one, str) for one in source):
        return dict(source_names(tuple(dict.fromkeys(source))))
    return {SOURCE: source}


def _shape(image: Shape) -> str:
    return " x ".join(map(str, image))
