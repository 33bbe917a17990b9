"""Requests that a reverse proxy passes on: who sent them, and under which address.

The headers X-Forwarded-For, -Proto and -Host count from the proxies of the setting `trusted_proxies` alone;
anybody else could write anything into them.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from offhook.web.neighbours import PROXY, USER
from offhook.web.networks import Networks, is_in, is_loopback

FOR, PROTO, HOST = "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"
#: Where the state of a request says that a proxy has passed it on.
PROXIED = "proxied"


class Forwarded:
    """An ASGI application around all others, which reads what trusted proxies say.

    With `is_required`, nobody but a trusted proxy and this machine itself is answered: others would send
    passwords and calls without TLS.
    """

    def __init__(self, app: ASGIApp, trusted: Networks, *, is_required: bool = False) -> None:
        self._app, self._trusted, self._is_required = app, trusted, is_required
        # The client is the rightmost address of X-Forwarded-For that is no trusted proxy's.
        names = [str(network) for network in trusted]
        self._by_proxy = ProxyHeadersMiddleware(app, names)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = str(scope["client"][0]) if scope["type"] == "http" and scope.get("client") else ""
        is_trusted = is_in(peer, self._trusted)
        if self._is_required and scope["type"] == "http" and not is_trusted and not _is_here(scope, peer):
            answer = PlainTextResponse("This server is reached by way of its proxy.", 403)
            await answer(scope, receive, send)
        elif is_trusted and any(name in Headers(scope=scope) for name in (FOR, PROTO, HOST)):
            await self._by_proxy(_passed_on(scope), receive, send)  # type: ignore[arg-type]
        else:
            await self._app(scope, receive, send)


def is_proxied(scope: Scope) -> bool:
    """Whether a trusted proxy has passed a request on."""
    return bool(scope.get("state", {}).get(PROXIED))


def _is_here(scope: Scope, peer: str) -> bool:
    """Whether a connection comes from this machine itself."""
    server = scope.get("server")
    return is_loopback(peer) or bool(server and peer == server[0])


def _passed_on(scope: Scope) -> Scope:
    """Return a request under the host that its client named; whose connection it is is not known then."""
    state = {**scope.get("state", {}), USER: PROXY, PROXIED: True}
    changed = {**scope, "state": state, "scheme": "http"}
    headers = MutableHeaders(raw=list(scope["headers"]))
    if hosts := headers.getlist(HOST):
        headers["host"] = hosts[-1].strip()
    changed["headers"] = headers.raw
    return changed
