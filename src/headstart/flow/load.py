"""A study by its name, its file or its photos, with the changes of a command line."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headstart.analyse.tasks import untested_sentence
from headstart.core.errors import Problem, SpecError, known_names, nearest
from headstart.execute.environment import usable_cores
from headstart.flow.check import Loaded, checked
from headstart.flow.photos import NO_OPTIONS, PhotoOptions, described, new_study
from headstart.flow.study_paths import from_here
from headstart.plan.same_arms import same_arms, same_arms_sentence
from headstart.report.found import found_lines
from headstart.study.archives import is_archive
from headstart.study.arms import DEFAULT_ARMS
from headstart.study.data_checks import untested
from headstart.study.labels import TABLE_SUFFIXES
from headstart.study.leak_preview import predicted_leaks
from headstart.study.load import read_toml
from headstart.study.margin import wide_margin
from headstart.study.recipes import recipes
from headstart.study.shared_classes import shared_class_warnings
from headstart.study.study import AUTO, StudySpec
from headstart.study.variants import with_variants


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a command line changes of a study before it is checked; None leaves it as it is."""

    seeds: int | str | None = None
    sizes: tuple[str, ...] | None = None
    arms: tuple[str, ...] | None = None
    variants: tuple[str, ...] = ()
    skip_broken: bool = False
    follow_links: bool = False
    minutes: float | None = None


def load(study: str, changes: Changes = Changes(), photos: PhotoOptions = NO_OPTIONS) -> Loaded:
    """A study by a recipe's name or a file's path, or that of a folder of photos.

    Raises:
        SpecError: with all problems of the study and its data at once.
        HeadstartError: the photos make no study.
    """
    if means_photos(study, photos):
        adds_seeds = changes.seeds == AUTO
        options = replace(
            photos,
            skip_broken=changes.skip_broken,
            follow_links=changes.follow_links,
            adds_seeds=adds_seeds,
        )
        new = new_study(study, options, usable_cores())
        if adds_seeds:
            changes = replace(changes, minutes=options.time)
        loaded = _checked(new.table, f"the study of {study}", changes)
        return replace(loaded, made_of=(*new.made_of, *described(loaded, usable_cores())))
    path = find_study(study)
    origin = study if study in recipes() else str(path)
    return _checked(read_toml(path), origin, replace(changes, minutes=photos.minutes), path.parent)


def _checked(table: dict[str, Any], origin: str, changes: Changes, folder: Path = Path()) -> Loaded:
    """A study of tables whose relative paths are from a folder, with changes, checked."""
    given, problems = with_variants(table, changes.variants)
    return checked(from_here(_changed(given, changes), folder), origin, problems)


def means_photos(study: str, photos: PhotoOptions) -> bool:
    """Whether a study is named by the photos that it is about.

    A recipe's name stays one where a folder of that name happens to lie in the current folder;
    `./name` means the folder.

    Raises:
        SpecError: it is a recipe or a study file, which names its sources itself.
    """
    path = Path(os.path.expanduser(study))
    is_study = path.suffix == ".toml" or study in recipes()
    if is_study and (photos.sources or photos.labels is not None):
        problem = Problem(
            where="",
            message="is a study, which names its sources and its labels.",
            fix="Leave --source and --labels out, or give the folder of photos instead.",
        )
        raise SpecError([problem], study)
    table = path.suffix.lower() in TABLE_SUFFIXES
    folder = os.path.isdir(path) or is_archive(path) or table
    return not is_study and (photos.given or folder)


def found(loaded: Loaded) -> tuple[str, ...]:
    """What was found of the data of a study, and what it was made of, in lines."""
    return (*found_lines(loaded.tasks), *loaded.made_of)


def warnings(loaded: Loaded) -> tuple[str, ...]:
    """What a study will come to that its author may not want, known before anything is trained."""
    study, facts = loaded.study, loaded.facts
    return (
        *predicted_leaks(study, facts),
        *shared_class_warnings(study, facts),
        *(same_arms_sentence(names, study) for names in same_arms(study, facts)),
        *_wide_margin(study),
        *_untested(loaded),
    )


def _wide_margin(study: StudySpec) -> Iterator[str]:
    if study.margin != AUTO and (sentence := wide_margin(float(study.margin))):
        yield sentence


def _untested(loaded: Loaded) -> Iterator[str]:
    for name in dict.fromkeys(pair.target for pair in loaded.study.pairs):
        task = loaded.study.tasks[name]
        if classes := untested(task, loaded.facts.of(task)):
            yield untested_sentence(name, classes)


def find_study(study: str) -> Path:
    """The file of a recipe or the path itself.

    Raises:
        SpecError: it is neither a recipe nor a file.
    """
    return Path(study) if is_path(study) else recipe(study)


def is_path(study: str) -> bool:
    """Whether a study is named by its file, which need not be there."""
    path = Path(study)
    return os.path.isfile(path) or path.suffix == ".toml" or len(path.parts) > 1


def recipe(name: str) -> Path:
    """The file of a built-in study.

    Raises:
        SpecError: there is no recipe of that name.
    """
    known = recipes()
    if name in known:
        return known[name]
    problem = Problem(
        where="",
        message="is neither a recipe nor a file.",
        allowed=known_names(known),
        fix=nearest(name, known) or "List the recipes with: headstart recipes",
    )
    raise SpecError([problem], f"'{name}'")


def _changed(given: dict[str, Any], changes: Changes) -> dict[str, Any]:
    changed = dict(given)
    if changes.seeds is not None:
        changed["seeds"] = changes.seeds
    if changes.minutes is not None:
        changed["minutes"] = changes.minutes
    if changes.sizes is not None:
        changed["sizes"] = list(changes.sizes)
    if changes.arms is not None:
        control = given.get("control", StudySpec.model_fields["control"].default)
        wanted = dict.fromkeys([control, *changes.arms])  # nothing is compared without it
        changed["arms"] = _arms_named(given.get("arms"), wanted)
        if isinstance(given.get("published"), list):
            left_out = _names(given.get("arms", DEFAULT_ARMS)) - set(wanted)
            changed["published"] = [
                figure
                for figure in given["published"]
                if not isinstance(figure, dict) or figure.get("arm") not in left_out
            ]
    tasks = given.get("tasks")
    reading = {word: True for word in ("skip_broken", "follow_links") if getattr(changes, word)}
    if reading and isinstance(tasks, dict):
        changed["tasks"] = {name: _reading(task, reading) for name, task in tasks.items()}
    return changed


def _reading(task: object, words: dict[str, bool]) -> object:
    """A task whose image files are read so; what is no table is reported by the checks."""
    image = task.get("image", {}) if isinstance(task, dict) else None
    if not isinstance(task, dict) or not isinstance(image, dict):
        return task
    return {**task, "image": {**image, **words}}


def _names(arms: object) -> set[object]:
    """What the arms of a study file are called, as far as they are."""
    listed = arms if isinstance(arms, list | tuple) else ()
    return {arm.get("name") if isinstance(arm, dict) else arm for arm in listed}


def _arms_named(own: object, wanted: Iterable[str]) -> list[Any]:
    """The study's own arms by name, else built-in ones; the checks report an unknown name."""
    tables = [arm for arm in own if isinstance(arm, dict)] if isinstance(own, list) else []
    by_name = {arm.get("name"): arm for arm in tables}
    return [by_name.get(name, name) for name in wanted]
