"""A site on stores, and a browser's part of it, for tests."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from headstart.execute.options import RunOptions
from headstart.flow import run
from headstart.flow.live import Live
from headstart.store.events import RunBegan
from headstart.web.app import make_app
from headstart.web.guard import Secrets
from headstart.web.pages import study_parts
from headstart.web.site import Site
from studies import tiny

HERE = "http://127.0.0.1:8765"
SMALL: dict[str, Any] = {"sizes": [20], "arms": ["scratch", "full"], "seeds": 2}


def stored(folder: Path, command: str = "headstart run tiny.toml", **changes: Any) -> None:
    """A tiny study, run to its end in this process."""
    options = RunOptions(store=folder, workers=1)
    run(tiny(**SMALL | changes), options, listen=lambda *_: None, command=command)


class Times:
    """False so many times, then True: the server that ends."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self) -> bool:
        self.number -= 1
        return self.number < 0


def site_of(
    *folders: Path, ending: Callable[[], bool] = lambda: True
) -> tuple[TestClient, Site, Secrets]:
    """A browser that has opened the link, the site, and what opens it."""
    site, secrets = Site(folders), Secrets(port=8765)
    site.feed.pause = 0.0
    browser = TestClient(make_app(site, secrets, ending), base_url=HERE)
    assert browser.get(f"/?token={secrets.token}", follow_redirects=False).status_code == 303
    return browser, site, secrets


def begun(**changes: object) -> RunBegan:
    """A run that this very process coordinates."""
    said: dict[str, object] = {
        "number": 1,
        "study": "tiny",
        "command": "headstart run tiny.toml",
        "workers": 2,
        "host": socket.gethostname(),
        "process": os.getpid(),
        "folder": os.getcwd(),
    }
    return RunBegan(**said | changes)  # type: ignore[arg-type]


def until_verdict_has(live: Live, text: str) -> None:
    """Follow a study until its page says so."""
    until = time.monotonic() + 120
    live.refresh()
    while text not in study_parts(live, "0/1", False, None)["verdict"]:
        assert time.monotonic() < until
        time.sleep(0.05)
        live.refresh()
