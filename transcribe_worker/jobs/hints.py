"""The queue of hints, in Huey.

A message is a hint that a record may be due. Huey deletes a message before it runs the task, so a
killed worker loses it. The record in the database has the state, and the sweeper sends hints again.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from huey import Huey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Writes messages as JSON: unlike a pickle, reading one cannot run code."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        found = json.loads(bytes(data))
        return Message(*found) if isinstance(found, list) else found


class Storage(SqliteStorage):  # type: ignore[misc]
    """A file without synced commits: a power cut may lose hints, and damages nothing."""

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


class HintHuey(Huey):  # type: ignore[misc]
    """A Huey that drops invalid messages, and repairs an unreadable queue.

    Huey itself logs such a message with a traceback, and an unreadable queue ten times a second.
    """

    path: Path
    hint: Callable[[int], Any]
    _is_readable = True

    def dequeue(self) -> Any:
        """Return the next hint; None if there is none."""
        dropped = 0
        try:
            while (data := self.storage.dequeue()) is not None:
                if (record_id := _record_id(data)) is not None:
                    return self.hint(record_id)
                dropped += 1
            self._is_readable = True
        except sqlite3.Error as error:
            self._note(error)
            self._repair()
        finally:
            if dropped:
                log.warning("damaged hints were dropped: %d; they are sent again", dropped)
        return None

    def _note(self, error: sqlite3.Error) -> None:
        if self._is_readable:
            log.warning("the queue of hints cannot be read, and is repaired: %s", error)
        self._is_readable = False

    def _repair(self) -> None:
        with suppress(sqlite3.Error):
            self.storage.close()
            _discard_if_damaged(self.path)
            self.storage.initialize_schema()


def _record_id(data: Any) -> int | None:
    """Read the record id of a message; None if it is damaged."""
    try:
        message = Message(*json.loads(bytes(data)))
        (record_id,) = message.args
    except (ValueError, TypeError, RecursionError):
        return None
    return record_id if type(record_id) is int and message.name.endswith("transcribe") else None


def _discard_if_damaged(path: Path) -> None:
    """Remove a damaged queue file: its hints can be sent again."""
    if not path.exists() or _is_sound(path):
        return
    for file in path.parent.glob(f"{path.name}*"):
        with suppress(OSError):  # Windows keeps a file that is open
            file.unlink()


def _is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return str(answer) == "ok"
    except sqlite3.OperationalError:  # it is in use, or cannot be read
        return True
    except sqlite3.DatabaseError:
        return False


def send_once(path: Path, record_id: int, priority: float = 0) -> None:
    """Hint that a record may be due. Errors of the queue are ignored: the sweeper sends hints too."""
    with suppress(sqlite3.Error), closing(HintQueue(path)) as hints:
        hints.send(record_id, priority)


def move_at_once(path: Path, priorities: Mapping[int, float]) -> None:
    """Give hints that wait other priorities; a record without one gets one. Errors are ignored as above."""
    with suppress(sqlite3.Error), closing(HintQueue(path)) as hints:
        hints.move(priorities)


class HintQueue:
    """A queue of record ids in a SQLite file of its own."""

    def __init__(self, path: Path) -> None:
        _discard_if_damaged(path)
        self._huey = HintHuey(
            "offhook",
            results=False,
            serializer=JsonSerializer(),
            storage_class=Storage,
            filename=str(path),
            create_tables=False,
        )
        self._huey.path = path
        self._huey.hint = lambda record_id: self._task.s(record_id)
        try:
            self._huey.storage.initialize_schema()
        except sqlite3.Error:
            self.close()
            raise
        self._handler: Callable[[int], None] | None = None
        self._task = self._huey.task(name="transcribe", retries=0)(self._handle)

    def send(self, record_id: int, priority: float = 0) -> None:
        """Hint that a record may be due. A hint may be lost, repeated or late."""
        self._huey.enqueue(self._task.s(record_id, priority=priority))

    def move(self, priorities: Mapping[int, float]) -> None:
        """Give the hints of some records other priorities; a record without a hint gets one."""
        storage, left = self._huey.storage, dict(priorities)
        waiting = storage.sql("SELECT id, data FROM task WHERE queue = ?", (storage.name,), results=True)
        with storage.db(commit=True) as cursor:
            for number, data in waiting:
                record_id = _record_id(data)
                if record_id is not None and record_id in priorities:
                    cursor.execute(
                        "UPDATE task SET priority = ? WHERE id = ?", (priorities[record_id], number)
                    )
                    left.pop(record_id, None)
        for record_id, priority in left.items():
            self.send(record_id, priority)

    def is_empty(self) -> bool:
        """Whether no hint waits."""
        return not self._huey.pending_count()

    def close(self) -> None:
        """Close the connection to the file."""
        self._huey.storage.close()

    def on_thread(self, *, start: Callable[[], None], stop: Callable[[], None]) -> None:
        """Let each consumer thread call `start` before its first hint and `stop` after its last."""
        self._huey.on_startup("start")(start)
        self._huey.on_shutdown("stop")(stop)

    def consumer(self, handler: Callable[[int], None], *, workers: int) -> Consumer:
        """Return a consumer that passes each hint to `handler`, in threads (process workers need fork)."""
        self._handler = handler
        return self._huey.create_consumer(
            workers=workers,
            worker_type="thread",
            periodic=False,
            initial_delay=POLL_SECONDS,
            max_delay=POLL_SECONDS,
            backoff=1.0,
        )

    def _handle(self, record_id: int) -> None:
        assert self._handler, "only a consumer takes hints"
        self._handler(record_id)
