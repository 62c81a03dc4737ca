"""Arithmetic and comparisons, of numbers and of samples."""

import ast
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from headstart.audit.program.machine import Machine
from headstart.audit.program.samples import Data, Path, joined
from headstart.audit.program.values import (
    LONGEST,
    Constant,
    Items,
    Key,
    Prediction,
    Tensor,
    Unknown,
    Value,
    key_of,
    number_in,
)

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_LARGEST = 1e18


def arithmetic(op: ast.operator, left: Value, right: Value) -> Value:
    """`left op right`."""
    forwards = [value.forwards for value in (left, right) if isinstance(value, Prediction)]
    if forwards:
        return Prediction(frozenset().union(*forwards))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        layers = [layer for v in (left, right) if isinstance(v, Tensor) for layer in v.layers]
        return Tensor(tuple(dict.fromkeys(layers)))
    if isinstance(left, Data):
        return _of_data(op, left, right)
    if isinstance(right, Data):
        return _of_data(op, right, left) if isinstance(op, ast.Mult | ast.Add) else right
    if isinstance(left, Items) and isinstance(right, Items) and isinstance(op, ast.Add):
        joined_items = [*left.items, *right.items]
        if len(joined_items) <= LONGEST:
            return Items(joined_items)
    return _of_constants(op, left, right)


def _of_constants(op: ast.operator, left: Value, right: Value) -> Value:
    known = _OPERATORS.get(type(op))
    unknown = Unknown(("arithmetic", type(op).__name__, key_of(left), key_of(right)))
    if known is None or not isinstance(left, Constant) or not isinstance(right, Constant):
        return unknown
    if not isinstance(left.value, int | float | str) or type(op) is ast.Mod:
        return unknown
    if isinstance(left.value, str) != isinstance(right.value, str):
        return unknown
    try:
        value = known(left.value, right.value)
    except (ArithmeticError, TypeError, ValueError):
        return unknown
    too_large = len(value) > LONGEST if isinstance(value, str) else abs(value) > _LARGEST
    return unknown if too_large or isinstance(value, complex) else Constant(value)


def _of_data(op: ast.operator, data: Data, other: Value) -> Value:
    """Arithmetic on samples: scalings are remembered, labels stay labels."""
    if isinstance(other, Data):
        return joined([data, other]) if other.holds == data.holds else data
    if data.holds == "labels":
        return replace(data, buffer=0)
    statistics = _statistics_of(key_of(other))
    if statistics is not None:
        return replace(data.scaled("standardised"), statistics=statistics)
    number = number_in(other)
    if isinstance(op, ast.Div) and (number is None or number > 1):
        return data.scaled("divided")
    if isinstance(op, ast.Mult) and (number is None or 0 < number < 1):
        return data.scaled("divided")
    return data.scaled("centred") if isinstance(op, ast.Sub | ast.Add) else data


def _statistics_of(key: Key) -> frozenset[Path] | None:
    """Samples whose mean or deviation a value is."""
    if not isinstance(key, tuple) or not key:
        return None
    if key[0] == "statistic":
        return key[2] if isinstance(key[2], frozenset) else None
    found = [_statistics_of(part) for part in key]
    return next((paths for paths in found if paths is not None), None)


def negated(op: ast.unaryop, value: Value) -> Value:
    """`-value`, `~value` or `not value`."""
    if isinstance(value, Constant) and isinstance(op, ast.Not):
        return Constant(not value.value)
    number = number_in(value)
    if number is not None and isinstance(op, ast.USub):
        return Constant(-number)
    if isinstance(value, Prediction | Tensor | Data):
        return value
    return Unknown(("unary", type(op).__name__, key_of(value)))


def compared(machine: Machine, ops: list[ast.cmpop], values: list[Value]) -> Value:
    """`a < b`, `a == b`, `a in b`; scores where an answer of a network is compared."""
    forwards = [value.forwards for value in values if isinstance(value, Prediction)]
    if forwards:
        if any(isinstance(value, Data) for value in values):
            machine.scored.update(*forwards)
        return Prediction(frozenset().union(*forwards))
    if len(values) == 2:
        left, right = values
        known = _COMPARISONS.get(type(ops[0]))
        if isinstance(left, Constant) and isinstance(right, Constant) and known is not None:
            try:
                return Constant(bool(known(left.value, right.value)))
            except TypeError:
                return machine.fresh()
        is_none = right == Constant(None) and isinstance(ops[0], ast.Is | ast.IsNot)
        if is_none and not isinstance(left, Constant | Unknown):
            return Constant(isinstance(ops[0], ast.IsNot))
        if isinstance(ops[0], ast.In | ast.NotIn) and isinstance(left, Constant):
            return _contained(left, right, isinstance(ops[0], ast.In))
    names = [type(op).__name__ for op in ops]
    return Unknown(("compare", *names, *map(key_of, values)))


def _contained(left: Constant, right: Value, wanted: bool) -> Value:
    unknown = Unknown(("contained", wanted, key_of(left), key_of(right)))
    if isinstance(right, Items) and all(isinstance(item, Constant) for item in right.items):
        return Constant((left in right.items) == wanted)
    if isinstance(right, Constant) and isinstance(right.value, str) and isinstance(left.value, str):
        return Constant((left.value in right.value) == wanted)
    return unknown
