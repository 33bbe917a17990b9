"""Programs that wait for transcripts in a team's home."""

from __future__ import annotations

import asyncio
from contextlib import closing

from starlette.requests import Request
from starlette.types import Message

from offhook.desk.desk import Desk
from offhook.web.awaiting import Finishing
from offhook.web.listeners import MOST_OF_A_PERSON, TooManyStreams
from offhook.web.visitors import Visitor
from offhook.web.work import Work
from shared.settings import Settings
from shared.store.access import READ
from shared.store.people import MEMBER, Person
from shared.store.transitions import CANCELLED
from shared.store.values import Record

WAIT_SECONDS = 20.0


def request_of(person: Person) -> Request:
    """A request of a person, whose client stays."""

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    visitor = Visitor(person.id, frozenset({READ}), person=person, in_team=True)
    return Request({"type": "http", "state": {"visitor": visitor}}, receive)


async def finished(desk: Desk, work: Work) -> tuple[list[BaseException | None], list[Record]]:
    """Let ada wait once too often, then bob too; return what stopped some, and what the others got."""
    ada, bob = (desk.store.people.add(name, MEMBER) for name in ("ada", "bob"))
    record = desk.store.records.add(source="added", title="a call", recording_path="/a.wav")
    finishing = Finishing(desk, work)
    waits = [
        asyncio.create_task(finishing.wait(request_of(ada), record.id)) for _ in range(MOST_OF_A_PERSON + 1)
    ]
    refused, left = await asyncio.wait(waits, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    left.add(asyncio.create_task(finishing.wait(request_of(bob), record.id)))
    desk.store.records.cancel(record.id)
    found = await asyncio.wait_for(asyncio.gather(*left), WAIT_SECONDS)
    work.end()
    return [it.exception() for it in refused], found


def test_nobody_takes_the_waits_of_others(settings: Settings) -> None:
    with Desk({"home": settings.home}) as desk, closing(Work()) as work:
        stopped, found = asyncio.run(finished(desk, work))
    assert [type(it) for it in stopped] == [TooManyStreams]
    assert [it.transcription_status for it in found] == [CANCELLED] * (MOST_OF_A_PERSON + 1)
