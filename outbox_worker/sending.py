"""MAIN PATH of the outbox: offer the next recording, send it chunk by chunk, have it committed.

The server says from which offset on it wants a recording, so after a death at any line the next offer goes on
there. A recording counts as sent once the server has confirmed the hash of all of it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable

from archive.team_messages import TAKEN, Answer, CallFacts, CallNews
from outbox_worker.backoff import wait_seconds
from outbox_worker.client import Server
from outbox_worker.content import Content, Contents
from outbox_worker.errors import ServerRefused, TransferBroken
from outbox_worker.facts import facts
from outbox_worker.outcomes import Outcomes
from shared.errors import BadRecording, RecordingChanged, RecordingMissing, RecordNotFound, in_words
from shared.logs import discreet
from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.outbox import SENDABLE, OutboxItem
from shared.store.outbox_states import SENDING
from shared.store.store import Store
from shared.store.values import Record

log = logging.getLogger(__name__)

SMALLEST_CHUNK_BYTES, LARGEST_CHUNK_BYTES = 1 << 16, 64 << 20
#: How often a server may ask for earlier bytes before the recording is offered again.
MOST_STANDSTILLS = 3
LOCKED = 423
#: Refusals of the present state of a transfer, which another offer puts right.
PASSING = (404, 409, 422, 423)


class NoLongerWanted(Exception):
    """A person has cancelled or deleted the recording while it was sent."""


class Sending:
    """Sends the recordings of one home, one after another."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        server: Server,
        outcomes: Outcomes,
        taken: Callable[[CallNews], Awaitable[None]],
        keep: Callable[[], None],
    ) -> None:
        self._store, self._server, self._outcomes, self._taken = store, server, outcomes, taken
        self._contents = Contents(settings, store, keep)

    async def send_next(self) -> int | None:
        """Send the recording that is due; return its number, None if there is none.

        Raises ServerAway, TokenRefused.
        """
        self._store.outbox.adopt()
        item = self._store.outbox.due()
        record = self._store.records.find(item.record) if item else None
        if item is None or record is None:
            return None
        try:
            await self._send(record, item)
        except (NoLongerWanted, RecordNotFound):
            log.info("recording %d: no longer to be sent", record.id)
        except BadRecording as error:
            self._refuse(record, Failure.of(error))
        except ServerRefused as error:
            self._refuse(record, Failure(error.code, str(error)))
        except (RecordingChanged, TransferBroken, OSError) as error:  # OSError: another program has it open
            self._put_off(item, error)
        return record.id

    async def _send(self, record: Record, item: OutboxItem) -> None:
        content = await self._contents.of(record, item)
        again = item.server_status is not None
        told = facts(self._store, record, content.sha256, content.size_bytes, again=again)
        offer = await self._offered(record.session_id, told)
        if offer.state != TAKEN:
            if content.found is None:
                raise RecordingMissing("The recording is neither here nor at the server any more.")
            offer = await self._sent(record, content, offer)
        if offer.sha256 != content.sha256:
            raise ServerRefused(409, "content_differs", "The server has another recording of this call.")
        if self._store.outbox.take(record.id, content.sha256):
            log.info("recording %d: at the server", record.id)
        if offer.record:
            await self._taken(offer.record)

    async def _offered(self, session_id: str, told: CallFacts) -> Answer:
        try:
            return await self._server.offer(session_id, told)
        except ServerRefused as error:
            if error.status == LOCKED:  # an earlier connection of ours is not over yet
                raise TransferBroken from error
            raise

    async def _sent(self, record: Record, content: Content, offer: Answer) -> Answer:
        """Send what the server has not got, and return what it says at the end.

        What it refuses of the transfer itself is offered again from what it then has.
        """
        try:
            await self._upload(record, content, offer)
            return await self._server.commit(record.session_id)
        except ServerRefused as error:
            if error.status in PASSING:
                log.warning("recording %d: %s, it is offered again", record.id, error.code)
                raise TransferBroken(str(error)) from error
            raise

    async def _upload(self, record: Record, content: Content, offer: Answer) -> None:
        size = max(SMALLEST_CHUNK_BYTES, min(offer.chunk_bytes, LARGEST_CHUNK_BYTES))
        offset, standstills = offer.offset, 0
        self._store.outbox.step("begin", record.id, sent_bytes=offset)
        while offset < content.size_bytes:
            self._require_wanted(record.id)
            chunk = await self._contents.chunk(record.id, content, offset, size)
            reached = await self._server.send(record.session_id, offset, chunk.data, chunk.sha256)
            standstills += reached <= offset
            if standstills > MOST_STANDSTILLS:
                raise TransferBroken
            offset = reached
            self._store.outbox.step("advance", record.id, sent_bytes=offset)

    def _require_wanted(self, record_id: int) -> None:
        record, item = self._store.records.get(record_id), self._store.outbox.find(record_id)
        is_wanted = record.transcription_status in SENDABLE
        if item is None or item.state != SENDING or not is_wanted:
            raise NoLongerWanted

    def _put_off(self, item: OutboxItem, error: Exception) -> None:
        log.info("recording %d: not sent now: %s", item.record, discreet(error))
        failure, wait = Failure.of(error), wait_seconds(item.attempts, random.random())
        self._store.outbox.put_off(item.record, failure.code, in_words(error), wait)

    def _refuse(self, record: Record, failure: Failure) -> None:
        log.warning("recording %d: never sent: %s", record.id, failure.code)
        self._outcomes.refused(record.id, failure)
