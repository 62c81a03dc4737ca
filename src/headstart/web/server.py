"""The server of the live page: on this machine only, on the first free port."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import uvicorn

from headstart.core.errors import HeadstartError
from headstart.web.app import make_app
from headstart.web.guard import LOOPBACK, Secrets
from headstart.web.site import Site

PORTS = 50  # tried, from the one that was asked for on
ENDING = 3  # seconds that open pages have when the server ends


def serve(
    folders: tuple[Path, ...], host: str, port: int, ready: Callable[[str, int], None]
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        folders: of the stores.
        host: where to listen; a name of this machine for itself.
        port: the first port to try.
        ready: is called with the link that opens the page, and the port, once it can be opened.

    Raises:
        HeadstartError: `host` is another machine's or all of them; no port can be used.
    """
    if host not in LOOPBACK:
        raise HeadstartError(
            f"the page is not served on {host}: who reaches it could stop runs and read all "
            "results. It listens on 127.0.0.1 only. From another machine, forward the port: "
            "ssh -L 8765:127.0.0.1:8765 THIS-MACHINE"
        )
    listening = _listen(host, port)
    with listening:
        taken = listening.getsockname()[1]
        secrets = Secrets(port=taken)
        site = Site(tuple(folder.absolute() for folder in folders))
        app = make_app(site, secrets, lambda: server.should_exit)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=ENDING,
            lifespan="off",
        )
        server = uvicorn.Server(config)
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{taken}/?token={secrets.token}", taken)
        server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket on the first free port from `port` on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last, why = min(port + PORTS - 1, 65535), ""
    for number in range(port, last + 1):
        with ExitStack() as unless_taken:
            try:
                listening = unless_taken.enter_context(socket.socket(family, socket.SOCK_STREAM))
                if os.name == "posix":  # else a port stays taken for a minute after a server's end
                    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listening.bind((host, number))
                listening.listen(128)  # from now on a browser that comes early waits
            except OSError as error:
                why = error.strerror or str(error)
                continue
            unless_taken.pop_all()
            return listening
    raise HeadstartError(
        f"none of the ports {port} to {last} can be used on {host}: {why}. Give another: --port N"
    )
