"""`headstart serve`: the studies of stores as a live page in a browser of this machine."""

import getpass
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.arguments import DEFAULT_STORE


def serve(
    store: Annotated[
        list[Path] | None,
        typer.Option("--store", metavar="DIR", help="Folder of results; several show several."),
    ] = None,
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Port, or the next free one."),
    ] = 8765,
    host: Annotated[
        str, typer.Option("--host", help="Name of this machine to listen on: 127.0.0.1 or ::1.")
    ] = "127.0.0.1",
    opened: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser of this machine.")
    ] = False,
) -> None:
    """Show studies in a browser as they run, with their reports; stop them and go on."""
    from headstart.core.errors import HeadstartError
    from headstart.report.terminal.messages import say

    try:
        from headstart.web.server import serve as serve_page
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("starlette", "uvicorn"):
            raise
        raise HeadstartError(
            f"headstart serve needs {missing}, which is not installed. Install it: "
            "pip install 'headstart[web]'. Without it: headstart attach STORE shows a run here."
        ) from error

    def ready(link: str, taken: int) -> None:
        if port and taken != port:
            say([f"port {port} is taken; this is {taken}"])
        print(f"Open {link}", flush=True)
        user = f"{_user()}@{socket.gethostname()}"
        remote = "SSH_CONNECTION" in os.environ
        say(
            [
                f"{'you are on another machine' if remote else 'from another machine'}: "
                f"ssh -L {taken}:127.0.0.1:{taken} {user}, then open the same link there",
                "Ctrl-C ends the page; runs go on",
            ]
        )
        if opened:
            import webbrowser

            webbrowser.open(link)

    with suppress(KeyboardInterrupt):  # which the server raises again once it has ended
        serve_page(tuple(store or [DEFAULT_STORE]), host, port, ready)
    say(["the page is closed; runs go on"])


def _user() -> str:
    """The name of the user; in a container there may be none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "you"
