"""The gate that every request passes: is it from this machine, who sends it, may they do that.

A page of another site can make a browser send requests here. What it cannot do is choose the Host and Origin
that the browser sends, so both must be on a list (DNS rebinding: OWASP, "Server Side Request Forgery"). It
cannot read the token that a change needs either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offhook.web.call import scope_of
from offhook.web.errors import error_body, status_of
from offhook.web.visitors import CSRF_HEADER, Doorkeeper
from offhook.web.work import Work
from shared.errors import OffhookError

#: Between two pieces of a request's body.
BODY_SECONDS = 30.0
#: What needs no visitor: the way in, and files that are the same for everybody.
OPEN_PATHS = ("/sign-in", "/favicon.ico")
OPEN_FOLDERS = ("/static/",)
API_FOLDERS = ("/api/", "/v1/")
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


class Gate:
    """An ASGI application around another one, which lets in what may come in."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper, work: Work, origins: Collection[str]) -> None:
        self._app, self._doorkeeper, self._work = app, doorkeeper, work
        self._origins = frozenset(origins)
        self._hosts = frozenset(origin.partition("://")[2] for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal is None:
            await self._app(scope, _in_time(receive), _with_headers(send))
        else:
            await refusal(scope, receive, _with_headers(send))

    async def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that may not come in; None if it may."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return PlainTextResponse("This address is not the desk's.", 421)
        if not self._is_own_origin(scope, headers):
            return PlainTextResponse("Requests from other sites are refused.", 403)
        path = scope["path"]
        if path in OPEN_PATHS or path.startswith(OPEN_FOLDERS):
            return None
        try:
            return await self._stranger(scope, headers)
        except OffhookError as error:
            return JSONResponse(error_body(error.code, str(error)), status_of(error))

    def _is_own_origin(self, scope: Scope, headers: Headers) -> bool:
        """Whether no other site is behind a request, as far as the browser tells.

        A link on another page may open a page here: it cannot read the answer, and brings no cookie.
        """
        if any(origin not in self._origins for origin in headers.getlist("origin")):
            return False
        site = headers.get("sec-fetch-site", "same-origin")
        is_opened = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
        return site in ("same-origin", "none") or is_opened

    async def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        visitor = await self._work.run(
            self._doorkeeper.visitor, headers.get("authorization"), headers.get("cookie")
        )
        if visitor is None:
            return _unknown(scope, self._doorkeeper.is_guessed_at)
        scope_needed = scope_of(scope["method"])
        if not visitor.may(scope_needed):
            return _refused("scope", f"This token has no scope {scope_needed}.")
        if scope_needed != scope_of("GET") and not visitor.proves(headers.get(CSRF_HEADER)):
            return _refused("csrf", "The page is out of date. Load it again.")
        scope.setdefault("state", {})["visitor"] = visitor
        return None


def is_api(scope: Scope) -> bool:
    """Whether a request is for a program rather than for a person."""
    return str(scope["path"]).startswith(API_FOLDERS)


def _unknown(scope: Scope, is_guessed_at: bool) -> Response:
    if is_guessed_at:
        busy = error_body("too_many", "Too many wrong secrets. Wait a minute.")
        return JSONResponse(busy, 429, {"retry-after": "60"})
    if is_api(scope):
        text = "Sign in with `offhook open`, or send a token of `offhook token create`."
        return JSONResponse(error_body("not_signed_in", text), 401, {"www-authenticate": "Bearer"})
    from offhook.web.pages import stranger_page  # the pages are made of what stands behind this gate

    return stranger_page(Request(scope))


def _refused(code: str, message: str) -> Response:
    return JSONResponse(error_body(code, message), 403)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


def _in_time(receive: Receive) -> Receive:
    """Give up on a request whose body does not come; after the body, waiting is no fault."""
    state: dict[str, Any] = {"more": True}

    async def receiving() -> Message:
        if not state["more"]:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), BODY_SECONDS)
        except TimeoutError:
            return {"type": "http.disconnect"}
        state["more"] = message.get("more_body", False)
        return message

    return receiving
