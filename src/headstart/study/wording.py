"""Pydantic's errors in the words of somebody who writes a study file."""

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from headstart.core.errors import known_names

_MUST = {
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "text in quotes",
    "string_too_short": "text that is not empty",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
"""What a value must be, by the kind of pydantic's error."""

_NAMES = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "letters, digits, '.', '_' and '-' only, a letter or digit "
    "first",
    r"^[A-Za-z][A-Za-z0-9_]*$": "letters, digits and '_' only, a letter first",
    r"^[^,/\\]+$": "a name without ',', '/' and '\\'",
}
"""What a name must be, by its pattern."""

_GIVE = {
    "channels": "Give a whole number from 1 on.",
    "cut": "Name the last stage to be frozen.",
    "dataset": "Give the name of a data set (headstart data list) or a path.",
    "figure": "Say which figure it is.",
    "first": "Name a stage of the network.",
    "last": "Name a stage of the network.",
    "layers": 'List its layers: layers = ["flatten", "relu"].',
    "name": "Give it a name.",
    "rate": "Give a share between 0 and 1.",
    "slope": "Give a number from 0 to 1.",
    "source": "Name one of the study's tasks.",
    "stages": "Write [[network.stages]], each with a name and layers.",
    "start": "Give 'fresh', 'source', 'self', 'untrained', the name of another arm, or a table "
    "with first, last and origin.",
    "target": "Name one of the study's tasks.",
    "units": "Give a whole number from 1 on.",
}
"""What to give for a key that is missing, where its kind does not say it."""


def must_be(detail: ErrorDetails) -> str:
    """What the value must be, as the end of a sentence."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "string_pattern_mismatch" and context["pattern"] in _NAMES:
        return f"it must be {_NAMES[context['pattern']]}"
    if kind in _MUST:
        return f"it must be {_MUST[kind].format(**context)}"
    message = detail["msg"]
    return f"{message[:1].lower()}{message[1:]}"


def allowed_for(key: str | int, model: type[BaseModel] | None) -> tuple[str, str]:
    """What is allowed for a key that is missing, and what to do."""
    field = model.model_fields.get(str(key)) if model else None
    names = _names_in(field.annotation) if field else []
    return known_names(names) if names else "", _GIVE.get(str(key), "")


def _names_in(annotation: Any) -> list[str]:
    """The values of a Literal, or the kinds of the models of a union."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    kinds = [getattr(member, "model_fields", {}).get("kind") for member in get_args(annotation)]
    return [str(kind.default) for kind in kinds if kind is not None]
