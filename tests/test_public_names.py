"""The public names are those listed, sorted, each documented, and loaded when first used."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.flow.study import study


def test_the_list_is_sorted_and_complete() -> None:
    assert headstart.__all__ == sorted(headstart.__all__)
    assert dir(headstart) == headstart.__all__


@pytest.mark.parametrize("name", headstart.__all__)
def test_every_name_is_there_and_says_what_it_is_for(name: str) -> None:
    thing = getattr(headstart, name)
    assert name == "__version__" or thing.__doc__


@pytest.mark.parametrize("name", headstart.__all__)
def test_every_name_is_in_the_reference(name: str) -> None:
    page = Path(__file__).parent.parent / "docs" / "api.md"
    assert re.search(rf"headstart\.{name}\b", page.read_text(encoding="utf-8"))


def public_functions() -> list[Any]:
    """Every public function, class and method that takes arguments, by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in headstart.__all__:
        thing = study if name == "study" else getattr(headstart, name)
        if inspect.isclass(thing):
            # A study's arguments are the words of its file; an analysis is made by headstart alone.
            if "__init__" in vars(thing) and name not in ("Study", "Analysis", "InputFacts"):
                found[name] = thing
            methods = inspect.getmembers(thing, inspect.isfunction)
            for method, function in methods:
                own = function.__qualname__.startswith(f"{thing.__name__}.")
                if own and not method.startswith("_"):
                    found[f"{name}.{method}"] = function
        elif inspect.isfunction(thing):
            found[name] = thing
    return [pytest.param(found[name], id=name) for name in found if arguments_of(found[name])]


def arguments_of(function: Callable[..., Any]) -> list[str]:
    """Names of the arguments, without `self`."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


def documented(text: str, heading: str) -> list[str]:
    """Names that a section of a docstring lists."""
    section = re.search(rf"^{heading}:\n((?: +.*\n?|\n)+)", text, re.MULTILINE)
    return re.findall(r"^    (\w+): ", section[1], re.MULTILINE) if section else []


@pytest.mark.parametrize("function", public_functions())
def test_every_argument_is_documented(function: Callable[..., Any]) -> None:
    text = inspect.getdoc(function) or ""
    assert documented(text, "Args") == arguments_of(function)


@pytest.mark.parametrize("function", public_functions())
def test_errors_are_documented(function: Callable[..., Any]) -> None:
    if "." in function.__qualname__ and function.__module__ == "headstart.analyse.analysis.study":
        return  # what reads an analysis raises nothing
    if inspect.isclass(function):
        return
    assert documented(inspect.getdoc(function) or "", "Raises")


@pytest.mark.parametrize("result", [headstart.Analysis, headstart.InputFacts])
def test_every_field_of_a_result_is_documented(result: Any) -> None:
    texts = [vars(kind)["__doc__"] or "" for kind in reversed(result.__mro__) if kind is not object]
    named = [name for text in texts for name in documented(inspect.cleandoc(text), "Attributes")]
    assert named == [field.name for field in fields(result)]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'headstart' has no attribute 'nothing'"):
        _ = headstart.nothing


def test_importing_headstart_loads_nothing_heavy() -> None:
    code = (
        "import sys, headstart; "
        "print([m for m in ('torch', 'numpy', 'pydantic', 'scipy', 'rich') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_study_runs_from_python(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("python") / "store"
    study = headstart.load("digits", arms=["scratch", "full"], sizes=[20], seeds=1)
    short = study.model_copy(
        update={"training": study.training.model_copy(update={"epochs": 0.01, "min_updates": 2})}
    )
    analysis = short.run(str(folder), workers=1)
    assert [result.arm for result in analysis.arms] == ["scratch", "full"]
    assert analysis.comparisons[0].verdict == "not enough evidence"
