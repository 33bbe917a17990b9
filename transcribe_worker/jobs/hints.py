"""The queue of hints, in Huey.

A message is a hint that a record may be due. Huey deletes a message before it runs the task, so a
killed worker loses it. The record in the database has the state, and the sweeper sends hints again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from huey import Huey
from huey.consumer import Consumer

from shared.settings import Settings
from transcribe_worker.jobs.hint_storage.choice import QUEUE, HintStorage, place_of, storage_of
from transcribe_worker.jobs.hint_storage.messages import TASK, JsonSerializer, record_id_of
from transcribe_worker.jobs.hint_storage.outage import Outage, QueueAway

log = logging.getLogger(__name__)

#: How often a file is looked at. Servers wake those who wait.
POLL_SECONDS = 0.1
#: A machine that takes nothing looks so often whether it may again.
REST_SECONDS = 0.5


def always() -> bool:
    """Whether hints are taken, where nothing keeps a machine from it."""
    return True


class HintHuey(Huey):  # type: ignore[misc]
    """A Huey that drops invalid messages, and copes with a queue that cannot be used.

    Huey itself logs such a message with a traceback, and an unreadable queue ten times a second. While a
    server of hints is away, each thread that waits is told to look into the database from time to time.
    """

    hint: Callable[[int | None], Any]
    outage: Outage
    may_take: Callable[[], bool] = staticmethod(always)
    rest: Callable[[float], object] = staticmethod(time.sleep)

    def dequeue(self) -> Any:
        """Return the next hint; None if there is none."""
        if not self.may_take():
            self.rest(REST_SECONDS)
            return None
        dropped = 0
        try:
            while (data := self.storage.dequeue()) is not None:
                if (record_id := record_id_of(data)) is not None:
                    return self.hint(record_id)
                dropped += 1
            self.outage.is_over()
        except self.storage.errors as error:
            return self._missed(error)
        finally:
            if dropped:
                log.warning("damaged hints were dropped: %d; they are sent again", dropped)
        return None

    def read_schedule(self, timestamp: Any = None) -> list[Any]:
        """Return nothing, and ask nobody: no hint is sent for later."""
        return []

    def execute(self, task: Any, timestamp: Any = None) -> Any:
        """Run a hint, without the books on revoked tasks and results that Huey keeps in the storage."""
        return task.execute()

    def _missed(self, error: Exception) -> Any:
        self.outage.note(self.storage.trouble, error)
        self.storage.repair()
        if not self.storage.is_on_a_server:
            return None
        self.rest(self.outage.wait_seconds())
        return self.hint(None)


def send_once(settings: Settings, record_id: int, priority: float = 0) -> None:
    """Hint that a record may be due. Errors of the queue are ignored: the sweeper sends hints too."""
    with suppress(QueueAway), closing(HintQueue.of(settings)) as hints:
        hints.send(record_id, priority)


def move_at_once(settings: Settings, priorities: Mapping[int, float]) -> None:
    """Give hints that wait other priorities; a record without one gets one. Errors are ignored as above."""
    with suppress(QueueAway), closing(HintQueue.of(settings)) as hints:
        hints.move(priorities)


class HintQueue:
    """A queue of record ids in a SQLite file of its own, in PostgreSQL or in Redis."""

    def __init__(self, place: Path | str, name: str = QUEUE) -> None:
        """Open a file, or name a server by its URL. Raises QueueAway for a file, SettingsError."""
        self._huey = HintHuey(
            name, results=False, serializer=JsonSerializer(), storage_class=storage_of(place)
        )
        self._storage: HintStorage = self._huey.storage
        self._huey.on_shutdown("leave")(self._storage.leave)
        self._huey.hint = lambda record_id: self._task.s(record_id)
        self._huey.outage = Outage(log)
        self._handler: Callable[[int | None], None] | None = None
        self._task = self._huey.task(name=TASK, retries=0)(self._handle)

    @classmethod
    def of(cls, settings: Settings) -> HintQueue:
        """Open the queue of a home. Raises as the constructor."""
        return cls(*place_of(settings))

    def send(self, record_id: int, priority: float = 0) -> bool:
        """Hint that a record may be due; say whether it was sent. A hint may be lost, repeated or late."""
        try:
            self._use(lambda: self._huey.enqueue(self._task.s(record_id, priority=priority)))
        except QueueAway:
            return False
        return True

    def move(self, priorities: Mapping[int, float]) -> None:
        """Give the hints of some records other priorities; a record without a hint gets one.

        Raises QueueAway.
        """
        moved: set[int] = self._use(lambda: self._storage.move(priorities))
        for record_id in priorities.keys() - moved:
            self.send(record_id, priorities[record_id])

    def is_empty(self) -> bool:
        """Whether no hint waits. Raises QueueAway."""
        return bool(self._use(self._storage.is_empty))

    def close(self) -> None:
        """Close the calling thread's connections, and those that all threads share."""
        self._storage.close()

    def on_thread(self, *, start: Callable[[], None], stop: Callable[[], None]) -> None:
        """Let each consumer thread call `start` before its first hint and `stop` after its last."""
        self._huey.on_startup("start")(start)
        self._huey.on_shutdown("stop")(stop)

    def consumer(
        self,
        handler: Callable[[int | None], None],
        *,
        workers: int,
        may_take: Callable[[], bool] = always,
    ) -> Consumer:
        """Return a consumer that passes each hint to `handler`, in threads (process workers need fork).

        A hint without a record says to look into the database, because no hints can be had now. While
        `may_take` says no, hints are left to other machines.
        """
        self._handler = handler
        consumer = self._huey.create_consumer(
            workers=workers,
            worker_type="thread",
            periodic=False,
            initial_delay=POLL_SECONDS,
            max_delay=POLL_SECONDS,
            backoff=1.0,
        )
        self._huey.may_take, self._huey.rest = may_take, consumer.stop_flag.wait
        return consumer

    def _handle(self, record_id: int | None) -> None:
        assert self._handler, "only a consumer takes hints"
        self._handler(record_id)

    def _use(self, action: Callable[[], Any]) -> Any:
        """Use the storage. Raises QueueAway."""
        try:
            return action()
        except self._storage.errors as error:
            self._huey.outage.note(self._storage.trouble, error)
            raise QueueAway from error
