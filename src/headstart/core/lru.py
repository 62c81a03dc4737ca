"""LRU cache bounded by the bytes of its values."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class SizedLRU(Generic[Value]):
    """Values by key, the longest unused dropped first when they outgrow `limit` bytes.

    A value larger than the limit is handed out and not kept.
    """

    def __init__(self, limit: int, size_of: Callable[[Value], int]) -> None:
        self.limit = limit
        self._size_of = size_of
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `key`, made if it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = make()
        if self._size_of(value) > self.limit:
            return value
        self._values[key] = value
        self._size += self._size_of(value)
        while self._size > self.limit:
            _, dropped = self._values.popitem(last=False)
            self._size -= self._size_of(dropped)
        return value
