"""What comes back from the server: how far its calls are, their transcripts, and what became of them."""

from __future__ import annotations

import asyncio
import logging

from archive import bundle
from archive.team_messages import LONGEST_WAIT_SECONDS, CallNews
from outbox_worker.client import Server
from outbox_worker.errors import ServerRefused
from outbox_worker.outcomes import DELETED, Outcomes
from shared.store.claims import Failure
from shared.store.outbox import SENDABLE, OutboxItem
from shared.store.outbox_states import RECEIVED, SENT, UNSENT
from shared.store.store import Store
from shared.store.transitions import CANCELLED, COMPLETED, FAILED

log = logging.getLogger(__name__)

#: Between two looks while a call is being sent of which the server has told already.
EARLY_SECONDS = 0.5


class Receiving:
    """Follows the changes of one server's calls, as far as they are this home's."""

    def __init__(self, store: Store, server: Server, outcomes: Outcomes) -> None:
        self._store, self._server, self._outcomes = store, server, outcomes
        self._wait_seconds = 0.0  # the first answer says at once that the server is there
        self._early: dict[str, CallNews] = {}  # of calls that are just being sent

    async def receive(self) -> bool:
        """Take the next changes over, and wait for some if there are none; say whether there were any.

        Raises ServerAway, TokenRefused.
        """
        joined = self._store.outbox.joined()
        if joined is None:
            return False
        page = await self._server.changes(joined.after_seq, self._wait_seconds)
        if page.seq < joined.after_seq:
            log.warning("the server has lost changes, everything is offered to it again")
            self._store.outbox.begin_anew()
            return True
        for change in page.calls:
            await self.apply(change)
        await self._took_over(page.seq)
        self._wait_seconds = 0.0 if page.is_more else LONGEST_WAIT_SECONDS
        return bool(page.calls)

    async def _took_over(self, seq: int) -> None:
        """Note how far changes are taken over: not beyond an early one, which a death would lose.

        It comes again until its commit is answered.
        """
        early = min((it.seq for it in self._early.values()), default=None)
        self._store.outbox.server.took_over(seq if early is None else min(seq, early - 1))
        if early is not None:
            await asyncio.sleep(EARLY_SECONDS)

    async def taken(self, news: CallNews) -> None:
        """Take over how a call stands that was just taken; what the server said of it later counts."""
        early = self._early.pop(news.session_id, news)
        await self.apply(max(early, news, key=lambda it: it.seq))

    async def apply(self, change: CallNews) -> None:
        """Take over what a change says of a call; one that was applied before changes nothing."""
        self._early.pop(change.session_id, None)
        record = self._store.records.of_session(change.session_id)
        item = self._store.outbox.find(record.id) if record else None
        if record is None or item is None:  # another workstation's
            return
        if item.state in UNSENT and record.transcription_status in SENDABLE:
            self._early[change.session_id] = change
        if item.state not in (SENT, RECEIVED):
            return
        self._store.outbox.note(
            item.record,
            server_status=DELETED if change.is_deleted else change.status,
            server_progress=change.progress,
            server_error=change.error,
        )
        if change.is_deleted:
            self._outcomes.failed(item.record, Failure("deleted_at_the_server", _DELETED))
        elif change.status == COMPLETED and (item.state == SENT or change.words_seq > item.words_seq):
            await self._take_transcript(item, change)
        elif change.status == FAILED and item.state == SENT:
            failure = Failure(change.error_code or "error", change.error or "It failed at the server.")
            self._outcomes.failed(item.record, failure)
        elif change.status == CANCELLED and item.state == SENT:
            self._outcomes.cancelled(item.record)

    async def _take_transcript(self, item: OutboxItem, change: CallNews) -> None:
        try:
            found = bundle.from_json(await self._server.transcript(change.session_id))
        except ServerRefused as error:  # queued again or deleted meanwhile: a later change says so
            log.info("recording %d: no transcript at the server now: %s", item.record, error.code)
        except bundle.BadBundle as error:
            self._outcomes.failed(item.record, Failure.of(error))
        else:
            self._outcomes.transcript(item.record, found)


_DELETED = "The call was deleted at the server. Transcribe it again to send it there once more."
