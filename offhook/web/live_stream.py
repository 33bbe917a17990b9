"""The stream of a running call: how it goes, and its text as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.desk.running_call import LiveText, latest, running_call, since
from offhook.web.call import Answers
from offhook.web.commits import commits
from offhook.web.listeners import Listeners
from offhook.web.numbers import whole_number
from offhook.web.open_stream import OpenStream
from offhook.web.server_events import QUIET_SECONDS, STILL_HERE, event, retry
from offhook.web.work import Work
from shared.capture_errors import UnknownSession
from shared.errors import StoreError

#: How it goes is looked at without a change in the database, too: a worker may have ended.
LOOK_SECONDS = 2.0
RETRY_MS = 500
CALL, TEXT, GONE = "call", "text", "gone"


def live_stream(desk: Desk, work: Work) -> Answers:
    """Return what answers with a stream; all of them share one look at the database."""
    listeners = commits(desk)
    work.at_end(listeners.stop)

    async def stream(request: Request) -> Response:
        session_id = request.path_params["session_id"]
        await work.run(desk.store.captures.get, session_id)
        seen = request.headers.get("last-event-id") or request.query_params.get("after") or ""
        return LiveStream(listeners, work, _Teller(desk, session_id, whole_number(seen)))

    return stream


class LiveStream(OpenStream):
    """How one call goes, and its text; the stream ends with the call."""

    def __init__(self, listeners: Listeners, work: Work, teller: _Teller) -> None:
        self._work, self._teller = work, teller
        super().__init__(listeners)

    async def events(self) -> AsyncIterator[bytes]:
        yield retry(RETRY_MS)
        quiet_since = asyncio.get_running_loop().time()
        while not self._listeners.is_stopped:
            self._woken.clear()
            try:
                news = await self._work.run(self._teller.news)
            except UnknownSession:
                yield event(GONE, {})
                return
            except StoreError:
                news = b""  # it is tried again: a busy database is usable soon
            now = asyncio.get_running_loop().time()
            if news or now - quiet_since >= QUIET_SECONDS:
                yield news or STILL_HERE
                quiet_since = now
            await self.wait(LOOK_SECONDS)


class _Teller:
    """Tells one stream what is new of a call. `after` is the last window that the browser has, None: none."""

    def __init__(self, desk: Desk, session_id: str, after: int | None) -> None:
        self._desk, self._session_id, self._after = desk, session_id, after
        self._call: dict[str, Any] = {}
        self._revision: int | None = -1
        self._looked_at = 0.0

    def news(self) -> bytes:
        """Return the events since the last call of this. Raises UnknownSession, StoreError.

        Most commits during a call do not concern its text; how it goes is looked at for them now and then.
        """
        revision, now = self._desk.store.live.revision(self._session_id), time.monotonic()
        if revision == self._revision and now - self._looked_at < LOOK_SECONDS:
            return b""
        self._looked_at = now
        text = self._text(revision)
        call = running_call(self._desk, self._session_id)
        if call["state"] == "recording":
            del call["duration_seconds"]  # it follows from the start
        told = event(CALL, call) if call != self._call else b""
        self._call = call
        return told + text  # the names of those who speak come first

    def _text(self, revision: int | None) -> bytes:
        """Return the text that is new at a revision."""
        is_new, self._revision = revision != self._revision, revision
        if not is_new or revision is None:
            return b""
        found = self._read()
        self._after = found.last
        return event(TEXT, found, found.last)

    def _read(self) -> LiveText:
        if self._after is None:
            return latest(self._desk, self._session_id)
        return since(self._desk, self._session_id, self._after)
