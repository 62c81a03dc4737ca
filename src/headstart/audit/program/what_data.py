"""Samples behind a value, if there are any."""

from headstart.audit.program.samples import Data, paired
from headstart.audit.program.values import (
    Constant,
    Each,
    Instance,
    Items,
    Key,
    Table,
    Unknown,
    Value,
)


def data_of(value: Value | None) -> Data | None:
    """Samples that a value holds; unknown ones have an unknown origin."""
    match value:
        case None | Constant():
            return None
        case Data():
            return value
        case Each(item, _, data, _):
            return data if data is not None else data_of(item)
        case Items(items):
            return _of_items(items)
        case Table(items):
            return next((data for v in items.values() if (data := data_of(v))), None)
        case Unknown(key):
            return unknown_data(key)
        case Instance():
            return unknown_data(value.key)
        case _:
            return None


def _of_items(items: list[Value]) -> Data | None:
    found = [data_of(item) for item in items]
    images = next((data for data in found if data is not None and data.holds != "labels"), None)
    labels = next((data for data in found if data is not None and data.holds == "labels"), None)
    if images is None:
        return labels
    if len(items) in (2, 3) and len([data for data in found if data is not None]) > 1:
        return paired(images, labels)
    return images


def unknown_data(key: Key) -> Data:
    """Samples of an unknown origin; an item of a loop has the origin of what is looped over."""
    is_item = False
    while isinstance(key, tuple) and key and key[0] in ("item", "index") and len(key) > 1:
        is_item = is_item or key[0] == "item"
        if key[0] == "index" and not is_item_of_loop(key[1]):
            break
        key = key[1]
    return Data(paths=frozenset({(("origin", key),)}), opaque=True, is_batch=is_item)


def is_item_of_loop(key: Key) -> bool:
    """Whether a key is that of an item of a loop, or a part of one."""
    while isinstance(key, tuple) and key and key[0] == "index" and len(key) > 1:
        key = key[1]
    return isinstance(key, tuple) and bool(key) and key[0] == "item"
