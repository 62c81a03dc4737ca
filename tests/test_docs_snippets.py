"""Every snippet of the documentation is run, or checked against the real names and options."""

import ast
import inspect
import re
import shlex
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import headstart
from documentation import PAGES, ROOT, Block, blocks, commands_of
from headstart.cli.app import app
from headstart.execute.cluster.settings import ClusterSettings
from headstart.flow.study import study
from headstart.study.study import StudySpec, spelt_out
from photos import photo_folder

LANGUAGES = {"python", "sh", "toml", "js", "text", "{eval-rst}", "{include}"}
RUN_ELSEWHERE = {"docs/own-loop.md", "docs/deploy.md"}  # tests/checks, tests/model
OTHER_PROGRAMS = {"ray", "kubectl", "npm", "source", "mkdir", "cp"}
PYTHONS = {"python", "python3", ".venv/bin/python"}
CALLED = {"study": study}  # names that are called as another function
COMMANDS: Any = typer.main.get_command(app)


def name_of(block: Block) -> str:
    return block.where


def test_every_block_says_its_language() -> None:
    others = {block.where: block.language for block in blocks() if block.language not in LANGUAGES}
    assert not others


# Python


@pytest.mark.parametrize("block", blocks("python"), ids=name_of)
def test_python_uses_names_and_arguments_that_are_there(block: Block) -> None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_headstart(node.value):
            assert node.attr in headstart.__all__, f"hs.{node.attr} is not there"
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and is_headstart(called.value):
            assert isinstance(node, ast.Call)
            bind(node, called.attr)


def is_headstart(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("hs", "headstart")


def bind(call: ast.Call, name: str) -> None:
    """Bind the arguments of a call to the signature of what is called."""
    function = CALLED.get(name) or getattr(headstart, name)
    keywords = {str(keyword.arg): None for keyword in call.keywords}
    inspect.signature(function).bind(*call.args, **keywords)


def run_here() -> list[Any]:
    """The Python blocks that are run by this file, those of one page after each other."""
    pages: dict[str, list[Block]] = {}
    for block in blocks("python"):
        page = str(block.page.relative_to(ROOT))
        if page not in RUN_ELSEWHERE and not block.not_run:
            pages.setdefault(page, []).append(block)
    return [pytest.param(found, id=page) for page, found in pages.items()]


@pytest.mark.parametrize("page", run_here())
def test_python_runs(page: list[Block], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo_folder(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    results = headstart.Results("results.jsonl", control="scratch")
    results.add(arm="scratch", seed=0, labels=[0, 1, 0, 0], answers=[0, 0, 0, 0])
    names: dict[str, Any] = dict(given_names())
    for block in page:
        exec(compile(block.text, block.where, "exec"), names)


def given_names() -> Iterator[tuple[str, Any]]:
    """Names that a page takes as given: a trained model and its test images."""

    class Model:
        def predict(self, images: np.ndarray) -> np.ndarray:
            return images[:, 0].astype(int)

    yield from {"model": Model(), "seed": 0}.items()
    yield "x_test", np.array([[0], [1], [1], [0]])
    yield "y_test", [0, 1, 0, 0]


# Command lines


@pytest.mark.parametrize("block", blocks("sh"), ids=name_of)
def test_commands_are_there_with_their_options(block: Block) -> None:
    commands = commands_of(block)
    assert commands
    for words in commands:
        if "#" not in words:
            check_command(words)


def check_command(words: list[str]) -> None:
    """Check a command line against the program that it calls."""
    program, *rest = words
    if program == "headstart":
        parse(COMMANDS, rest)
    elif program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in rest)
    elif program == "pip":
        check_install(rest)
    else:
        assert program in OTHER_PROGRAMS | PYTHONS, f"{program} is no command that the tests know"


def check_install(words: list[str]) -> None:
    """Check that the extras of `pip install 'headstart[a,b]'` are there."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert words[0] == "install"
    for extras in re.findall(r"(?:headstart|\.)\[(.*?)\]", " ".join(words)):
        for extra in extras.split(","):
            assert extra in config["project"]["optional-dependencies"], f"there is no extra {extra}"


def parse(command: Any, words: list[str], parent: Any = None) -> None:
    """Parse a command line as the command itself does, without calling it."""
    context = command.make_context(command.name, list(words), parent=parent)
    if hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        if rest:
            _, inner, arguments = command.resolve_command(context, rest)
            parse(inner, arguments, context)


INLINE = re.compile(r"`(headstart [a-z]+(?: [^`|]*)?)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_sentences_are_there_with_their_options(page: Path) -> None:
    if page.name in ("CHANGELOG.md", "changelog.md"):  # speaks of what was there at the time
        return
    for text in INLINE.findall(page.read_text(encoding="utf-8")):
        command: Any = COMMANDS
        words = [word for word in shlex.split(text.replace("\n", " "))[1:] if word != "..."]
        while hasattr(command, "commands") and words:
            assert words[0] in command.commands, f"{text}: {words[0]} is no command"
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, f"{text}: {word} is no option"


def test_every_command_and_every_option_of_run_is_documented() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name, command in COMMANDS.commands.items():
        assert f"`headstart {name}" in page, name
        if name == "run":
            for parameter in command.params:
                for option in parameter.opts:
                    if option.startswith("--"):
                        assert re.search(rf"`{option}\b", page), option


# Studies


BASE: dict[str, Any] = {
    "name": "page",
    "tasks": {"target": {"dataset": "mnist-mini"}, "source": {"dataset": "mnist-mini"}},
    "network": "cnn-tiny",
    "training": {"updates": 10},
}


@pytest.mark.parametrize("block", blocks("toml"), ids=name_of)
def test_toml_is_a_study_or_settings_of_a_cluster(block: Block) -> None:
    for part in one_value_each(block.text):
        given = tomllib.loads(part)
        if set(given) <= set(ClusterSettings.model_fields) and "tasks" not in given:
            assert ClusterSettings.model_validate(given)
        elif "name" in given:
            assert StudySpec(**spelt_out(given)).name == given["name"]
        else:
            assert StudySpec(**spelt_out(merged(BASE, given)))


def one_value_each(text: str) -> list[str]:
    """Lines that give one key several values, as separate files; else the text as it is."""
    keys = [line.partition(" =")[0] for line in text.splitlines()]
    return text.splitlines() if len(set(keys)) == 1 and len(keys) > 1 else [text]


def merged(base: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A table with the values of another instead of those of the first."""
    out = deepcopy(base)
    for key, value in given.items():
        inner = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if inner else value
    if "sources" in given:  # which a pretrained network needs no other beside
        out.pop("network", None)
        out["tasks"].pop("source", None)
    return out
