"""Libraries that only notebooks need, loaded where they are used."""

from importlib import import_module
from typing import Any

from headstart.core.errors import OutputError


def need(module: str, what_for: str) -> Any:
    """A module of the extra `notebook`.

    Raises:
        OutputError: it is not installed; the message has the line that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise OutputError(
            f"{module.split('.')[0]} is needed {what_for}, and is not installed: "
            "pip install 'headstart[notebook]'"
        ) from error
