"""What a loop runs over, and how often."""

from collections.abc import Iterator

from headstart.audit.program.machine import Loop, Machine
from headstart.audit.program.samples import Data
from headstart.audit.program.values import (
    Constant,
    Each,
    Items,
    Key,
    Prediction,
    Table,
    Unknown,
    Value,
    key_of,
)

_MOST_UNROLLED = 12


def items_of(value: Value) -> list[Value] | None:
    """Items that are known one by one; None for all else."""
    if isinstance(value, Table):
        return [Constant(key) for key in value.items]
    return list(value.items) if isinstance(value, Items) else None


def unrolled(value: Value) -> list[Value] | None:
    """Items that a loop takes one after the other: few, and no list of numbers, such as rates."""
    items = items_of(value)
    if items is None or len(items) > _MOST_UNROLLED or (items and _is_numbers(value)):
        return None
    return items


def passes(machine: Machine, iterable: Value) -> Iterator[tuple[Value, Loop]]:
    """Items that a loop takes one after the other, or a typical one, each with its loop."""
    items = unrolled(iterable)
    if items is not None:
        for item in items:
            yield item, machine.new_loop(1, None)
        return
    key = ("loop", machine.tick())
    item, count, over_data, folds = loop_items(iterable, key)
    yield item, machine.new_loop(count, key, over_data=over_data, seeds=folds)


def loop_items(iterable: Value, key: Key) -> tuple[Value, float | None, bool, bool]:
    """Typical item of an iterable, how many there are, whether samples, whether folds."""
    match iterable:
        case Each(item, count, data, folds):
            known = Unknown(key) if isinstance(item, Unknown) and data is None else item
            return known, count, data is not None, folds
        case Prediction():
            return iterable, None, False, False
        case Data():
            return batch_of(iterable), None, True, False
        case Items(items):
            return Unknown(key), len(items), False, False
        case _:
            return Unknown(("item", key_of(iterable))), None, True, False


def _is_numbers(value: Value) -> bool:
    """Whether a list holds numbers alone, such as rates or seeds."""
    return isinstance(value, Items) and all(
        isinstance(item, Constant) and isinstance(item.value, int | float) for item in value.items
    )


def batch_of(data: Data) -> Value:
    """One batch: a pair of images and labels where both are known to be there."""
    batch = data.updated(is_batch=True, splits=None)
    if batch.holds == "both" and batch.images_of is not None:
        return Items([batch.half("images"), batch.half("labels")])
    return batch
