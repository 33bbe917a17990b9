"""The event stream of the desk: what changes about records, and how the desk stands.

A stream begins after the change that its browser has seen last, so a reconnect misses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from offhook.desk.desk import Desk
from offhook.web.call import Answers, BadCall, Stream
from offhook.web.errors import error_body
from offhook.web.hub import AT_ONCE, Hub, TooManyStreams
from offhook.web.work import Work

PATH = "/api/v1/events"
#: A comment is sent after so long without news, so that both sides notice a lost connection.
QUIET_SECONDS = 15.0
#: A browser connects again after this long, as when the server was restarted.
RETRY_MS = 500
#: The database's numbers have 64 bits.
MOST_DIGITS = 18


class Seen(msgspec.Struct):
    """After which change the stream begins; the header Last-Event-ID goes before it."""

    after: int | None = None


def answers(desk: Desk, work: Work) -> Answers:
    """Return what answers with event streams; all that are open share one look at the database."""
    hub = Hub(desk)
    work.at_end(hub.stop)

    async def stream(request: Request) -> Response:
        seen = _seen(request)
        return EventStream(hub, work, await work.run(hub.position, seen))

    return stream


class EventStream(StreamingResponse):
    """One open stream; it is refused if there are too many, and it ends when the server stops."""

    def __init__(self, hub: Hub, work: Work, seq: int) -> None:
        self._hub, self._work, self._seq = hub, work, seq
        self._words_after = seq
        self._woken = asyncio.Event()
        super().__init__(self._events(), media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the browser leaves."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._woken.set)

        try:
            self._hub.join(wake)
        except TooManyStreams as error:
            refusal = JSONResponse(error_body(error.code, str(error)), 503, {"retry-after": "30"})
            await refusal(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.leave(wake)

    async def _events(self) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % RETRY_MS
        desk_version = 0
        while not self._hub.is_stopped:
            self._woken.clear()
            if desk := self._hub.desk_after(desk_version):
                desk_version = desk[0]
                yield desk[1]
            if news := await self._news():
                yield news
            elif not await self._wait():
                yield b": still here\n\n"

    async def _news(self) -> bytes:
        """Return what this stream has not sent yet, a part of it if that is much."""
        found, is_all = self._hub.after(self._seq), True
        if found is None:
            found = await self._work.run(self._hub.read, self._seq, self._words_after)
            is_all = len(found) < AT_ONCE
        if found:
            self._seq = found[-1].seq
        if is_all:
            self._words_after = self._seq
        return b"".join(it.message for it in found)

    async def _wait(self) -> bool:
        """Wait for news; whether some came before it was quiet for too long."""
        try:
            await asyncio.wait_for(self._woken.wait(), QUIET_SECONDS)
        except TimeoutError:
            return False
        return True


def _seen(request: Request) -> int | None:
    """Return the number of the last change that a browser has seen. Raises BadCall."""
    text = request.headers.get("last-event-id") or request.query_params.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise BadCall(f"{text!a} is not the number of a change.")
    return int(text)


ENDPOINTS = (
    Stream("GET", PATH, answers, "What changes, as it happens", query=Seen, media=("text/event-stream",)),
)
