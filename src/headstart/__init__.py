"""How much of a head start does transfer learning give, and which way is worth it?

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from typing import TYPE_CHECKING, Any

from headstart.core.version import __version__ as __version__

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis as Analysis
    from headstart.core.errors import DataError as DataError
    from headstart.core.errors import HeadstartError as HeadstartError
    from headstart.core.errors import SpecError as SpecError
    from headstart.core.errors import StoreError as StoreError
    from headstart.flow import Study as Study
    from headstart.flow import load_model as load_model
    from headstart.flow import load_study as load
    from headstart.flow import photo_study as study
    from headstart.flow import recipes as recipes
    from headstart.flow.classifier import TransferClassifier as TransferClassifier

_HOME = {
    "Analysis": ("headstart.analyse.analysis", "Analysis"),
    "DataError": ("headstart.core.errors", "DataError"),
    "HeadstartError": ("headstart.core.errors", "HeadstartError"),
    "SpecError": ("headstart.core.errors", "SpecError"),
    "StoreError": ("headstart.core.errors", "StoreError"),
    "Study": ("headstart.flow", "Study"),
    "TransferClassifier": ("headstart.flow.classifier", "TransferClassifier"),
    "load": ("headstart.flow", "load_study"),
    "load_model": ("headstart.flow", "load_model"),
    "recipes": ("headstart.flow", "recipes"),
    "study": ("headstart.study", ""),
}

__all__ = [
    "Analysis",
    "DataError",
    "HeadstartError",
    "SpecError",
    "StoreError",
    "Study",
    "TransferClassifier",
    "__version__",
    "load",
    "load_model",
    "recipes",
    "study",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'headstart' has no attribute '{name}'")
    from importlib import import_module

    module, original = _HOME[name]
    home = import_module(module)
    return getattr(home, original) if original else home


def __dir__() -> list[str]:
    return __all__
