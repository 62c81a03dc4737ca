"""The built-in studies."""

from importlib import resources
from pathlib import Path


def recipes() -> dict[str, Path]:
    """The built-in studies by name."""
    return {path.stem: path for path in sorted(recipes_folder().glob("*.toml"))}


def recipes_folder() -> Path:
    """Where the built-in studies lie."""
    return Path(str(resources.files("headstart") / "recipes"))
