"""The outbox of a home that has joined a server: it sends and receives, side by side, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from archive.library import Library
from outbox_worker.backoff import Backoff
from outbox_worker.client import Server
from outbox_worker.contact import Contact
from outbox_worker.errors import ServerAway, ServerRefused, TokenRefused
from outbox_worker.outcomes import Outcomes
from outbox_worker.receiving import Receiving
from outbox_worker.sending import Sending
from outbox_worker.sent_audio import SentAudio
from shared.errors import StoreError
from shared.logs import DatabaseTrouble
from shared.settings import Settings
from shared.store.store import Store

log = logging.getLogger(__name__)

#: A recording that was put off, or that another process has queued, is looked for this often at the latest.
LOOK_SECONDS = 5.0
#: A server that answers at once though nothing has changed is not asked more often than this.
PACE_SECONDS = 1.0
#: How often files that could not be deleted are tried again, and what waits too long is looked for.
AUDIO_SECONDS = 300.0
#: After an error of offhook's own, which may be gone then.
FAULT_SECONDS = 30.0


class Session:
    """The exchange with one server. `changed` is set when somebody has written to the database."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        server: Server,
        worker_id: str,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        outcomes = Outcomes(store, Library(settings, store), worker_id)
        self._store, self._server = store, server
        self._receiving = Receiving(store, server, outcomes)
        self._sending = Sending(settings, store, server, outcomes, self._receiving.taken, keep)
        self._audio = SentAudio(settings, store, keep)
        self._contact, self._trouble = Contact(store.outbox.server), DatabaseTrouble(log)
        self._audio_at: float | None = None
        self._refused: set[str] = set()
        self.changed = asyncio.Event()
        self.is_sending = False

    async def run(self) -> None:
        """Send and receive until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat("sending", self._send))
            tasks.create_task(self._repeat("receiving", self._receive))

    async def _repeat(self, part: str, work: Callable[[], Awaitable[bool]]) -> None:
        """Do a part of the work again and again, after an error later. `work` says if the server answered."""
        backoff = Backoff()
        while True:
            try:
                if await work():
                    self._contact.works(part)
                self._trouble.is_over()
                backoff.reset()
            except (ServerAway, TokenRefused) as error:
                await asyncio.sleep(self._after(part, error, backoff))
            except StoreError as error:
                self._trouble.note(error)
                await asyncio.sleep(backoff.after())
            except Exception:  # the cause may be gone then
                log.exception("%s failed", part)
                await asyncio.sleep(FAULT_SECONDS)

    def _after(self, part: str, error: ServerAway | TokenRefused, backoff: Backoff) -> float:
        try:
            self._contact.fails(part, error)
        except StoreError as trouble:
            self._trouble.note(trouble)
        return backoff.after(error.retry_after_seconds if isinstance(error, ServerAway) else None)

    async def _send(self) -> bool:
        self.changed.clear()  # before the look: what is queued during it is found by the next one
        has_answered = await self._order_deletions()
        self.is_sending = True
        try:
            sent = await self._sending.send_next()
        finally:
            self.is_sending = False
        if sent is not None:
            await self._audio.delete(sent)
            return True
        if self._audio_at is None or time.monotonic() - self._audio_at > AUDIO_SECONDS:
            await self._audio.delete()
            self._store.outbox.doubt()
            self._audio_at = time.monotonic()
        if not has_answered:
            await self._something_new()
        return has_answered

    async def _something_new(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self.changed.wait()
        except TimeoutError:
            pass

    async def _order_deletions(self) -> bool:
        """Have the server delete what was deleted here; say if it has deleted anything."""
        done = 0
        for session_id in self._store.outbox.deletions():
            if session_id in self._refused:
                continue
            try:
                await self._server.delete(session_id)
            except ServerRefused as error:  # it stays in the list, for the next start
                log.warning("a call cannot be deleted at the server: %s", error.code)
                self._refused.add(session_id)
            else:
                self._store.outbox.deletion_done(session_id)
                done += 1
        return done > 0

    async def _receive(self) -> bool:
        began = time.monotonic()
        if not await self._receiving.receive():
            await asyncio.sleep(max(0.0, PACE_SECONDS - (time.monotonic() - began)))
        return True
