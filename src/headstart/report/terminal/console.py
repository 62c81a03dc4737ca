"""Lines, items and tables on a rich console; names of a study are never read as markup."""

from typing import TYPE_CHECKING, Any, Literal

from headstart.analyse.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


def styled(text: str, style: str = "") -> "Text":
    """Text in a style, without markup or control characters."""
    from rich.text import Text

    return Text(printable(text), style=style)


def print_line(console: "Console", text: str, style: str = "") -> None:
    """Print a paragraph; nothing for an empty one."""
    if text:
        console.print(styled(text, style), highlight=False, overflow="fold")


def print_item(console: "Console", text: str, style: str = "") -> None:
    """Print an item of a list, its further lines indented."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row("-", styled(text, style))
    console.print(grid)


def print_to_copy(console: "Console", label: str, value: str) -> None:
    """Print a path or command without line breaks, so that it can be copied."""
    fits = len(label) + 2 + len(value) <= console.width
    text = f"{label}: {value}" if fits else f"{label}:\n{value}"
    console.print(styled(text), highlight=False, soft_wrap=True)


def ruled_table(padding: int = 1, **options: Any) -> "Table":
    """Empty table with a rule below its head and no frame."""
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, padding), **options
    )


def plain_table(first: str, *others: str, justify: Literal["left", "right"] = "left") -> "Table":
    """Empty table without lines; `justify` is that of all columns but the first."""
    from rich.table import Table

    table = Table(first, *others, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = justify
    return table
