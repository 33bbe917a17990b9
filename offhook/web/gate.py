"""The gate that every request passes: is it from this machine, who sends it, may they do that.

A page of another site can make a browser send requests here. What it cannot do is choose the Host and Origin
that the browser sends, so both must be on a list (DNS rebinding: OWASP, "Server Side Request Forgery"). It
cannot read the token that a change needs either.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from offhook.desk.password import TooManyGuesses
from offhook.web.call import scope_of
from offhook.web.errors import error_body, refusal
from offhook.web.exchange import Exchange
from offhook.web.forwarded import is_proxied
from offhook.web.neighbours import user_of
from offhook.web.networks import is_loopback
from offhook.web.visitors import CSRF_HEADER, Doorkeeper, Visitor, is_api, is_secure
from offhook.web.work import Work
from shared.errors import OffhookError
from shared.store.access import WORKSTATION

#: Makes the page for a visitor who is not signed in.
Stranger = Callable[[Request], Awaitable[Response]]

#: What needs no visitor: the way in, and files that are the same for everybody.
OPEN_PATHS = ("/sign-in", "/favicon.ico", "/metrics")  # the last looks itself who asks
#: What is asked by load balancers, which know this server by its address alone; it says nothing.
HEALTH = "/healthz"
OPEN_FOLDERS = ("/static/",)
#: Forms without scripts have the token of their page in a field, and compare it themselves.
FORM_PATHS = ("/people",)
#: What workstations call, and nobody else.
TEAM_FOLDER = "/api/v1/team/"
CLOSE = {"connection": "close"}
HTTP_VERSIONS = ("1.0", "1.1")
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
#: For addresses of other machines under TLS: browsers never use plain HTTP there again.
STRICT_TRANSPORT = {"strict-transport-security": "max-age=2592000"}


class Gate:
    """An ASGI application around another one, which lets in what may come in."""

    def __init__(
        self, app: ASGIApp, doorkeeper: Doorkeeper, stranger: Stranger, work: Work, origins: Collection[str]
    ) -> None:
        self._app, self._doorkeeper, self._stranger_page, self._work = app, doorkeeper, stranger, work
        self._origins = frozenset(origins)
        self._hosts = frozenset(origin.partition("://")[2] for origin in origins)
        self._names = frozenset(map(name_of, self._hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def is_let_in() -> bool:
            visitor = scope.get("state", {}).get("visitor")
            return visitor is None or await self._work.run(self._knows, visitor, scope)

        exchange = Exchange(receive, send, _headers(scope, headers), is_let_in)
        answer = await self._refusal(scope) or self._app
        await answer(scope, exchange.receive, exchange.send)
        await exchange.close()

    def _visitor(self, scope: Scope, *, is_use: bool = True) -> Visitor | None:
        headers = Headers(scope=scope)
        secrets = headers.get("authorization"), headers.get("cookie")
        return self._doorkeeper.visitor(*secrets, user_of(scope), is_secure=is_secure(scope), is_use=is_use)

    def _knows(self, visitor: Visitor, scope: Scope) -> bool:
        """Whether a visitor is still let in, to the same things."""
        try:
            now = self._visitor(scope, is_use=False)
            return now is not None and now.is_as(visitor)
        except OffhookError:  # the database is busy
            return True

    async def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that may not come in; None if it may."""
        headers = Headers(scope=scope)
        if scope["http_version"] not in HTTP_VERSIONS:
            return _refused(scope, "http_version", "This version of HTTP is not spoken here.", 505, CLOSE)
        if "content-length" in headers and "transfer-encoding" in headers:
            return _refused(scope, "two_lengths", "A proxy may see another end of this request.", 400, CLOSE)
        if scope["path"] == HEALTH:
            return None
        if not self._is_own_host(scope, headers.getlist("host")):
            return _refused(scope, "wrong_host", "This address is not the desk's.", 421)
        if not self._is_own_origin(scope, headers):
            return _refused(scope, "other_site", "Requests from other sites are refused.")
        if _is_open(scope):
            return None
        try:
            return await self._let_in(scope, headers)
        except OffhookError as error:
            return refusal(error)

    def _is_own_host(self, scope: Scope, hosts: list[str]) -> bool:
        """Whether a request names this server; behind a proxy the port is the proxy's."""
        if is_proxied(scope):
            return len(hosts) == 1 and name_of(hosts[0]) in self._names
        return hosts in [[host] for host in self._hosts]

    def _is_own_origin(self, scope: Scope, headers: Headers) -> bool:
        """Whether no other site is behind a request, as far as the browser tells.

        A link on another page may open a page here, and that page alone: it cannot read it. In a frame, or
        as a download, it could learn how long an answer takes or whether there is one. A page of another
        port of this host is of the same site for browsers, so its links bring the cookie.
        """
        own = {f"{scope['scheme']}://{headers['host']}"} if is_proxied(scope) else self._origins
        if any(origin not in own for origin in headers.getlist("origin")):
            return False
        site = headers.get("sec-fetch-site", "same-origin")
        return site in ("same-origin", "none") or _is_opened(scope, headers)

    async def _let_in(self, scope: Scope, headers: Headers) -> Response | None:
        visitor = await self._work.run(self._visitor, scope)
        if visitor is None:
            return await self._unknown(scope)
        if (visitor.kind == WORKSTATION) != scope["path"].startswith(TEAM_FOLDER):
            return _refused(scope, "scope", "A workstation's token is for its outbox, and nothing else is.")
        scope.setdefault("state", {})["visitor"] = visitor
        if visitor.kind == WORKSTATION:
            return None
        scope_needed = scope_of(scope["method"])
        if not visitor.may(scope_needed):
            return _refused(scope, "scope", f"This token has no scope {scope_needed}.")
        is_change = scope_needed != scope_of("GET") and scope["path"] not in FORM_PATHS
        if is_change and not visitor.proves(headers.get(CSRF_HEADER)):
            return _refused(scope, "csrf", "The page is out of date. Load it again.")
        return None

    async def _unknown(self, scope: Scope) -> Response:
        if not is_api(scope):
            return await self._stranger_page(Request(scope))
        if self._doorkeeper.is_guessed_at:
            return refusal(TooManyGuesses(), {"retry-after": "60"})
        text = "Sign in with `offhook open`, or send a token of `offhook token create`."
        return JSONResponse(error_body("not_signed_in", text), 401, {"www-authenticate": "Bearer"})


