"""Watches the database for all open event streams, in one thread, while there are any.

News are numbered as the changes of records are. The latest are kept in memory; a stream that was away for
longer reads what it lacks from the database.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offhook.desk.desk import Desk
from offhook.desk.desk_state import Backlog, desk_state
from offhook.desk.listing import rows_of
from offhook.web.listeners import LOOK_SECONDS, Listeners
from offhook.web.server_events import event
from shared.store.changes import RecordChange

#: A process that dies changes nothing in the database, so the desk is looked at now and then, too. Unless
#: records change, its backlog is read no sooner: most commits are processes that say that they are there.
DESK_SECONDS = 4.0
#: While much changes, the desk is described no more often than that.
DESK_REST_SECONDS = 0.25
#: Changes that are read together, and news that are kept.
AT_ONCE, KEPT = 100, 500


@dataclass(frozen=True)
class News:
    """What changed about a record of a person, as an event stream sends it; `seq` is the change's number."""

    seq: int
    message: bytes
    owner_id: int | None = None


@dataclass(frozen=True)
class Some:
    """News up to a change; `is_all` unless there are more by now."""

    news: list[News]
    seq: int
    is_all: bool


def desk_message(desk: Desk) -> bytes:
    """Return the event that tells a member how the desk stands."""
    return event("desk", desk_state(desk, Backlog.of(desk)))


class Hub:
    """The news of one desk; any thread may call it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.listeners = Listeners(
            "events", self._watch, retry_seconds=DESK_SECONDS, at_end=desk.store.disconnect
        )
        self._lock = threading.Lock()
        self._news: deque[News] = deque(maxlen=KEPT)
        self._known_after = self._latest = 0
        self._desk_version, self._desk_message = 0, b""
        self._backlog: Backlog | None = None
        self._backlog_read_at = 0.0

    def position(self, seen: int | None) -> int:
        """Return after which change a stream begins, if it has seen one: none before it, at first.

        A number that is yet to come is of another database, such as before a backup was restored.
        """
        latest = self._desk.store.changes.latest()
        return latest if seen is None else seen if seen <= latest else 0

    def after(self, seq: int, owner_id: int | None = None) -> Some | None:
        """Return the news after a change, None if not all of them are kept: `read` has them.

        Of a person, if given, and otherwise everybody's.
        """
        with self._lock:
            if not self._known_after <= seq <= self._latest:
                return None
            found = [it for it in self._news if it.seq > seq and owner_id in (None, it.owner_id)]
            return Some(found, self._latest, is_all=True)

    def read(self, desk: Desk, seq: int, words_after: int) -> Some:
        """Read the next news after a change, as `desk` sees them; words changed if they did after another."""
        latest = desk.store.changes.latest()  # first: a change that is seen twice does no harm
        found = _news(desk, desk.store.changes.since(seq, AT_ONCE), words_after)
        if len(found) == AT_ONCE:
            return Some(found, found[-1].seq, is_all=False)
        return Some(found, max(latest, found[-1].seq if found else seq), is_all=True)

    def desk_after(self, version: int) -> tuple[int, bytes] | None:
        """Return how the desk stands and the version of that, None if it has no later one."""
        with self._lock:
            found = self._desk_version, self._desk_message
        return found if found[0] > version else None

    # The thread

    def _watch(self) -> None:
        """Look until nobody listens. Raises StoreError."""
        with self._desk.store.feed() as feed:
            self._begin()
            looked_at = -DESK_SECONDS
            is_due = True
            while self.listeners.are_there:
                has_changed = feed.wait(0.0)
                rested = time.monotonic() - looked_at
                is_due |= has_changed or rested >= DESK_SECONDS
                if has_changed or rested >= DESK_SECONDS:
                    self._catch_up()
                if is_due and rested >= DESK_REST_SECONDS:
                    self._look_at_the_desk()
                    looked_at, is_due = time.monotonic(), False
                time.sleep(LOOK_SECONDS)

    def _begin(self) -> None:
        """Keep the news from now on."""
        latest = self._desk.store.changes.latest()
        with self._lock:
            self._news.clear()
            self._known_after = self._latest = latest
        self._backlog = None
        self.listeners.wake()

    def _catch_up(self) -> None:
        began_at = self._latest
        while changes := self._desk.store.changes.since(self._latest, AT_ONCE):
            news = _news(self._desk, changes, began_at)
            with self._lock:
                for each in news:
                    if len(self._news) == KEPT:
                        self._known_after = self._news[0].seq
                    self._news.append(each)
                self._latest = changes[-1].seq
            self._backlog = None
            self.listeners.wake()

    def _look_at_the_desk(self) -> None:
        now = time.monotonic()
        if self._backlog is None or now - self._backlog_read_at >= DESK_SECONDS:
            self._backlog, self._backlog_read_at = Backlog.of(self._desk), now
        message = event("desk", desk_state(self._desk, self._backlog))
        if message != self._desk_message:
            with self._lock:
                self._desk_version, self._desk_message = self._desk_version + 1, message
            self.listeners.wake()


def _news(desk: Desk, changes: Sequence[RecordChange], words_after: int) -> list[News]:
    """Describe changes of records; the row is read now, so it may be of a later change already."""
    rows = rows_of(desk, [change.record_id for change in changes])
    return [_one(change, rows.get(change.record_id), words_after) for change in changes]


def _one(change: RecordChange, row: dict[str, Any] | None, words_after: int) -> News:
    if row is None:
        gone = event("deleted", {"id": change.record_id}, change.seq)
        return News(change.seq, gone, change.owner_id)
    words = b""
    if change.words_seq > words_after:
        words = event("words", {"id": change.record_id, "seq": change.words_seq})
    return News(change.seq, words + event("record", row, change.seq), change.owner_id)
