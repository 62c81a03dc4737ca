"""How much of a head start does transfer learning give, and which way is worth it?

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from typing import TYPE_CHECKING, Any

from headstart.core.version import __version__ as __version__

if TYPE_CHECKING:
    from headstart.checks.frozen import frozen as frozen
    from headstart.checks.inputs import inputs as inputs
    from headstart.checks.moved import moved as moved
    from headstart.checks.overlap import overlap as overlap
    from headstart.checks.same_start import same_start as same_start
    from headstart.checks.tensors import snapshot as snapshot
    from headstart.checks.transferred import transferred as transferred
    from headstart.core.errors import CheckFailed as CheckFailed
    from headstart.core.errors import DataError as DataError
    from headstart.core.errors import HeadstartError as HeadstartError
    from headstart.core.errors import SpecError as SpecError
    from headstart.core.errors import StoreError as StoreError
    from headstart.flow import Study as Study
    from headstart.flow import load_data as load_data
    from headstart.flow import load_model as load_model
    from headstart.flow import load_study as load
    from headstart.flow import recipes as recipes
    from headstart.flow.classifier import TransferClassifier as TransferClassifier
    from headstart.flow.results import Results as Results
    from headstart.flow.shown import ShownAnalysis as Analysis
    from headstart.flow.study import study as study
    from headstart.study.network_facts import InputFacts as InputFacts

_HOME = {
    "Analysis": ("headstart.flow.shown", "ShownAnalysis"),
    "CheckFailed": ("headstart.core.errors", "CheckFailed"),
    "DataError": ("headstart.core.errors", "DataError"),
    "HeadstartError": ("headstart.core.errors", "HeadstartError"),
    "Results": ("headstart.flow.results", "Results"),
    "InputFacts": ("headstart.study.network_facts", "InputFacts"),
    "SpecError": ("headstart.core.errors", "SpecError"),
    "StoreError": ("headstart.core.errors", "StoreError"),
    "Study": ("headstart.flow", "Study"),
    "TransferClassifier": ("headstart.flow.classifier", "TransferClassifier"),
    "frozen": ("headstart.checks.frozen", "frozen"),
    "inputs": ("headstart.checks.inputs", "inputs"),
    "load": ("headstart.flow", "load_study"),
    "load_data": ("headstart.flow", "load_data"),
    "load_model": ("headstart.flow", "load_model"),
    "moved": ("headstart.checks.moved", "moved"),
    "overlap": ("headstart.checks.overlap", "overlap"),
    "recipes": ("headstart.flow", "recipes"),
    "same_start": ("headstart.checks.same_start", "same_start"),
    "snapshot": ("headstart.checks.tensors", "snapshot"),
    "study": ("headstart.study", ""),
    "transferred": ("headstart.checks.transferred", "transferred"),
}

__all__ = [
    "Analysis",
    "CheckFailed",
    "DataError",
    "HeadstartError",
    "InputFacts",
    "Results",
    "SpecError",
    "StoreError",
    "Study",
    "TransferClassifier",
    "__version__",
    "frozen",
    "inputs",
    "load",
    "load_data",
    "load_model",
    "moved",
    "overlap",
    "recipes",
    "same_start",
    "snapshot",
    "study",
    "transferred",
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
