"""How the calls of workstations change, for those that wait for it: one look at the database for all.

A thread reads each change once and keeps the latest. Those that wait are woken if the change is of a call
that they see, and answer from what is kept. A waiting workstation is no thread and no query.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from archive.team_messages import MOST_CALLS, CallNews, Changes
from offhook.desk.call_news import last_of_each, news_of
from offhook.desk.desk import Desk
from offhook.web.listeners import Listeners, TooManyStreams
from offhook.web.work import from_any_thread
from shared.store.access import WORKSTATION
from shared.store.view import View

#: Changes that are read together, and news that are kept.
AT_ONCE, KEPT = 500, 4_000
#: Between two looks, so that much change is read in few of them; and the longest time without one.
REST_SECONDS, LOOK_SECONDS = 0.1, 1.0
#: How often it is looked up whether the tokens of those that wait are still valid.
RECHECK_SECONDS = 2.0
RETRY_SECONDS = 2.0
#: A workstation waits once. After a cut of the network its waits of before have not ended yet.
MOST_WAITING, MOST_OF_A_TOKEN = 20_000, 20


@dataclass(eq=False)
class Waiting:
    """A workstation that waits for news: whose calls it sees, and its token."""

    owner_id: int | None
    access_id: int
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_revoked: bool = False


class TeamNews:
    """The news of one desk's calls. Workstations wait in one event loop; a thread looks for them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.listeners = Listeners(
            "team news", self._watch, retry_seconds=RETRY_SECONDS, at_end=desk.store.disconnect
        )
        self._lock = threading.Lock()
        self._news: deque[tuple[int | None, CallNews]] = deque(maxlen=KEPT)
        self._known_after, self._latest = 1, 0  # nothing is kept
        self._waiting: set[Waiting] = set()
        self._of_token: Counter[int] = Counter()
        self._seeing: dict[int | None, set[Waiting]] = {}  # by owner; those that see all are under None
        self._wake: Callable[[Iterable[int | None]], None] = self._wake_up
        self._checked_at = 0.0

    def after(self, owner_id: int | None, seq: int) -> Changes | None:
        """Return what changed after a change, None if not all of that is kept: `read` has it."""
        with self._lock:
            if not self._known_after <= seq <= self._latest:
                return None
            latest = self._latest
            found = [it for owner, it in self._news if it.seq > seq and owner_id in (None, owner)]
        last = last_of_each(found)
        if len(last) <= MOST_CALLS:
            return Changes(latest, last)
        return Changes(last[MOST_CALLS - 1].seq, last[:MOST_CALLS], is_more=True)

    def read(self, owner_id: int | None, seq: int) -> Changes:
        """Read what changed after a change from the database.

        A number that is yet to come is of another database, such as before a backup was restored: then all
        calls are news.
        """
        store = self._desk.store.seen_by(View(owner_id))
        after = seq if seq <= store.changes.newest() else 0
        latest = max(
            after, store.changes.latest()
        )  # a change that is being made may hold it back for a moment
        changes = store.changes.since(after, MOST_CALLS + 1)
        is_more = len(changes) > MOST_CALLS
        calls = news_of(store, changes[:MOST_CALLS])
        reached = changes[MOST_CALLS - 1].seq if is_more else max([latest, *(it.seq for it in changes)])
        return Changes(reached, calls, is_more)

    @contextmanager
    def waiting(self, owner_id: int | None, access_id: int) -> Iterator[Waiting]:
        """Be woken by news inside, in this event loop. Raises TooManyStreams."""
        me = Waiting(owner_id, access_id)
        self._join(me)
        try:
            yield me
        finally:
            self._leave(me)

    def _join(self, me: Waiting) -> None:
        with self._lock:
            if len(self._waiting) >= MOST_WAITING or self._of_token[me.access_id] >= MOST_OF_A_TOKEN:
                raise TooManyStreams
            self._waiting.add(me)
            self._of_token[me.access_id] += 1
            self._seeing.setdefault(me.owner_id, set()).add(me)
            is_first = len(self._waiting) == 1
        if is_first:
            self._wake = from_any_thread(self._wake_up)
            self.listeners.join(self._wake_all)

    def _leave(self, me: Waiting) -> None:
        with self._lock:
            self._waiting.remove(me)
            self._of_token[me.access_id] -= 1
            if not self._of_token[me.access_id]:
                del self._of_token[me.access_id]
            self._seeing[me.owner_id].remove(me)
            if not self._seeing[me.owner_id]:
                del self._seeing[me.owner_id]
            is_last = not self._waiting
        if is_last:
            self.listeners.leave(self._wake_all)

    def _wake_up(self, owner_ids: Iterable[int | None]) -> None:
        """Wake those that see calls of some owners; call it in the event loop."""
        for owner_id in owner_ids:
            for each in self._seeing.get(owner_id, ()):
                each.woken.set()

    def _wake_all(self) -> None:
        with self._lock:
            owner_ids = list(self._seeing)
        self._wake(owner_ids)

    # The thread

    def _watch(self) -> None:
        """Look until nobody waits. Raises StoreError."""
        try:
            with self._desk.store.feed() as feed:
                self._begin()
                while self.listeners.are_there:
                    if feed.wait(LOOK_SECONDS):
                        self._catch_up()
                    self._recheck()
                    time.sleep(REST_SECONDS)
        finally:
            with self._lock:  # from here on nothing is kept
                self._known_after, self._latest = 1, 0

    def _begin(self) -> None:
        """Keep the news from now on."""
        latest = self._desk.store.changes.latest()
        with self._lock:
            self._news.clear()
            self._known_after = self._latest = latest
        self._wake_all()

    def _catch_up(self) -> None:
        store = self._desk.store
        while changes := store.changes.since(self._latest, AT_ONCE):
            owners = {it.record_id: it.owner_id for it in changes}
            news = news_of(store, changes)
            with self._lock:
                for each in news:
                    if len(self._news) == KEPT:
                        self._known_after = self._news[0][1].seq
                    self._news.append((owners[each.record_id], each))
                self._latest = changes[-1].seq
            self._wake({None, *owners.values()})

    def _recheck(self) -> None:
        """Wake those whose token is revoked."""
        if time.monotonic() - self._checked_at < RECHECK_SECONDS:
            return
        self._checked_at = time.monotonic()
        with self._lock:
            waiting = list(self._waiting)
        standing = self._desk.store.access.standing(WORKSTATION)
        if revoked := [it for it in waiting if it.access_id not in standing]:
            for each in revoked:
                each.is_revoked = True
            self._wake({it.owner_id for it in revoked})
