"""What the shell offers for a word that is not finished; where it has nothing, files."""

from contextlib import suppress
from pathlib import Path

import typer

DEFAULT_STORE = Path("headstart-store")


def studies(incomplete: str) -> list[str]:
    """Recipes, and study files of the folder that the word is in."""
    from headstart.study.recipes import recipes

    before, slash, _ = incomplete.rpartition("/")
    files = [f"{before}{slash}{path.name}" for path in _study_files(before + slash)]
    return _beginning(incomplete, [*recipes(), *files])


def recipe_names(incomplete: str) -> list[str]:
    """Recipes."""
    from headstart.study.recipes import recipes

    return _beginning(incomplete, list(recipes()))


def stored_studies(context: typer.Context, incomplete: str) -> list[str]:
    """Studies of the store that the command names."""
    from headstart.core.errors import HeadstartError
    from headstart.store.store import Store

    folder = Path(context.params.get("store") or DEFAULT_STORE)
    if not (folder / "headstart.db").is_file():
        return []
    with suppress(HeadstartError), Store(folder, reading=True) as store:
        return _beginning(incomplete, list(dict.fromkeys(row.name for row in store.studies())))
    return []


def arms(incomplete: str) -> list[str]:
    """Arms that go by a name, after those that stand before the last comma."""
    from headstart.study.arms import NAMED_ARMS

    before, comma, _ = incomplete.rpartition(",")
    left = [name for name in NAMED_ARMS if name not in before.split(",")]
    return _beginning(incomplete, [f"{before}{comma}{name}" for name in left])


def datasets(incomplete: str) -> list[str]:
    """Known data sets."""
    from headstart.data.catalogue import KNOWN

    return _beginning(incomplete, list(KNOWN))


def cache_kinds(incomplete: str) -> list[str]:
    """Kinds of what is cached that can be cleared."""
    from headstart.data.caches import KINDS

    return _beginning(incomplete, [kind.name for kind in KINDS if kind.cleared])


def _study_files(folder: str) -> list[Path]:
    with suppress(OSError, RuntimeError):  # the latter of a user who is not known: ~nobody/
        return sorted(Path(folder).expanduser().glob("*.toml"))
    return []


def _beginning(incomplete: str, words: list[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
