"""A request and its answer on their way through the gate: headers, patience, and an end when access ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Send

#: Between two pieces of a request's body.
BODY_SECONDS = 30.0
#: How often it is looked up whether a visitor may go on, with a long answer or a long body.
RECHECK_SECONDS = 3.0

#: Says whether a visitor is still let in.
IsLetIn = Callable[[], Awaitable[bool]]


class Exchange:
    """Stands between the server and the application for one request.

    A body that does not come ends as if the client had gone. So does a body or an answer that goes on, such
    as an upload or a stream of events, when its visitor is let in no more: the token is revoked, or the
    session is over.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
        is_let_in: IsLetIn,
        *,
        body_seconds: float = BODY_SECONDS,
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        self._receive, self._send, self._headers, self._is_let_in = receive, send, headers, is_let_in
        self._body_seconds, self._recheck_seconds = body_seconds, recheck_seconds
        self._is_body_awaited = True
        self._looked_at = time.monotonic()
        self._is_cut_off = False
        self._has_length = False

    async def receive(self) -> Message:
        """Return the next piece of the request, then whether the client is gone."""
        if self._is_cut_off:
            return {"type": "http.disconnect"}
        if not self._is_body_awaited:
            return await self._until_gone()
        try:
            message = await asyncio.wait_for(self._receive(), self._body_seconds)
        except TimeoutError:
            return {"type": "http.disconnect"}
        if time.monotonic() - self._looked_at >= self._recheck_seconds and not await self._is_still_let_in():
            return {"type": "http.disconnect"}
        self._is_body_awaited = message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a piece of the answer, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
            self._has_length = "content-length" in headers
        await self._send(message)

    async def close(self) -> None:
        """End an answer that was cut off; one with a length cannot end, and its connection is closed."""
        if self._is_cut_off and not self._has_length:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_gone(self) -> Message:
        while True:
            try:
                return await asyncio.wait_for(self._receive(), self._recheck_seconds)
            except TimeoutError:
                if not await self._is_still_let_in():
                    return {"type": "http.disconnect"}

    async def _is_still_let_in(self) -> bool:
        self._is_cut_off = not await self._is_let_in()
        self._looked_at = time.monotonic()
        return not self._is_cut_off


async def until_gone(receive: Receive) -> None:
    """Wait until the client closes the connection, or is let in no more."""
    while (await receive())["type"] != "http.disconnect":
        pass
