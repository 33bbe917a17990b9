"""The stream of the recorder for pages that show meters: states, and levels ten times a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from offhook.desk.desk import Desk
from offhook.desk.recorder_hub import END, LEVELS, RecorderHub
from offhook.web.call import Answers
from offhook.web.server_events import MEDIA_TYPE, QUIET_SECONDS, STILL_HERE, event, retry
from offhook.web.work import Work, from_any_thread

#: Levels that a browser has not read yet; further ones are left out.
MOST_LEVELS_WAITING = 20
RETRY_MS = 1000


def recorder_stream(desk: Desk, work: Work) -> Answers:
    """Return what answers with a stream; all of them share one conversation with the capture worker."""
    hub = RecorderHub(desk)
    work.at_end(hub.stop)

    async def stream(_: Request) -> Response:
        return RecorderStream(hub)

    return stream


class RecorderStream(StreamingResponse):
    """One open stream."""

    def __init__(self, hub: RecorderHub) -> None:
        self._hub = hub
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        super().__init__(self._events(), media_type=MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the browser leaves."""
        deliver = from_any_thread(self._put)
        self._hub.join(deliver)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.leave(deliver)

    def _put(self, kind: str, data: dict[str, Any]) -> None:
        if kind == END:
            self._waiting.put_nowait(b"")
        elif kind != LEVELS or self._waiting.qsize() < MOST_LEVELS_WAITING:
            self._waiting.put_nowait(event(kind, data))

    async def _events(self) -> AsyncIterator[bytes]:
        yield retry(RETRY_MS)
        while True:
            try:
                message = await asyncio.wait_for(self._waiting.get(), QUIET_SECONDS)
                if not message:
                    return
                yield message
            except TimeoutError:
                yield STILL_HERE
