"""The site: who is let in, what it shows of a store, what it sends, and what it does."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from sites import HERE, Times, begun, site_of, stored, until_verdict_has
from starlette.testclient import TestClient

from headstart import flow
from headstart.core.errors import StoreError
from headstart.flow.live import Live
from headstart.report.html.page import page
from headstart.store.blobs import blob_path
from headstart.store.events import (
    Measured,
    PlanMade,
    StepBegan,
    StepEnded,
    WorkerBusy,
    run_events,
)
from headstart.store.store import Store
from headstart.web.app import make_app
from headstart.web.feed import LONG, Feed
from headstart.web.guard import Secrets
from headstart.web.resume import command_again, resume, why_not
from headstart.web.site import Site


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one study that is finished."""
    folder = tmp_path_factory.mktemp("finished")
    stored(folder)
    return folder


# -- who is let in ---------------------------------------------------------------------------------


def test_only_who_has_the_link_is_let_in_and_it_stays_in_no_history(tmp_path: Path) -> None:
    secrets = Secrets(port=8765)
    browser = TestClient(make_app(Site((tmp_path,)), secrets, lambda: True), base_url=HERE)
    for address in ("/", "/?token=", "/?token=guess", "/0/1", "/static/live.js"):
        refused = browser.get(address)
        assert refused.status_code == 403
        assert "headstart serve has printed" in refused.text
    answer = browser.get(f"/?token={secrets.token}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert secrets.token not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert browser.get("/").status_code == 200


def test_other_names_and_other_sites_are_refused(finished: Path) -> None:
    browser, _, _ = site_of(finished)
    for host in ("evil.example:8765", "127.0.0.1.evil.example", "192.168.0.2:8765", "[::1"):
        assert browser.get("/", headers={"host": host}).status_code == 403
    for host in ("localhost:9000", "127.0.0.1:9000", "[::1]:8765"):  # forwarded by ssh
        assert browser.get("/", headers={"host": host, "cookie": ""}).status_code == 403
        assert "printed" in browser.get("/", headers={"host": host, "cookie": ""}).text
    for origin in ("http://evil.example", "null"):
        refused = browser.get("/", headers={"origin": origin})
        assert refused.status_code == 403
        assert "another site" in refused.text
    assert browser.get("/", headers={"origin": HERE}).status_code == 200


def test_pages_may_load_nothing_from_elsewhere(finished: Path) -> None:
    browser, _, _ = site_of(finished)
    for address in ("/", "/0/1/run", "/0/1/report", "/nothing"):
        answer = browser.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert answer.headers["referrer-policy"] == "same-origin"
        found = re.findall(r'(?:src|href|action)="([^"]+)"', answer.text)
        assert all(one.startswith(("/", "#", "data:")) for one in found), found
    for name in ("report.css", "live.css", "live.js"):
        assert "url(" not in browser.get(f"/static/{name}").text


# -- what it shows ---------------------------------------------------------------------------------


def test_the_list_shows_studies_and_stores_without_one(finished: Path, tmp_path: Path) -> None:
    browser, _, _ = site_of(finished, tmp_path / "none")
    shown = browser.get("/").text
    assert '<a id="study-0/1" href="/0/1">tiny</a>' in shown
    assert "4 of 4 trials" in shown
    assert f"{tmp_path / 'none'} holds no study yet" in shown
    assert f'<pre class="command">headstart run digits --store {tmp_path / "none"}</pre>' in shown
    assert not (tmp_path / "none").exists()


def test_a_finished_study_is_its_report(finished: Path) -> None:
    browser, _, _ = site_of(finished)
    with Store(finished, unchanged=True) as store:
        report = page(*flow.report_again(store, flow.reopen(store, "tiny")))
    shown = browser.get("/0/1").text
    bar = re.search(r"<style>[^<]*</style>\n<header class=\"top\">.*?</header>\n", shown, re.DOTALL)
    assert bar is not None
    seconds = re.compile(r"\b\d+(\.\d+)? s\b")  # that the report itself took
    assert seconds.sub("", shown.replace(bar[0], "")).split() == seconds.sub("", report).split()


def test_how_a_study_ran_shows_every_trial_and_curves(finished: Path) -> None:
    browser, _, _ = site_of(finished)
    shown = browser.get("/0/1/run").text
    cells = re.findall(r'<td id="cell-[^"]+"><span class="cell ([a-z-]+)"', shown)
    assert cells == ["done"] * 6  # two arms and the source, two seeds
    assert "Its run ended at" in shown
    assert "Source runs on source" in shown
    assert shown.count("<svg xmlns") == 2
    assert 'role="status" aria-live="polite">finished, 4 of 4 trials done' in shown


def test_studies_that_are_not_there_are_named(finished: Path) -> None:
    browser, _, _ = site_of(finished)
    for address, text in (
        ("/0/7", "no study number 7"),
        ("/3/1", "names no study"),
        ("/x", "page"),
    ):
        answer = browser.get(address)
        assert answer.status_code == 404
        assert text in answer.text


def test_looking_changes_nothing(finished: Path) -> None:
    before = (finished / "headstart.db").read_bytes()
    browser, _, _ = site_of(finished)
    for address in ("/", "/0/1", "/0/1/run", "/0/1/report"):
        assert browser.get(address).status_code == 200
    assert (finished / "headstart.db").read_bytes() == before


# -- a run that is under way -----------------------------------------------------------------------


def test_only_what_has_changed_is_sent(tmp_path: Path) -> None:
    stored(tmp_path)
    with Store(tmp_path, reading=True) as store:
        plan = flow.reopen(store, "tiny").plan
        trial = plan.trials[0]
        store.drop(trial.score_key)
        store.drop(trial.train_keys[0])
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(begun())
        run.write(PlanMade(num_steps=9, num_stored=7))
        browser, site, _ = site_of(tmp_path, ending=Times(1))
        shown = browser.get("/0/1").text
        assert "It is run by process" in shown
        assert "Stop the run" in shown
        feed = site.study(0, 1).feed
        feed.pause = 0.0
        everything = feed.now()
        while "The report is being made" in everything.parts["verdict"]:
            everything = feed.now()
        key = trial.train_keys[0]
        run.write(StepBegan(key=key, label=plan.steps[key].label))
        host = socket.gethostname()
        run.write(WorkerBusy(key=key, host=host, process=os.getpid()))
        run.write(Measured(key=key, update=4, train_loss=1, validation_accuracy=0.25))
        assert 'class="begun"' in feed.now().parts["curves"]  # one point is no line yet
        run.write(Measured(key=key, update=8, train_loss=1, validation_accuracy=0.25))
        events = browser.get("/0/1/events", headers={"last-event-id": everything.mark}).text
        sent = json.loads(next(x for x in events.splitlines() if x.startswith("data: "))[6:])
        assert {name.split("-")[0] for name in sent} == {"progress", "cell", "workers", "curves"}
        assert sum(name.startswith("cell-") for name in sent) == 1
        assert f"{os.getpid()} on {host}" in sent["workers"]
        assert 'class="begun"' not in sent["curves"]
        mark = re.findall(r"^id: (.+)$", events, re.MULTILINE)[-1]
        assert feed.since(mark).parts == {}
        assert set(feed.since("another-3").parts) == set(feed.now().parts)
        run.write(
            StepEnded(key=key, label="l", status="failed", seconds=1, error="Traceback\nOSError: x")
        )
        failed = feed.since(mark).parts
        assert "OSError: x</summary>" in failed["failures"]
        assert any('class="cell failed"' in part for part in failed.values())


def test_times_are_those_of_this_machine(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-5")  # five hours before UTC
    time.tzset()
    try:
        browser, _, _ = site_of(finished)
        shown = browser.get("/").text
        assert "last used (XYZ)" in shown
        now = datetime.now(timezone(timedelta(hours=5)))
        times = re.findall(r'data-label="last used">([^<]+)<', shown)
        used = datetime.strptime(times[0], "%Y-%m-%d %H:%M").replace(tzinfo=now.tzinfo)
        assert timedelta(0) <= now - used < timedelta(hours=1)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_store_that_cannot_be_read_is_said_until_it_can_be(finished: Path) -> None:
    browser, site, _ = site_of(finished, ending=Times(3))
    parts, states = site.feed.now().parts, iter((False, False, True))

    def make() -> dict[str, str]:
        if next(states):
            return parts
        raise StoreError("it is being written")

    site.feed.make = make
    sent = browser.get("/events").text
    assert re.findall(r"event: trouble\ndata: (.*)", sent) == ['"it is being written"', '""']


def test_a_result_of_a_study_that_is_not_finished_is_provisional(tmp_path: Path) -> None:
    stored(tmp_path)
    with Store(tmp_path, reading=True) as store:
        store.drop(flow.reopen(store, "tiny").plan.trials[0].score_key)
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(begun(process=2**22 + 1))
        run.write(PlanMade(num_steps=9, num_stored=8))
    browser, site, _ = site_of(tmp_path)
    report = browser.get("/0/1/report").text
    assert "This study is not finished: 3 of 4 trials are done." in report
    site.study(0, 1).feed.pause = 0.0
    shown = browser.get("/0/1").text
    assert "Provisional: from 3 of 4 trials. This is not the result." in shown
    assert "chip" not in shown  # no verdict
    assert "is gone without a word" in shown
    assert "Go on with it" in shown


# -- what it does ----------------------------------------------------------------------------------


def test_a_run_is_asked_to_stop_only_by_a_form_of_the_page(tmp_path: Path) -> None:
    stored(tmp_path)
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(begun())
        run.write(PlanMade(num_steps=9, num_stored=9))
        browser, _, secrets = site_of(tmp_path)
        question = browser.get("/0/1/stop").text
        assert "interrupted, as by Ctrl-C" in question
        assert f'name="form" value="{secrets.form}"' in question
        for sent in ({}, {"form": "guess"}):
            assert browser.post("/0/1/stop", data=sent).status_code == 403
        stops = list((tmp_path / "events").glob("*.stop"))
        assert stops == []
        answer = browser.post("/0/1/stop", data={"form": secrets.form}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/0/1/run")
        assert any((tmp_path / "events").glob("*.stop"))
        assert "Asked to stop" in browser.get("/0/1/run").text
    again = browser.post("/0/1/resume", data={"form": secrets.form})
    assert "is running already" in again.text  # by its last word


def test_a_study_that_does_not_run_cannot_be_stopped(finished: Path) -> None:
    browser, _, secrets = site_of(finished)
    assert "No run of it is under way." in browser.get("/0/1/stop").text
    answer = browser.post("/0/1/stop", data={"form": secrets.form})
    assert f"No run of the store {finished} is under way." in answer.text


def test_it_says_why_a_run_cannot_be_gone_on_with(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert why_not(None) == "It is not known how its last run was started."
    assert why_not(begun(command="", folder=folder)).startswith("It was run from Python")
    assert "Python" in why_not(begun(command="rm -rf x", folder=folder))
    assert "Python" in why_not(begun(command="headstart run 'x", folder=folder))
    assert "start it there" in why_not(begun(host="elsewhere", folder=folder))
    assert "not there any more" in why_not(begun(folder=f"{folder}/gone"))
    assert why_not(begun(folder=folder)) == ""


def test_a_command_goes_on_where_the_store_is_now(tmp_path: Path) -> None:
    here = ["--store", str(tmp_path)]
    moved = begun(command="headstart run 'my study.toml' --store 'old; rm -rf x' --workers 2")
    words = command_again(moved, tmp_path)
    assert words == ["headstart", "run", "my study.toml", "--workers", "2", *here]
    other = begun(command="headstart run my.toml --store=old --seeds 3")
    assert command_again(other, tmp_path) == ["headstart", "run", "my.toml", "--seeds", "3", *here]
    assert command_again(begun(command=shlex.join(words)), tmp_path) == words


def test_no_module_of_the_folder_of_a_run_is_loaded(tmp_path: Path) -> None:
    """A store of somebody else may name any folder."""
    store, folder = tmp_path / "store", tmp_path / "folder"
    (store / "events").mkdir(parents=True)
    (folder / "headstart").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        (folder / "headstart" / name).write_text("open('loaded', 'w')")
    run = begun(command="headstart run none.toml; touch loaded", folder=str(folder))
    started = resume(run, store)
    assert started.process.wait(timeout=120) == 2
    assert "Usage: headstart run" in started.last_lines
    assert not (folder / "loaded").exists()
    assert started.never_began
    started.see(begun(process=started.process.pid))
    started.see(begun(process=started.process.pid + 1))
    assert not started.never_began


def test_a_run_that_cannot_begin_shows_the_end_of_its_log(tmp_path: Path) -> None:
    store = tmp_path / "store"
    stored(store, command="headstart run no-such-study.toml --store store")
    with run_events(store, stop=lambda: None) as run:
        run.write(
            begun(
                command="headstart run no-such-study.toml --store store",
                folder=str(tmp_path),
                process=2**22 + 1,
            )
        )
        run.write(PlanMade(num_steps=9, num_stored=9))
    browser, site, secrets = site_of(store)
    assert "no-such-study.toml" in browser.get("/0/1/resume").text
    browser.post("/0/1/resume", data={"form": secrets.form}, follow_redirects=False)
    study = site.study(0, 1)
    assert study.started is not None
    assert study.started.process.wait(timeout=120) == 2
    study.feed.pause = 0.0
    shown = browser.get("/0/1/run").text
    assert "ended at once" in shown
    assert "no-such-study.toml" in shown


# -- side by side, and what is not loaded ----------------------------------------------------------


def test_two_studies_stand_side_by_side(tmp_path: Path) -> None:
    stored(tmp_path)
    stored(tmp_path, name="longer", training={"updates": 24, "batch_size": 16, "validations": 3})
    browser, site, _ = site_of(tmp_path)
    choices = re.findall(r'<option value="([^"]+)"', browser.get("/").text)
    assert set(choices) == {"0/1", "0/2"}
    assert '<option value="0/2"' in site.feed.now().parts["compare"]  # for pages that are open
    chosen = re.findall(r'value="([^"]+)" selected', browser.get("/").text)
    assert chosen == ["0/1", "0/2"]  # the earlier one first
    shown = browser.get("/compare?a=0/1&b=0/2").text
    assert "training, updates" in shown
    assert "All studies" in shown
    assert "both are the same" in browser.get("/compare?a=0/1&b=0/1").text
    assert "names no study" in browser.get("/compare?a=0/1").text


def test_a_version_that_is_read_is_never_passed_over() -> None:
    parts = {"a": "1", "b": "1"}
    feed = Feed(lambda: dict(parts), pause=0.0)
    first = feed.now()
    assert feed.since(first.mark).parts == {}
    parts["b"] = "2"
    second = feed.since(first.mark)
    assert second.parts == {"b": "2"}
    assert second.event.startswith(f"id: {second.mark}\nevent: parts\ndata: ")
    del parts["a"]
    parts["c"] = "3"
    assert feed.since(second.mark).parts == {"c": "3"}
    assert feed.since(first.mark).parts == {"b": "2", "c": "3"}
    for unknown in ("", "x", "x-y", f"{second.mark}9x"):
        assert feed.since(unknown).parts == parts


def test_parts_that_take_long_are_made_less_often() -> None:
    made: list[float] = []

    def make() -> dict[str, str]:
        made.append(time.monotonic())
        time.sleep(3 * LONG)
        return {"a": str(len(made))}

    feed = Feed(make, pause=0.2)
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        feed.now()
    assert len(made) >= 2
    assert all(later - earlier >= 0.9 for earlier, later in pairwise(made))


def test_an_analysis_that_fails_is_said_and_made_once_it_can_be(tmp_path: Path) -> None:
    stored(tmp_path)
    with Store(tmp_path, unchanged=True) as store:
        key = flow.reopen(store, "tiny").plan.trials[0].score_key
    blob = blob_path(tmp_path, key)
    whole = blob.read_bytes()
    blob.write_bytes(bytes(len(whole)))
    live = Live(tmp_path, 1)
    until_verdict_has(live, "The report cannot be made at the moment")
    blob.write_bytes(whole)
    until_verdict_has(live, 'class="headline"')
    assert live.why_no_report == ""


def test_the_page_is_served_without_pytorch(finished: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from headstart.web.site import Site\n"
        "site = Site((Path(sys.argv[1]),)); site.feed.now(); study = site.study(0, 1)\n"
        "study.feed.now(); study.live.make_report()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, finished], check=False).returncode == 0
