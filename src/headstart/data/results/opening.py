"""Results from a path or a pattern of paths: files found, columns understood, runs made."""

from collections.abc import Iterable, Mapping

from headstart.core.names import few
from headstart.data.results.paths import files_of
from headstart.data.results.roles import Role, Roles, role_problems, roles_of
from headstart.data.results.run_keys import refusal
from headstart.data.results.runs import Results, results_of
from headstart.data.results.saved_runs import RunSource
from headstart.data.results.table import read_table
from headstart.data.results.tabular import Source, SplitSource, source_of, with_splits

Part = tuple[str, Source, Mapping[Role, str]]
"""Name of a file, its columns, and what its path says."""


def open_results(given: str, columns: Mapping[Role, str]) -> Results:
    """Results at a path or pattern.

    Args:
        given: path of a file, or a pattern.
        columns: names of columns by role, as the user says; others are known by their names.

    Raises:
        DataError: with all that is wrong.
    """
    files = files_of(given)
    parts = [(str(path), with_splits(source_of(path)), known) for path, known in files]
    notes = [_files(parts)] if len(parts) > 1 else []
    if isinstance(parts[0][1], SplitSource):
        splits = parts[0][1].splits
        notes.append(f"columns {splits[0]} to {splits[-1]} are taken for {len(splits)} folds")
    return results_from(parts, columns, notes)


def results_from(
    parts: Iterable[Part], columns: Mapping[Role, str], notes: Iterable[str] = ()
) -> Results:
    """Results of some files, or of arrays in memory.

    Raises:
        DataError: with all that is wrong.
    """
    parts = list(parts)
    where, source, known = parts[0]
    roles = roles_of(source.names, columns, known)
    problems = role_problems(roles, source.names, columns, known)
    if problems:
        raise refusal(problems, f"{where} cannot be judged")
    torn = [note for where, source, _ in parts for note in _torn(where, source)]
    return results_of(read_table(parts, roles), [*notes, *torn, *_columns(roles)])


def _torn(where: str, source: Source) -> list[str]:
    """Lines that are left out of a file of runs."""
    if not isinstance(source, RunSource) or not source.torn:
        return []
    lines = "a line is" if source.torn == 1 else f"{source.torn:,} lines are"
    return [f"{where}: {lines} left out, which a crash has cut off"]


def _columns(roles: Roles) -> list[str]:
    return [roles.sentence] if roles.columns or roles.unused else []


def _files(parts: list[Part]) -> str:
    """Files found, with what their paths say."""
    said: dict[Role, dict[str, None]] = {}
    for _, _, known in parts:
        for role, value in known.items():
            said.setdefault(role, {})[value] = None
    what = "; ".join(f"{role}: {few(list(values), 6)}" for role, values in said.items())
    return f"{len(parts):,} files; {what}" if what else f"{len(parts):,} files"
