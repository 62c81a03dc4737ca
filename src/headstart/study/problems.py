"""From pydantic's errors to problems a user can act on: where, given, allowed, nearest name."""

from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from headstart.core.errors import Problem, known_names, nearest
from headstart.study.wording import allowed_for, must_be


def problems_from(error: ValidationError, annotation: Any, where: str) -> list[Problem]:
    """One problem for each thing pydantic found wrong, in the order of the file."""
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        path, model = _follow(annotation, detail["loc"])
        place = _join(where, path)
        problem = _problem(detail, place, model)
        if place in found and detail["type"] not in ("extra_forbidden", "missing"):
            continue  # the same value, refused by another member of a union
        found[place] = problem
    # A container is also refused because of what is wrong inside it: only the inside is of use.
    inner = {place for place in found if any(_holds(place, other) for other in found)}
    return [problem for place, problem in found.items() if place not in inner]


def _holds(outer: str, place: str) -> bool:
    return place.startswith((f"{outer}.", f"{outer}["))


def unknown_keys(given: Iterable[str], model: type[BaseModel], where: str) -> list[Problem]:
    """A problem for each key that is not a field of `model`."""
    fields = model.model_fields
    return [_unknown_key(key, _join(where, [key]), model) for key in given if key not in fields]


def _unknown_key(key: str, place: str, model: type[BaseModel] | None) -> Problem:
    fields = list(model.model_fields) if model else []
    return Problem(
        where=place,
        message=f"key '{key}' is not known.",
        allowed=known_names(fields) if fields else "",
        fix=nearest(key, fields),
    )


def _problem(detail: ErrorDetails, place: str, model: type[BaseModel] | None) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    given = detail["input"]
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]), place, model)
    if kind == "missing":
        allowed, fix = allowed_for(detail["loc"][-1], model)
        return Problem(where=place, message="is missing.", allowed=allowed, fix=fix)
    if kind in ("union_tag_invalid", "literal_error"):
        text = context["tag"] if kind == "union_tag_invalid" else given
        listed = context["expected_tags" if kind == "union_tag_invalid" else "expected"]
        names = [name.strip(" '") for name in listed.replace(" or ", ", ").split(",")]
        return Problem(
            where=place,
            message=f"{text!r} is not known.",
            allowed=known_names(names),
            fix=nearest(str(text), names),
        )
    if kind == "value_error":
        return Problem(where=place, message=detail["msg"].removeprefix("Value error, "))
    return Problem(where=place, message=f"got {_short(given)}; {must_be(detail)}.")


def _short(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _join(where: str, path: Iterable[str | int]) -> str:
    text = where
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _follow(
    annotation: Any, loc: tuple[str | int, ...]
) -> tuple[list[str | int], type[BaseModel] | None]:
    """Walk pydantic's path through the types: keep what the file says, drop names of union members.

    Returns the path as a user would write it, and the innermost model on the way.
    """
    path: list[str | int] = []
    model: type[BaseModel] | None = None
    here: list[Any] = [annotation]
    for part in loc:
        here = [choice for given in here for choice in _choices(given)]
        models = [c for c in here if isinstance(c, type) and issubclass(c, BaseModel)]
        member = [m for m in models if part in (_tag(m), m.__name__)]
        if member and not any(part in m.model_fields for m in models):
            here, model = list(member), member[0]
            continue
        if isinstance(part, str) and "[" in part:  # pydantic's name for a validator or a container
            continue
        if models and isinstance(part, str):
            model = models[0]
            path.append(part)
            here = [m.model_fields[part].annotation for m in models if part in m.model_fields]
            continue
        inner = [argument for c in here for argument in _inner(c, part)]
        if inner or isinstance(part, int):
            path.append(part)
            here = inner
    return path, model


def _choices(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [choice for argument in get_args(annotation) for choice in _choices(argument)]
    return [annotation]


def _inner(annotation: Any, part: str | int) -> list[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple and isinstance(part, int):
        return [argument for argument in arguments if argument is not Ellipsis]
    if origin is dict and isinstance(part, str):
        return [arguments[1]]
    return []


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    if field is None or get_origin(field.annotation) is not Literal:
        return None
    return str(get_args(field.annotation)[0])
