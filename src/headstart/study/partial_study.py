"""Sections of a study as far as they could be read, so that one error hides no other."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

Place = int | str
"""Where an element is in its section: its index, or its name."""


class PartialStudy(dict[str, Any]):
    """The sections that could be read, by name; of lists and tables the elements that could be.

    `unread` has what was given in place of the others, by section and place. An element in
    `repaired` was read without those of its keys that are wrong: what it leaves open may have been
    meant.
    """

    def __init__(self, sections: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__(sections)
        self.unread: dict[str, dict[Place, Any]] = {}
        self.repaired: dict[str, set[Place]] = {}

    def numbered(self, section: str) -> Iterator[tuple[int, Any]]:
        """The elements of a list with their indices in the file."""
        unread = self.unread.get(section, {})
        elements = self.get(section, ())
        places = (n for n in range(len(elements) + len(unread)) if n not in unread)
        return zip(places, elements, strict=True)

    def whole(self, section: str) -> bool:
        """Whether a section was read, and nothing in it is broken."""
        return section in self and not self.unread.get(section)

    def salvage(self, section: str, given: Any, annotation: Any, *, mend: bool) -> None:
        """Read the sound elements of a section that could not be read as a whole.

        With `mend`, an element that is a table is read without those of its keys that are wrong,
        where it can be.
        """
        inner = _element(annotation)
        pairs: Iterable[tuple[Place, Any]]
        if inner is None or not isinstance(given, dict if inner[0] is dict else list | tuple):
            return
        pairs = given.items() if isinstance(given, dict) else enumerate(given)
        adapter: TypeAdapter[Any] = TypeAdapter(inner[1])
        read: dict[Place, Any] = {}
        unread: dict[Place, Any] = {}
        for place, element in pairs:
            try:
                read[place] = adapter.validate_python(element)
            except ValidationError as error:
                found = _mended(element, error, adapter) if mend else None
                if found is None:
                    unread[place] = element
                else:
                    read[place] = found
                    self.repaired.setdefault(section, set()).add(place)
        if not read and not unread:
            return
        self[section] = read if isinstance(given, dict) else tuple(read.values())
        self.unread[section] = unread


def _element(annotation: Any) -> tuple[type, Any] | None:
    """The container (dict or tuple) that a section is, and the type of its elements."""
    if get_origin(annotation) is Annotated:
        return _element(get_args(annotation)[0])
    if get_origin(annotation) not in (dict, tuple):
        return None
    arguments = get_args(annotation)
    return (dict, arguments[1]) if get_origin(annotation) is dict else (tuple, arguments[0])


def _mended(given: Any, error: ValidationError, adapter: TypeAdapter[Any]) -> Any | None:
    wrong = {detail["loc"][0] for detail in error.errors(include_url=False) if detail["loc"]}
    if not isinstance(given, dict) or not wrong & given.keys():
        return None
    try:
        return adapter.validate_python({k: v for k, v in given.items() if k not in wrong})
    except ValidationError:
        return None
