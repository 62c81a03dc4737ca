"""Examples below the help of a command."""

AS_IT_IS = "\b"
"""Before a paragraph whose lines typer is not to join."""


def examples(*commands: str) -> str:
    """Commands as an epilog, each on a line."""
    title = "Examples:" if len(commands) > 1 else "Example:"
    return "\n".join([AS_IT_IS, title, *(f"  {command}" for command in commands)])
