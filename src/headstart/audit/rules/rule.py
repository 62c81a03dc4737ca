"""Rules, what they find, and the decorator that declares one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from headstart.audit.program.story import Story
from headstart.audit.source import Place

Level: TypeAlias = Literal["slip", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a rule found: the line to look at, a sentence, and other lines that belong to it."""

    place: Place
    says: str
    also: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Slip that text can show.

    A `note` is no slip by itself and does not change the exit status. `example` is code that has
    the slip, `twin` the same code without it.
    """

    id: str
    level: Level
    title: str
    why: str
    settles: str
    example: str
    twin: str
    find: Callable[[Story], Iterable[Found]]


def rule(
    id: str, title: str, *, settles: str, example: str, twin: str, level: Level = "slip"
) -> Callable[[Callable[[Story], Iterable[Found]]], Rule]:
    """Decorator that makes a rule of a function; its docstring says why the slip matters.

    Args:
        id: Name of the rule in docs/audit.md and in JSON.
        title: The slip in a few words.
        settles: What would settle it, with the command or check of headstart that does.
        example: Code that has the slip.
        twin: The same code without it.
        level: `slip`, or `note` for what is worth knowing and no fault.
    """

    def declare(function: Callable[[Story], Iterable[Found]]) -> Rule:
        why = " ".join((function.__doc__ or "").split())
        return Rule(
            id=id,
            level=level,
            title=title,
            why=why,
            settles=settles,
            example=example,
            twin=twin,
            find=function,
        )

    return declare
