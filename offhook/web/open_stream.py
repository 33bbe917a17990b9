"""An event stream that is open as long as its browser listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from offhook.web.errors import refusal
from offhook.web.listeners import Listeners, TooManyStreams
from offhook.web.server_events import MEDIA_TYPE
from offhook.web.work import from_any_thread


class OpenStream(StreamingResponse):
    """One open stream of `events`, woken by news; it is refused if there are too many."""

    def __init__(self, listeners: Listeners, person_id: int | None = None) -> None:
        self._listeners, self._person_id, self._woken = listeners, person_id, asyncio.Event()
        super().__init__(self.events(), media_type=MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the browser leaves."""
        wake = from_any_thread(self._woken.set)
        try:
            self._listeners.join(wake, self._person_id)
        except TooManyStreams as error:
            await refusal(error, {"retry-after": "30"})(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._listeners.leave(wake)

    def events(self) -> AsyncIterator[bytes]:
        """Yield events until the listeners are stopped."""
        raise NotImplementedError

    async def wait(self, seconds: float) -> bool:
        """Wait for news; whether some came by then."""
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return False
        return True