def _is_open(scope: Scope) -> bool:
    """Whether an address needs no visitor."""
    return scope["path"] in (*OPEN_PATHS, HEALTH) or scope["path"].startswith(OPEN_FOLDERS)


def _is_opened(scope: Scope, headers: Headers) -> bool:
    """Whether a browser opens a page in a tab of its own."""
    how = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return scope["method"] == "GET" and how == ("navigate", "document") and not is_api(scope)


def name_of(host: str) -> str:
    """Return the name in a Host header, without the port and the brackets of IPv6."""
    has_port = ":" in host and not host.endswith("]")
    return (host.rpartition(":")[0] if has_port else host).strip("[]").casefold()


def _headers(scope: Scope, headers: Headers) -> dict[str, str]:
    """Return what every answer has; HSTS would count for every program at a name of this machine."""
    name = name_of(headers.get("host", ""))
    is_strict = is_secure(scope) and not is_loopback(name) and name != "localhost"
    return HEADERS | (STRICT_TRANSPORT if is_strict else {})


def _refused(
    scope: Scope, code: str, message: str, status: int = 403, headers: Mapping[str, str] | None = None
) -> Response:
    if is_api(scope):
        return JSONResponse(error_body(code, message), status, headers)
    return PlainTextResponse(message, status, headers)
