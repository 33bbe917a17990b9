"""Waits until a recording is transcribed; no thread waits with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request

from offhook.desk.desk import Desk
from offhook.web.exchange import until_gone
from offhook.web.hub import Hub
from offhook.web.work import Work, from_any_thread
from shared.errors import EngineUnusable, ModelMissing, OffhookError
from shared.store.transitions import PROCESSING, QUEUED
from shared.store.values import Record

#: Looks at a record without news of it: its worker may have ended.
LOOK_SECONDS = 5.0
#: What keeps a recording waiting until a person does something.
_STUCK = (EngineUnusable.code, ModelMissing.code)


class ServerStops(OffhookError):
    """The server stops. The recording stays in the queue; send it again to get its transcript."""

    code = "server_stops"


class HungUp(OffhookError):
    """The client has gone. The recording stays in the queue."""

    code = "hung_up"


class Finishing:
    """Waits for records of one desk; all that wait share one look at the database."""

    def __init__(self, desk: Desk, work: Work) -> None:
        self._desk, self._work, self._hub = desk, work, Hub(desk)
        work.at_end(self._hub.listeners.stop)

    async def wait(self, request: Request, record_id: int) -> Record:
        """Return a record as soon as it is finished, or waits for a person.

        Raises RecordNotFound if it is deleted, HungUp, ServerStops, TooManyStreams. Each person of a team may
        wait for some.
        """
        woken, person = asyncio.Event(), request.state.visitor.person
        gone = asyncio.create_task(until_gone(request.receive))
        try:
            with self._listening(woken.set, person.id if person else None):
                while is_open(record := await self._work.run(self._desk.store.records.get, record_id)):
                    if self._hub.listeners.is_stopped:
                        raise ServerStops
                    await _either(woken, gone)
                    woken.clear()
                return record
        finally:
            gone.cancel()

    @contextmanager
    def _listening(self, wake: Callable[[], None], person_id: int | None) -> Iterator[None]:
        wake_from_afar = from_any_thread(wake)
        self._hub.listeners.join(wake_from_afar, person_id)
        try:
            yield
        finally:
            self._hub.listeners.leave(wake_from_afar)


def is_open(record: Record) -> bool:
    """Whether a record may be finished without a person's doing."""
    return record.transcription_status in (QUEUED, PROCESSING) and record.error_code not in _STUCK


async def _either(woken: asyncio.Event, gone: asyncio.Task[None]) -> None:
    """Wait for news, for a while. Raises HungUp if the client goes."""
    news = asyncio.create_task(woken.wait())
    try:
        await asyncio.wait((news, gone), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()
    if gone.done():
        raise HungUp
