"""The site's addresses: the list, a study, its report, its changes as events, stop and resume."""

import asyncio
import json
import shlex
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from headstart.analyse.text import plural
from headstart.core.errors import HeadstartError, StoreError
from headstart.flow.two_studies import compare_studies
from headstart.report.html.page import page
from headstart.report.html.two_studies_page import two_studies_page
from headstart.web.feed import Feed
from headstart.web.guard import Guard, Secrets
from headstart.web.pages import bar, render, style, with_cells
from headstart.web.resume import command_again, why_not
from headstart.web.site import Followed, Site

QUIET = 15.0  # seconds of silence after which a connection is kept from being cut
LARGEST_FORM = 10_000  # bytes
STATIC = {"report.css": "text/css", "live.css": "text/css", "live.js": "text/javascript"}


def make_app(site: Site, secrets: Secrets, ending: Callable[[], bool]) -> Starlette:
    """The site as an application.

    Args:
        site: what it shows.
        secrets: what opens it.
        ending: whether the server is about to end, so that streams of events end too.
    """
    pages = _Pages(site=site, secrets=secrets, ending=ending)
    study = "/{store:int}/{number:int}"
    return Starlette(
        routes=[
            Route("/", pages.list),
            Route("/events", pages.list_events),
            Route("/compare", pages.compare),
            Route("/static/{name}", _static),
            Route(study, pages.open),
            Route(f"{study}/run", pages.run),
            Route(f"{study}/report", pages.report),
            Route(f"{study}/events", pages.events),
            Route(f"{study}/stop", pages.stop, methods=["GET", "POST"]),
            Route(f"{study}/resume", pages.resume, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(Guard, secrets=secrets)],
        exception_handlers={HeadstartError: _failed, 404: _not_found},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pages:
    site: Site
    secrets: Secrets
    ending: Callable[[], bool]

    async def list(self, _: Request) -> Response:
        """All studies."""
        update = await run_in_threadpool(self.site.feed.now)
        events = f"/events?since={update.mark}"
        shown = render("list.html.j2", parts=update.parts, events=events)
        return HTMLResponse(shown)

    async def list_events(self, request: Request) -> Response:
        """Changes of the list."""
        return self._stream(request, self.site.feed)

    async def compare(self, request: Request) -> Response:
        """Two studies side by side."""
        places = [self.site.place(request.query_params.get(name, "")) for name in ("a", "b")]
        if places[0] == places[1]:
            raise StoreError("choose two studies; both are the same.")
        two = await run_in_threadpool(partial(compare_studies, *places, unchanged=True))
        return HTMLResponse(await run_in_threadpool(two_studies_page, two, bar("")))

    async def open(self, request: Request) -> Response:
        """The report of a study that is finished; of another how it runs."""
        study = await self._study(request)
        await run_in_threadpool(study.feed.now)
        return await (self.report if study.live.finished else self.run)(request)

    async def run(self, request: Request) -> Response:
        """How a study runs."""
        study = await self._study(request)
        update = await run_in_threadpool(study.feed.now)
        spec = study.live.study.loaded.study
        shown = render(
            "study.html.j2",
            at=study.at,
            name=spec.name,
            question=spec.question,
            parts=update.parts,
            matrix=with_cells(update.parts),
            events=f"/{study.at}/events?since={update.mark}",
        )
        return HTMLResponse(shown)

    async def events(self, request: Request) -> Response:
        """Changes of a study."""
        return self._stream(request, (await self._study(request)).feed)

    async def report(self, request: Request) -> Response:
        """The report of what is stored of a study, as `headstart report` writes it."""
        study = await self._study(request)
        analysis, summary = await run_in_threadpool(study.live.make_report)
        caveat = ""
        if analysis.num_done < analysis.num_trials:
            caveat = (
                f"This study is not finished: {analysis.num_done} of "
                f"{plural(analysis.num_trials, 'trial')} are done. This is not its result."
            )
        shown = await run_in_threadpool(page, analysis, summary, bar(study.at, caveat))
        return HTMLResponse(shown)

    async def stop(self, request: Request) -> Response:
        """Ask whether to stop a run; stop it."""
        study = await self._study(request)
        if request.method == "POST":
            return await self._done(request, study, study.stop)
        await run_in_threadpool(study.feed.now)
        run = study.live.watch.run
        if run is None or not study.running:
            return self._ask(study, "Stop the run?", ("No run of it is under way.",))
        lines = (
            f"The run (process {run.process} on {run.host}) is interrupted, as by Ctrl-C where it "
            "was started.",
            "Trials that are done stay in the store, and so do their finished steps; what is being "
            "trained at the moment is lost. The same command goes on from there.",
        )
        return self._ask(study, "Stop the run?", lines, button="Stop the run", style="stop")

    async def resume(self, request: Request) -> Response:
        """Ask whether to go on with a study; start its command."""
        study = await self._study(request)
        if request.method == "POST":
            return await self._done(request, study, study.resume)
        await run_in_threadpool(study.feed.now)
        run = study.live.watch.run
        reason = "It is running already." if study.running else why_not(run)
        if reason or run is None:
            return self._ask(study, "Go on with the study?", (reason,))
        lines = (
            f"This command is started again in {run.folder}, with the environment of headstart "
            "serve. What the store holds is not computed again. It goes on when this page is "
            "closed or headstart serve is ended.",
            "It comes from the store, and may run code that the study names. Start it only if the "
            "store is yours or of an origin you trust.",
        )
        command = shlex.join(command_again(run, study.live.folder))
        return self._ask(
            study, "Go on with the study?", lines, button="Go on", style="main", command=command
        )

    def _ask(self, study: Followed, title: str, lines: tuple[str, ...], **button: str) -> Response:
        """A question, with a button to do it where it can be done."""
        values = {"button": "", "style": "", "command": "", **button}
        form, at, name = self.secrets.form, study.at, study.name
        shown = render(
            "ask.html.j2", at=at, name=name, title=title, lines=lines, form=form, **values
        )
        return HTMLResponse(shown)

    async def _done(self, request: Request, study: Followed, do: Callable[[], None]) -> Response:
        """Do what a form of this page asks for, and no other."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                break
        sent = parse_qs(body[:LARGEST_FORM].decode("ascii", "replace"))
        if not self.secrets.made(sent.get("form", [""])[0]):
            return _error("This form is from no page of this server. Go back and try again.", 403)
        await run_in_threadpool(do)
        return RedirectResponse(f"/{study.at}/run", status_code=303)

    async def _study(self, request: Request) -> Followed:
        place = request.path_params
        return await run_in_threadpool(self.site.study, place["store"], place["number"])

    def _stream(self, request: Request, feed: Feed) -> Response:
        """What changes from now on, or from the version on that a browser names."""
        given = request.query_params.get("since", "")
        mark = request.headers.get("last-event-id", given)
        return StreamingResponse(self._events(feed, mark), media_type="text/event-stream")

    async def _events(self, feed: Feed, mark: str) -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        last, said = time.monotonic(), ""
        while not self.ending():
            update, trouble = None, ""
            try:
                update = await run_in_threadpool(feed.since, mark)
            except HeadstartError as error:  # it is being written, or away for a while
                trouble = str(error)
            if trouble != said:
                said = trouble
                yield f"event: trouble\ndata: {json.dumps(trouble)}\n\n"
            if update and update.parts:
                mark, last = update.mark, time.monotonic()
                yield update.event
            elif time.monotonic() - last > QUIET:
                last = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(feed.pause)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        return _error("There is no such file.", 404)
    return Response(style(name), media_type=STATIC[name])


async def _failed(_: Request, error: Exception) -> Response:
    return _error(f"{error}"[:1].upper() + f"{error}"[1:], 404)


async def _not_found(_: Request, __: Exception) -> Response:
    return _error("There is no such page.", 404)


def _error(why: str, status: int) -> Response:
    return HTMLResponse(render("error.html.j2", why=why), status_code=status)
