"""What `headstart doctor` found, in a terminal: problems first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headstart.analyse.text import comma_list, plural
from headstart.core.errors import Problem
from headstart.core.sizes import size_text
from headstart.execute.installation.diagnosis import Diagnosis, Extra, Folder
from headstart.report.terminal.console import plain_table, print_line, styled

if TYPE_CHECKING:
    from rich.console import Console

_FIRST = ("headstart", "python", "torch", "numpy")


def print_diagnosis(diagnosis: Diagnosis, console: "Console") -> None:
    """Print what is wrong and what to do, then all that was found."""
    _print_problems(diagnosis, console)
    _title("Versions", console)
    versions = diagnosis.versions
    named = [f"{name} {versions[name]}" for name in _FIRST if name in versions]
    others = [f"{name} {version}" for name, version in versions.items() if name not in _FIRST]
    print_line(console, comma_list(named))
    print_line(console, comma_list(others), "dim")
    _title("Machine", console)
    for line in _machine(diagnosis):
        print_line(console, line)
    _title("Folders", console)
    _print_table(console, [(folder.what, *_folder(folder)) for folder in diagnosis.folders])
    _title("Data sets", console)
    _print_table(
        console,
        [
            (place.name, str(place.path) if place.path else f"not here; get it: {place.get}")
            for place in diagnosis.datasets
        ],
    )
    _title("Pretrained weights at hand, the best first", console)
    _print_table(
        console, [(at.network, f"{at.what}\n{at.file}".strip()) for at in diagnosis.weights]
    )
    if not diagnosis.weights:
        print_line(console, "none")
    if diagnosis.extras:
        _title("Extras", console)
        _print_table(console, [(one.name, one.what, _state(one)) for one in diagnosis.extras])


def _print_problems(diagnosis: Diagnosis, console: "Console") -> None:
    problems, remarks = diagnosis.problems, diagnosis.remarks
    if problems:
        print_line(console, f"{plural(len(problems), 'problem')}:", "bold red")
        _print_each(problems, "!", console)
    else:
        print_line(console, "Nothing is broken.", "bold green")
    if remarks:
        _title("To know", console)
        _print_each(remarks, "-", console)


def _print_each(problems: Sequence[Problem], mark: str, console: "Console") -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    for problem in problems:
        grid.add_row(mark, styled("\n".join(problem.lines)))
    console.print(grid)


def _title(text: str, console: "Console") -> None:
    console.print()
    print_line(console, text, "bold")


def _print_table(console: "Console", rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = plain_table("", *[""] * (len(rows[0]) - 1))
    table.show_header = False
    table.columns[0].no_wrap = True
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*map(styled, row))
    console.print(table)


def _machine(diagnosis: Diagnosis) -> list[str]:
    machine = diagnosis.machine
    memory = (
        f"{size_text(machine.memory)} of memory, {size_text(machine.memory_free)} free"
        if machine.memory
        else "memory not known"
    )
    cores = plural(machine.cores, "core")
    lines = [diagnosis.system, f"{machine.processor}; {cores} to use; {memory}"]
    torch = machine.torch
    if torch is not None:
        gpus = [f"GPU {name}" for name in torch.gpus] or ["no GPU"]
        lines.append(
            f"torch: {comma_list(gpus)}; {plural(torch.threads, 'thread')} on the CPU"
            f"{f'; built for CUDA {torch.cuda}' if torch.cuda else ''}"
        )
    return lines


def _folder(folder: Folder) -> tuple[str, str]:
    parts = [] if folder.exists else ["made when it is needed"]
    if folder.size:
        parts.append(f"{size_text(folder.size)} in it")
    parts.append(f"{size_text(folder.free)} free")
    if folder.network:
        parts.append(f"network file system {folder.network}")
    if folder.locks is not None:
        parts.append("files can be locked" if folder.locks else "files cannot be locked")
    return str(folder.path), comma_list(parts)


def _state(extra: Extra) -> str:
    if not extra.available:
        return "not in the package as it is installed"
    if not extra.missing:
        return "installed"
    return extra.install
