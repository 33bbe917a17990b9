"""The Huey instance, nothing else.

A message is a hint that a record may be due. Huey deletes a message before it runs the task, so a
killed worker loses it; the record in the database is what counts, and the sweeper sends hints again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from huey import Huey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

POLL_SECONDS = 0.1


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Messages as JSON: unlike a pickle, reading one cannot run code."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        found = json.loads(bytes(data))
        return Message(*found) if isinstance(found, list) else found


class Storage(SqliteStorage):  # type: ignore[misc]
    """A file whose commits do not wait for the disk: a power cut may take hints, and damages nothing."""

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def _discard_if_damaged(path: Path) -> None:
    """Remove a queue file that is damaged: the hints in it can be sent again."""
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


class HintQueue:
    """A queue of record ids in a SQLite file of its own."""

    def __init__(self, path: Path) -> None:
        _discard_if_damaged(path)
        self._huey = Huey(
            "offhook",
            results=False,
            serializer=JsonSerializer(),
            storage_class=Storage,
            filename=str(path),
            create_tables=False,
        )
        try:
            self._huey.storage.initialize_schema()
        except sqlite3.Error:
            self.close()
            raise
        self._handler: Callable[[int], None] | None = None
        self._task = self._huey.task(name="transcribe", retries=0)(self._handle)

    def send(self, record_id: int, priority: float = 0) -> None:
        """Hint that a record may be due. Safe to lose, to repeat and to come late."""
        self._huey.enqueue(self._task.s(record_id, priority=priority))

    def is_empty(self) -> bool:
        """Whether no hint waits."""
        return not self._huey.pending_count()

    def close(self) -> None:
        """Close the connection to the file."""
        self._huey.storage.close()

    def on_thread(self, *, start: Callable[[], None], stop: Callable[[], None]) -> None:
        """Have each consumer thread call `start` before its first hint and `stop` after its last."""
        self._huey.on_startup("start")(start)
        self._huey.on_shutdown("stop")(stop)

    def consumer(self, handler: Callable[[int], None], *, workers: int) -> Consumer:
        """Make a consumer that gives each hint to `handler`, in threads (process workers need fork)."""
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
