"""The page in a real browser: a study that runs, is killed, gone on with, stopped; keys."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sites import begun, stored

from commands import start
from headstart.flow import reopen
from headstart.store.events import PlanMade, run_events
from headstart.store.store import Store
from studies import tiny_table
from study_files import write_study

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

CHROMIUM = Path("/usr/bin/chromium")
WAIT = 240_000  # milliseconds, for a machine that is busy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
]


@dataclass(slots=True)
class Desk:
    """A folder with a store, a page that shows it, and what was started there."""

    folder: Path
    base: str
    page: "Page"
    server: "subprocess.Popen[str]"
    asked: list[str] = field(default_factory=list)
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def run(self, name: str = "watched", **changes: Any) -> "subprocess.Popen[str]":
        """Start a study in another process."""
        table = {"sizes": [20], "arms": ["scratch", "full"], "seeds": 2, "name": name} | changes
        write_study(self.folder / f"{name}.toml", tiny_table(**table))
        run = start("run", f"{name}.toml", "--workers", "1", folder=self.folder)
        self.started.append(run)
        return run

    def shows(self, state: str) -> None:
        """Wait until the run is in a state; the page is not loaded again."""
        self.page.locator(f"#state .badge.{state}").wait_for(timeout=WAIT)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    from playwright.sync_api import sync_playwright

    server = start("serve", "--port", "0", folder=tmp_path)
    assert server.stdout is not None
    link = server.stdout.readline().removeprefix("Open ").strip()
    base = link.partition("/?")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(WAIT)
        desk = Desk(folder=tmp_path, base=base, page=page, server=server)

        def heard(route: "Route") -> None:
            desk.asked.append(route.request.url)
            route.continue_()

        page.route("**/*", heard)
        page.goto(link)
        yield desk
        browser.close()
    for process in (*desk.started, server):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def long(**changes: Any) -> dict[str, Any]:
    """Budget of a study that takes a while."""
    return {"training": {"updates": 40_000, "batch_size": 32, "validations": 200}} | changes


def test_a_study_is_watched_from_its_beginning_to_its_end(desk: Desk) -> None:
    page = desk.page
    assert "holds no study yet" in page.inner_text("main")
    run = desk.run(training={"updates": 3000, "batch_size": 32, "validations": 30})
    page.get_by_role("link", name="watched").click()
    page.evaluate("window.opened = true")
    desk.shows("running")
    page.locator(".cell.running").first.wait_for(timeout=WAIT)
    page.locator("#curves svg").first.wait_for(timeout=WAIT)
    desk.shows("finished")
    assert page.locator("td .cell.done").count() == 6
    assert page.evaluate("window.opened"), "the page was loaded again"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert run.wait(timeout=60) == 0
    page.locator("#actions #report").click()
    page.get_by_role("link", name="The run").wait_for()
    assert page.locator("section.first .headline").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert desk.asked
    assert all(url.startswith((desk.base, "data:")) for url in desk.asked)


def test_a_run_is_killed_gone_on_with_and_stopped(desk: Desk) -> None:
    page, run = desk.page, desk.run(**long())
    page.get_by_role("link", name="watched").click()
    page.locator(".cell.running").first.wait_for(timeout=WAIT)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    desk.shows("gone")
    page.get_by_role("link", name="Go on with it").click()
    page.get_by_role("button", name="Go on").click()
    desk.shows("running")
    page.get_by_role("link", name="Stop the run").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Stop the run").click()
    desk.shows("interrupted")
    os.kill(desk.server.pid, signal.SIGINT)
    page.locator("#offline").wait_for(state="visible", timeout=WAIT)
    out, err = desk.server.communicate(timeout=60)
    assert desk.server.returncode == 0
    assert "the page is closed; runs go on" in err
    assert "Traceback" not in out + err


def test_two_studies_can_be_chosen_on_a_page_that_was_open_before_they_were(desk: Desk) -> None:
    page = desk.page
    for name in ("one", "two-with-a-name-that-is-far-too-long-for-the-list-on-a-phone"):
        desk.run(name).communicate()
    page.get_by_role("button", name="Compare").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("First study").select_option("0/2")
    page.get_by_label("Second study").select_option("0/1")
    page.get_by_role("heading", name="Studies", exact=True).click()  # away from the list
    desk.run("three").communicate()
    page.locator("#choose-a option[value='0/3']").wait_for(state="attached")
    assert page.locator("#choose-a").input_value() == "0/2"
    page.locator("#choose").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/compare\?a=0%2F2&b=0%2F1$"))
    assert "-phone and one" in page.inner_text("body")


def test_gains_so_far_fit_on_a_phone(desk: Desk) -> None:
    folder = desk.folder / "headstart-store"
    stored(folder, seeds=3, arms=["scratch", "probe", "full"])
    with Store(folder, reading=True) as store:
        trials = reopen(store, "tiny").plan.trials
        store.drop(next(trial.score_key for trial in trials if trial.arm == "probe"))
    with run_events(folder, stop=lambda: None) as run:
        run.write(begun(process=2**22 + 1))
        run.write(PlanMade(num_steps=9, num_stored=8))
    desk.page.goto(f"{desk.base}/0/1/run")
    gains = desk.page.get_by_role("region", name="Gains so far")
    gains.wait_for()
    assert "[" in gains.inner_text()
    assert gains.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_keys_and_screen_readers_find_everything(desk: Desk) -> None:
    page, run = desk.page, desk.run()
    run.communicate()
    page.goto(f"{desk.base}/0/1/run")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    box = skip.bounding_box()
    assert box is not None
    page.locator(".skip:focus").wait_for()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    stops = []
    for _ in range(12):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.ariaLabel"))
    assert stops[:2] == ["report", "Source runs on source"]
    tree = page.locator("body").aria_snapshot()
    for part in (
        r"status: finished, 4 of 4 trials done",
        r'progressbar "Work done"',
        r'table "source → target: 20 images"',
        r'columnheader "seed 1"',
        r'rowheader "full"',
        r'cell "done"',
        r'navigation "Pages"',
        r'heading "Trials" \[level=2\]',
        r'img "Learning curves at 20 images',
    ):
        assert re.search(part, tree), f"{part} is not in\n{tree}"
