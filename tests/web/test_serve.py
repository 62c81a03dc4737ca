"""`headstart serve`: the port, the link, and what it says where it cannot be."""

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from commands import refused
from headstart.core.errors import HeadstartError
from headstart.web.server import serve

if TYPE_CHECKING:
    from commands import Call


class Ready(Exception):
    """Ends a server as soon as it listens."""


def address(folder: Path, host: str, port: int) -> tuple[str, int]:
    """The link of a server that is asked for a port, and the port that it has."""
    found: list[tuple[str, int]] = []

    def ready(link: str, taken: int) -> None:
        found.append((link, taken))
        raise Ready

    with pytest.raises(Ready):
        serve((folder,), host, port, ready)
    return found[0]


def test_a_port_that_is_taken_is_passed_over(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        link, taken = address(tmp_path, "127.0.0.1", number)
    assert number < taken < number + 50
    assert urlsplit(link).netloc == f"127.0.0.1:{taken}"
    assert urlsplit(link).query.startswith("token=")


def test_every_server_has_another_token(tmp_path: Path) -> None:
    links = {urlsplit(address(tmp_path, "127.0.0.1", 0)[0]).query for _ in range(3)}
    assert len(links) == 3


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.2", "example.org", ""])
def test_other_machines_are_not_let_in(call: "Call", host: str) -> None:
    refused(call("serve", "--host", host), "is not served on", "127.0.0.1 only", "ssh -L")


def test_no_port_at_all_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 65535))
        other.listen()
        with pytest.raises(HeadstartError, match="none of the ports 65535"):
            serve((tmp_path,), "127.0.0.1", 65535, lambda *_: None)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_what_is_not_installed_is_named(
    call: "Call", monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in list(sys.modules):
        if name.startswith(("headstart.web.", f"{missing}.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    refused(call("serve"), f"needs {missing}", "pip install 'headstart[web]'", "headstart attach")
