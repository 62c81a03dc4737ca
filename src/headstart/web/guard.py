"""Who may see the page: requests to this machine by name, with the token or its cookie."""

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # without any, a browser sends no origin with a form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What opens the page: `token` in the link that is printed, then `cookie` in the browser.

    `form` is in every form of the page, which no page of another site can read. Cookies know no
    ports, so `name` has this server's.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    form: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def name(self) -> str:
        """Name of the cookie."""
        return f"headstart-{self.port}"

    def made(self, form: str) -> bool:
        """Whether a form that was sent is one of this page's."""
        return hmac.compare_digest(form.encode(), self.form.encode())


@dataclass(frozen=True, slots=True)
class Guard:
    """Middleware that refuses strangers, and adds headers that keep others out of the page."""

    app: ASGIApp
    secrets: Secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, answer the first one with the cookie, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(Request(scope)) or self.app
        await answer(scope, receive, guarded)

    def _answer(self, request: Request) -> Response | None:
        """A refusal, or the cookie; None for who may pass."""
        if not _is_loopback(f"//{request.headers.get('host', '')}"):
            return _refused(
                "This page answers to 127.0.0.1 and localhost only. From another machine: ssh -L."
            )
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers["host"]:
            return _refused("This request comes from another site.")
        token = request.query_params.get("token")
        if token is not None and hmac.compare_digest(token.encode(), self.secrets.token.encode()):
            return self._let_in()
        shown = request.cookies.get(self.secrets.name, "")
        if not hmac.compare_digest(shown.encode(), self.secrets.cookie.encode()):
            return _refused(
                "Open the link that headstart serve has printed; it has a token in it, which is "
                "another one each time."
            )
        return None

    def _let_in(self) -> Response:
        """The list of studies, at an address without the token, so that it stays in no history."""
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            self.secrets.name, self.secrets.cookie, httponly=True, samesite="strict", path="/"
        )
        return answer


def _is_loopback(address: str) -> bool:
    """Whether an address names this machine, and not a name that somebody else points to it."""
    try:
        return urlsplit(address).hostname in LOOPBACK
    except ValueError:
        return False


def _refused(why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status_code=403)
