"""Help of every command: grouped, with an example that the command line takes."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from commands import Call
from headstart.cli.app import app
from headstart.cli.examples import examples

ROOT: Any = typer.main.get_command(app)


def commands(
    command: Any = ROOT, name: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with its name."""
    yield name, command
    for inner, one in getattr(command, "commands", {}).items():
        yield from commands(one, (*name, inner))


COMMANDS = dict(commands())


def shown(epilog: str) -> list[str]:
    """Commands of an epilog."""
    return [line.strip() for line in epilog.splitlines() if line.startswith("  ")]


def taken(line: str) -> tuple[str, ...]:
    """Name of the command that takes all words of a line; what the shell takes is left out."""
    words = shlex.split(line.partition(" > ")[0])
    assert words.pop(0) == "headstart"
    command, name, above = ROOT, tuple[str, ...](), None
    while True:
        context = command.make_context(name[-1] if name else "headstart", words, parent=above)
        words = [*getattr(context, "_protected_args", []), *context.args]
        if not words:
            return name
        inner, command, words = command.resolve_command(context, words)
        name, above = (*name, inner), context


def test_all_commands_are_looked_at() -> None:
    assert {("run",), ("doctor",), ("recipes", "show"), ("cluster", "slurm")} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_help_has_an_example_that_is_taken(name: tuple[str, ...]) -> None:
    lines = shown(COMMANDS[name].epilog or "")
    assert lines, f"headstart {' '.join(name)} has no example"
    for line in lines:
        assert "COMMAND" in line or taken(line)[: len(name)] == name


def test_an_example_with_a_wrong_option_is_noticed() -> None:
    with pytest.raises(Exception, match="No such option: --sides"):
        taken("headstart plan digits --sides 50")
    with pytest.raises(Exception, match="No such command 'plans'"):
        taken("headstart plans digits")


def test_examples_stand_each_on_a_line(call: Call) -> None:
    out = call("judge", "--help").out
    lines = [line.strip() for line in out.splitlines()]
    start = lines.index("Examples:")
    assert lines[start + 1 : start + 3] == shown(COMMANDS["judge",].epilog)
    assert examples("headstart run signs").splitlines()[1:] == ["Example:", "  headstart run signs"]


def test_commands_are_grouped_in_help(call: Call) -> None:
    out = call("--help").out
    titles = ("Run a study", "Use its models", "Check results", "Set up")
    places = [out.index(f"─ {title}") for title in titles]
    assert places == sorted(places)
    assert places[0] < out.index("│ run ") < places[1] < out.index("│ export ") < places[2]
    assert places[2] < out.index("│ judge ") < places[3] < out.index("│ doctor ")
    assert "─ Commands" not in out
