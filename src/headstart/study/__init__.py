"""Nouns of a study, frozen and checked.

The package can be called, for its name is also that of the function that users know:
`headstart.study("./photos")` is `headstart.flow.study.study("./photos")`.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """Python sets a package's name on its parent, so the function of that name must be this."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return import_module("headstart.flow.study").study(*given, **named)


sys.modules[__name__].__class__ = _CallablePackage
