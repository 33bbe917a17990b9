"""The event stream of the desk: what changes about records, and how the desk stands.

A stream begins after the change that its browser has seen last, so a reconnect misses nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.web.call import Answers, BadCall, Stream, seen_by
from offhook.web.hub import Hub, desk_message
from offhook.web.numbers import whole_number
from offhook.web.open_stream import OpenStream
from offhook.web.server_events import MEDIA_TYPE, QUIET_SECONDS, STILL_HERE, retry
from offhook.web.work import Work

PATH = "/api/v1/events"
#: A browser connects again after this long, as when the server was restarted.
RETRY_MS = 500


class Seen(msgspec.Struct):
    """After which change the stream begins; the header Last-Event-ID goes before it."""

    after: int | None = None


def answers(desk: Desk, work: Work) -> Answers:
    """Return what answers with event streams; all that are open share one look at the database."""
    hub = Hub(desk)
    work.at_end(hub.listeners.stop)

    async def stream(request: Request) -> Response:
        mine, seen = seen_by(request, desk), _seen(request)
        return EventStream(mine, hub, work, await work.run(hub.position, seen))

    return stream


class EventStream(OpenStream):
    """What changes about the records that a visitor sees, and how the desk stands."""

    def __init__(self, desk: Desk, hub: Hub, work: Work, seq: int) -> None:
        self._desk, self._hub, self._work, self._seq = desk, hub, work, seq
        self._owner_id = desk.store.view.owner_id
        self._words_after, self._desk_sent = seq, b""
        super().__init__(hub.listeners, desk.store.view.person_id)

    async def events(self) -> AsyncIterator[bytes]:
        yield retry(RETRY_MS)
        desk_version = 0
        while not self._listeners.is_stopped:
            self._woken.clear()
            if desk := self._hub.desk_after(desk_version):
                desk_version = desk[0]
                if told := await self._told(desk[1]):
                    yield told
            if news := await self._news():
                yield news
            elif not await self.wait(QUIET_SECONDS):
                yield STILL_HERE

    async def _news(self) -> bytes:
        """Return what this stream has not sent yet, a part of it if that is much."""
        found = self._hub.after(self._seq, self._owner_id)
        if found is None:
            found = await self._work.run(self._hub.read, self._desk, self._seq, self._words_after)
        self._seq = found.seq
        if found.is_all:
            self._words_after = self._seq
        return b"".join(it.message for it in found.news)

    async def _told(self, of_all: bytes) -> bytes:
        """Return how the desk stands, for a member without what concerns others; b"" if that is as before."""
        if self._owner_id is None:
            return of_all
        message = await self._work.run(desk_message, self._desk)
        is_new, self._desk_sent = message != self._desk_sent, message
        return message if is_new else b""


def _seen(request: Request) -> int | None:
    """Return the number of the last change that a browser has seen. Raises BadCall."""
    text = request.headers.get("last-event-id") or request.query_params.get("after")
    if text is None:
        return None
    seen = whole_number(text)
    if seen is None:
        raise BadCall(f"{text!a} is not the number of a change.")
    return seen


ENDPOINTS = (Stream("GET", PATH, answers, "What changes, as it happens", query=Seen, media=(MEDIA_TYPE,)),)
